//! CoinAPI's data frames: where they belong and what they say, against the slow reader.

use crate::slow::{self, Members};
use depthd::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, TakerSide,
};
use depthd::engine::time::Wall;
use depthd::venue::coinapi::CoinApi;
use depthd::venue::handles::Handles;
use depthd::venue::{Route, Venue};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    placed(&CoinApi, text);
    let routed = match CoinApi.route(text, Handles::NONE) {
        Route::Data { symbol, channel } => Some((symbol, channel)),
        _ => None,
    };
    for channel in Channel::ALL {
        let mut out = Decoded::default();
        if CoinApi.decode(channel, text, &mut out).is_err() {
            continue;
        }
        let members = Members::of(text).expect("accepted, so it is an object");
        assert_eq!(members.get("type"), Some(format!("\"{}\"", channel.name()).as_str()));
        let symbol = members.get("symbol_id").and_then(slow::text);
        if let Some((routed, by)) = routed {
            assert_eq!((Some(routed), by), (symbol, channel), "given to one book, said of another");
        }
        compare(channel, &members, &out);
    }
}

pub fn work(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut out = Decoded::default();
    match CoinApi.route(text, Handles::NONE) {
        Route::Data { channel, .. } => drop(CoinApi.decode(channel, text, &mut out)),
        Route::Control => drop(CoinApi.control(text)),
        Route::Unknown | Route::Malformed(_) => {}
        Route::Parts | Route::Unused => panic!("this venue has no such frames"),
    }
}

/// For a venue of one event a frame: what is placed is JSON, and JSON is not called something else.
pub fn placed(venue: &dyn Venue, text: &str) {
    match venue.route(text, Handles::NONE) {
        Route::Data { symbol, .. } => assert!(text.contains(symbol)),
        Route::Control | Route::Unknown => assert!(slow::is_json(text), "placed, but no JSON"),
        Route::Malformed(DecodeError::Json) => {
            let is_object = slow::is_json(text) && text.trim_start().starts_with('{');
            assert!(!is_object || slow::nesting(text) > 64, "JSON, but called none");
        }
        Route::Parts | Route::Unused => panic!("this venue has no such frames"),
        // Said at the first field that makes no sense, whatever comes after it.
        Route::Malformed(_) => {}
    }
}

fn compare(channel: Channel, members: &Members, out: &Decoded) {
    let time = |name| slow::scalar(members.get(name)).and_then(slow::time);
    match out.event.expect("set by every success") {
        Event::Book(event) => {
            let BookEvent { kind, span, cross, checksum, exchange_time, venue_time } = event;
            let expected = match (channel, slow::scalar(members.get("is_snapshot"))) {
                (Channel::Book, Some(flag)) if flag.eq_ignore_ascii_case("true") => BookKind::Snapshot,
                (Channel::Book, Some(flag)) if flag.eq_ignore_ascii_case("false") => BookKind::Delta,
                (Channel::Book, other) => panic!("{other:?} is no truth value"),
                _ => BookKind::Top,
            };
            assert_eq!((kind, checksum, cross), (expected, None, None));
            let sequence = slow::scalar(members.get("sequence"));
            assert_eq!(span.map(|s| (s.first, s.last, s.previous)), {
                let sequence = sequence.map(|n| n.parse().expect("a whole number"));
                sequence.map(|n: u64| (n, n, None))
            });
            assert_eq!((exchange_time, venue_time), (time("time_exchange"), time("time_coinapi")));
            levels(members.get("bids"), &out.bids);
            levels(members.get("asks"), &out.asks);
        }
        Event::Trades => trades(members, out, time("time_exchange")),
        Event::Quote(Quote { sequence, bid, ask, exchange_time }) => {
            assert_eq!(
                sequence.map(|n| n.to_string()).as_deref(),
                slow::scalar(members.get("sequence")).map(plain).as_deref()
            );
            assert_eq!(exchange_time, time("time_exchange"));
            side(members.get("bid_price"), members.get("bid_size"), bid);
            side(members.get("ask_price"), members.get("ask_size"), ask);
        }
        Event::Precision(_) => panic!("it says nothing of a symbol itself"),
        Event::Liquidations => panic!("it publishes none"),
    }
}

/// A whole number without what may stand before it.
fn plain(number: &str) -> String {
    number.parse::<u64>().expect("a whole number").to_string()
}

fn trades(members: &Members, out: &Decoded, time: Option<Wall>) {
    let size = members.get("size").expect("accepted without a size");
    let zero =
        slow::Exact::read(slow::scalar(Some(size)).expect("not null")).expect("a number").digits.is_empty();
    assert_eq!(out.trades.len(), usize::from(!zero));
    let Some(trade) = out.trades.first() else { return };
    slow::same(members.get("price").expect("accepted without a price"), trade.price);
    slow::same(size, trade.size);
    let id = slow::scalar(members.get("uuid")).unwrap_or_default().to_ascii_lowercase();
    assert_eq!((trade.id.as_str(), trade.exchange_time), (id.as_str(), time));
    let taker = match slow::scalar(members.get("taker_side")) {
        Some("BUY" | "BUY_ESTIMATED") => TakerSide::Buy,
        Some("SELL" | "SELL_ESTIMATED") => TakerSide::Sell,
        _ => TakerSide::Unknown,
    };
    assert_eq!(trade.taker, taker);
}

fn side(price: Option<&str>, size: Option<&str>, read: Option<Level>) {
    let known = |raw: Option<&str>| raw.filter(|raw| *raw != "null").map(str::to_owned);
    let (Some(price), Some(size)) = (known(price), known(size)) else { return assert_eq!(read, None) };
    let size_text = slow::scalar(Some(&size)).expect("not null");
    if slow::Exact::read(size_text).expect("a number").digits.is_empty() {
        return assert_eq!(read, None);
    }
    let read = read.expect("a side that is known");
    slow::same(&price, read.price);
    slow::same(&size, read.size);
}

/// `[{"price":…,"size":…},…]`; null and nothing are an empty list.
pub fn levels(raw: Option<&str>, read: &[Level]) {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return assert!(read.is_empty()) };
    let items = slow::items(raw).expect("accepted, so it is a list");
    assert_eq!(items.len(), read.len());
    for (item, level) in items.iter().zip(read) {
        let members = Members::of(item).expect("accepted, so it is an object");
        slow::same(members.get("price").expect("accepted without a price"), level.price);
        slow::same(members.get("size").expect("accepted without a size"), level.size);
    }
}
