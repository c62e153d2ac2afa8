//! Any text as a frame or a body of any venue: nothing panics, what is handed out is the text's own, and what is read is
//! JSON, read the same way whether there is room from earlier frames or not.
//!
//! The first byte picks the venue; two of them have targets of their own that look closer.

use crate::coinapi_control::bounded;
use crate::slow;
use depthd::engine::event::{Channel, Decoded, Event, Level, Liquidation, Trade};
use depthd::venue::catalog::{self, NAMES};
use depthd::venue::handles::Handles;
use depthd::venue::{Control, Route, Venue};
use std::sync::Arc;

/// What a decoder may hold for each byte of a frame, and beside that.
const BYTES_PER_BYTE: usize = 4;
const BYTES_BESIDE: usize = 64 * 1024;

/// Texts that venues send and that are no JSON.
const PLAIN_TEXTS: [(&str, &str); 2] =
    [("okx", "pong"), ("hyperliquid", "Websocket connection established.")];

/// Streams that the connection has, for the venue that numbers them.
const BOUND: [(u64, &str, Channel); 3] =
    [(225_206, "tBTCUSD", Channel::Book), (17_470, "tBTCUSD", Channel::Trade), (5, "tETHUSD", Channel::Book)];

pub fn run(data: &[u8]) {
    let Some((venue, text)) = frame(data) else { return };
    let (name, handles) = (venue.profile().name, bound());
    let routed = venue.route(text, &handles);
    if let Route::Data { symbol, .. } = routed {
        let of_a_stream = BOUND.iter().any(|(number, ..)| {
            handles.stream(*number).is_some_and(|(bound, _)| std::ptr::eq(bound, symbol))
        });
        assert!(is_within(symbol, text) || of_a_stream, "a symbol from nowhere");
    }
    let mut parts = Vec::new();
    let taken_apart = venue.parts(text, &mut |symbol, channel, part| {
        assert!(is_within(symbol, text) && is_within(part, text), "a part from nowhere");
        parts.push((channel, part));
    });
    if taken_apart.is_ok() {
        assert!(slow::is_json(text), "taken apart, but no JSON");
    }
    for (channel, part) in parts {
        decode(venue.as_ref(), channel, part);
    }
    let control = venue.control(text);
    bounded(&control);
    let is_known = PLAIN_TEXTS.contains(&(name, text.trim_ascii()));
    assert!(control == Control::Other || is_known || slow::is_json(text), "{control:?}, but no JSON");
    if let Control::Bound { symbol, .. } = &control {
        assert!(symbol.len() <= text.len(), "a symbol longer than its frame");
    }
    let _ = venue.connection_number(text);
    for channel in channels() {
        decode(venue.as_ref(), channel, text);
    }
    let _ = venue.instruments(text.as_bytes());
    let _ = venue.snapshot("BTCUSDT", text.as_bytes());
}

pub fn work(data: &[u8]) {
    let Some((venue, text)) = frame(data) else { return };
    let (handles, mut out) = (bound(), Decoded::default());
    let _ = venue.connection_number(text);
    match venue.route(text, &handles) {
        Route::Data { channel, .. } => drop(venue.decode(channel, text, &mut out)),
        Route::Parts => {
            let _ = venue.parts(text, &mut |_, channel, part| {
                out.clear();
                let _ = venue.decode(channel, part, &mut out);
            });
        }
        Route::Control => drop(venue.control(text)),
        Route::Unused | Route::Unknown | Route::Malformed(_) => {}
    }
}

fn frame(data: &[u8]) -> Option<(Arc<dyn Venue>, &str)> {
    let (first, text) = data.split_first()?;
    let name = NAMES[usize::from(*first) % NAMES.len()];
    Some((catalog::by_name(name).expect("a venue of the list"), std::str::from_utf8(text).ok()?))
}

fn bound() -> Handles {
    let mut handles = Handles::default();
    for (number, symbol, channel) in BOUND {
        assert!(handles.bind(number, symbol, channel));
    }
    handles
}

fn channels() -> impl Iterator<Item = Channel> {
    Channel::ALL.into_iter().chain([Channel::Instrument])
}

/// Whether it is a piece of the text itself and no copy.
fn is_within(piece: &str, text: &str) -> bool {
    let (piece, text) = (piece.as_bytes().as_ptr_range(), text.as_bytes().as_ptr_range());
    text.start <= piece.start && piece.end <= text.end
}

fn decode(venue: &dyn Venue, channel: Channel, text: &str) {
    let mut first = Decoded::default();
    let read = venue.decode(channel, text, &mut first);
    let bytes = (first.bids.capacity() + first.asks.capacity()) * size_of::<Level>()
        + first.trades.capacity() * size_of::<Trade>()
        + first.liquidations.capacity() * size_of::<Liquidation>();
    assert!(bytes <= BYTES_BESIDE + BYTES_PER_BYTE * text.len(), "{bytes} bytes for {} of text", text.len());
    // A worker's has room from its first frames on, and other code may then do the reading.
    let mut warm =
        Decoded { bids: Vec::with_capacity(64), asks: Vec::with_capacity(64), ..Decoded::default() };
    let again = venue.decode(channel, text, &mut warm);
    assert_eq!(read.is_ok(), again.is_ok(), "read or refused by the room there is");
    if read.is_err() {
        return;
    }
    // Neighbors of one product are handed out as they stand, without the brackets of their list.
    assert!(slow::is_json(text) || slow::is_json(&format!("[{text}]")), "read, but no JSON");
    assert_eq!(first.event, warm.event);
    assert_eq!((&first.bids, &first.asks, &first.trades), (&warm.bids, &warm.asks, &warm.trades));
    assert_eq!(first.liquidations, warm.liquidations);
    match first.event.expect("set by every success") {
        Event::Book(_) => assert!(channel.is_book(), "a book on {channel:?}"),
        Event::Trades => assert_eq!(channel, Channel::Trade),
        Event::Liquidations => assert_eq!(channel, Channel::Liquidation),
        Event::Quote(_) => assert_eq!(channel, Channel::Quote),
        Event::Precision(_) => assert_eq!(channel, Channel::Instrument),
    }
}
