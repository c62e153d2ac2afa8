//! Binance's data frames, wrapped and raw: where they belong and what they say, against the slow reader.

use crate::coinapi_frame::placed;
use crate::slow::{self, Exact, Members};
use depthd::engine::event::{BookEvent, BookKind, Channel, Decoded, Event, Level, Quote, TakerSide};
use depthd::engine::time::Wall;
use depthd::venue::binance::Binance;
use depthd::venue::handles::Handles;
use depthd::venue::{Route, Venue};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    placed(&Binance, text);
    let routed = match Binance.route(text, Handles::NONE) {
        Route::Data { symbol, channel } => Some((symbol, channel)),
        _ => None,
    };
    for channel in Channel::ALL {
        let mut out = Decoded::default();
        if Binance.decode(channel, text, &mut out).is_err() {
            continue;
        }
        let members = unwrapped(text);
        let symbol = members.get("s").and_then(slow::text).expect("accepted, so it names its symbol");
        if let Some((routed, by)) = routed
            && by == channel
        {
            assert_eq!(routed.to_lowercase(), symbol.to_lowercase(), "given to one book, said of another");
        }
        compare(channel, &members, &out);
    }
}

pub fn work(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut out = Decoded::default();
    match Binance.route(text, Handles::NONE) {
        Route::Data { channel, .. } => drop(Binance.decode(channel, text, &mut out)),
        Route::Control => drop(Binance.control(text)),
        Route::Unknown | Route::Malformed(_) => {}
        Route::Parts | Route::Unused => panic!("this venue has no such frames"),
    }
}

/// The event's members, and those beside its wrapper.
fn unwrapped(text: &str) -> Members {
    let mut outer = Members::of(text).expect("accepted, so it is an object");
    let inner = outer.get("data").map(|data| Members::of(data).expect("accepted, so it is an object"));
    outer.0.retain(|(key, _)| key != "data");
    // A member of that name inside the event means nothing.
    let inner = inner.unwrap_or_default().0.into_iter().filter(|(key, _)| key != "stream");
    outer.0.extend(inner);
    outer
}

fn compare(channel: Channel, members: &Members, out: &Decoded) {
    let millis = |name| slow::scalar(members.get(name)).and_then(|ms| Wall::from_millis(ms.parse().ok()?));
    let whole = |name| -> u64 {
        let number = slow::scalar(members.get(name)).expect("accepted without a number");
        number.parse().expect("a whole number")
    };
    match out.event.expect("set by every success") {
        Event::Book(BookEvent { kind, span, cross, checksum, exchange_time, venue_time }) => {
            assert_eq!((channel, members.get("e")), (Channel::Book, Some("\"depthUpdate\"")));
            assert_eq!((kind, venue_time, checksum, cross), (BookKind::Delta, None, None, None));
            let span = span.expect("always numbered");
            assert_eq!((span.first, span.last, span.previous), (whole("U"), whole("u"), None));
            assert!(span.first <= span.last);
            assert_eq!(exchange_time, millis("E"));
            levels(members.get("b"), &out.bids);
            levels(members.get("a"), &out.asks);
        }
        Event::Trades => {
            assert_eq!((channel, members.get("e")), (Channel::Trade, Some("\"trade\"")));
            let [trade] = out.trades.as_slice() else { panic!("one trade a frame") };
            slow::same(members.get("p").expect("a price"), trade.price);
            slow::same(members.get("q").expect("a size"), trade.size);
            assert_eq!(
                (trade.id.as_str(), trade.exchange_time),
                (whole("t").to_string().as_str(), millis("T"))
            );
            let maker = slow::scalar(members.get("m")).expect("accepted without a maker");
            let expected = if maker.eq_ignore_ascii_case("true") { TakerSide::Sell } else { TakerSide::Buy };
            assert_eq!(trade.taker, expected);
        }
        Event::Quote(Quote { sequence, bid, ask, exchange_time }) => {
            assert_eq!((channel, exchange_time, sequence), (Channel::Quote, None, Some(whole("u"))));
            side(members.get("b"), members.get("B"), bid);
            side(members.get("a"), members.get("A"), ask);
        }
        Event::Precision(_) => panic!("it says nothing of a symbol itself"),
        Event::Liquidations => panic!("it publishes none"),
    }
}

fn side(price: Option<&str>, size: Option<&str>, read: Option<Level>) {
    let (price, size) = (price.expect("a price"), size.expect("a size"));
    let written = Exact::read(slow::scalar(Some(price)).expect("not null")).expect("a number");
    match read {
        None => assert!(written.digits.is_empty(), "a price was left out"),
        Some(level) => {
            slow::same(price, level.price);
            slow::same(size, level.size);
        }
    }
}

/// `[["price","size"],…]`; null and nothing are an empty list.
pub fn levels(raw: Option<&str>, read: &[Level]) {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return assert!(read.is_empty()) };
    let items = slow::items(raw).expect("accepted, so it is a list");
    assert_eq!(items.len(), read.len());
    for (item, level) in items.iter().zip(read) {
        let pair = slow::items(item).expect("accepted, so it is a list");
        slow::same(&pair[0], level.price);
        slow::same(&pair[1], level.size);
    }
}
