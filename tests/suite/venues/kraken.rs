//! Kraken: frames as documented and as recorded, with the sums they must come to.

use super::{Rig, each_frame};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, BookKind, Channel, Decoded, Event, Level, Side};
use depthd::engine::keeper::Keeper;
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::Gap;
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::handles::Handles;
use depthd::venue::kraken::Kraken;
use depthd::venue::{Control, Route, Scope, Venue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const DOCUMENTED_BIDS: &str = "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586 \
    45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238";
const DOCUMENTED_ASKS: &str = "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660 \
    45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827";
const RECORDED_BIDS: &str = "85600.4/0.20401971 85599.6/0.04385864 85599.5/0.17523456 85597.8/0.00005000 85597.7/2.92063885 \
    85596.3/0.00005100 85595.8/0.00596174 85595.2/0.58888844 85593.6/2.92077632 85592.0/0.00005100";
const RECORDED_ASKS: &str = "85600.5/0.90679198 85601.6/0.21608516 85601.7/2.92050281 85602.1/0.00023300 85603.0/0.00770000 \
    85603.7/2.92043523 85604.4/0.87632208 85604.8/0.00005100 85606.2/0.00116814 85607.7/2.92029921";
const MATIC_BIDS: &str = "0.5666/4831.75496356 0.5665/6658.22734739 0.5664/18724.91513344 0.5663/11563.92544914 \
    0.5662/14006.65365711 0.5661/17454.85679807 0.566/18097.1547 0.5659/33644.89175666 \
    0.5658/148.3464 0.5657/606.70854372";
const MATIC_ASKS: &str = "0.5668/4410.79769741 0.5669/4655.40412487 0.567/49844.89424998 0.5671/24306.41678 \
    0.5672/29783.25223475 0.5673/57234.71239278 0.5674/45065.04744 0.5675/5912.76380354 \
    0.5676/42514.92434778 0.5677/36304.0847022";

const STATUS: &str = r#"{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":1743042658499070000,"upcoming_maintenance":[],"emergency":[]}]}"#;
const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;
const ACK: &str = r#"{"method":"subscribe","req_id":1,"result":{"channel":"book","depth":100,"snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"2026-10-06T08:04:55.791872Z","time_out":"2026-10-06T08:04:55.791930Z"}"#;
const UPDATE: &str = r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":85601.6,"qty":0},{"price":85608.0,"qty":0.04358176}],"checksum":3973935795,"timestamp":"2026-10-06T08:04:56.153890Z"}]}"#;
const TRADE: &str = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.2,"qty":0.00027625,"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#;
const TICKER: &str = r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":63297.7,"bid_qty":5.45673101,"ask":63297.8,"ask_qty":0.36974422,"last":63297.8,"volume":1020.88391276,"vwap":63685.7,"low":63250,"high":64409.2,"change":0.7,"change_pct":0,"trades":47536,"timestamp":"2026-08-12T19:29:02.066592Z"}]}"#;

/// `price/size` pairs, separated by spaces, as the venue lists them.
fn side(levels: &str) -> String {
    let level = |pair: &str| {
        let (price, size) = pair.split_once('/').unwrap();
        format!(r#"{{"price":{price},"qty":{size}}}"#)
    };
    levels.split_whitespace().map(level).collect::<Vec<_>>().join(",")
}

fn message(kind: &str, symbol: &str, bids: &str, asks: &str, sum: u32) -> String {
    let (bids, asks) = (side(bids), side(asks));
    format!(
        r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{bids}],"asks":[{asks}],"checksum":{sum},"timestamp":"2026-10-06T08:04:57.750392Z"}}]}}"#
    )
}

fn snapshot(symbol: &str, bids: &str, asks: &str, sum: u32) -> String {
    message("snapshot", symbol, bids, asks, sum)
}

fn update(symbol: &str, bids: &str, asks: &str, sum: u32) -> String {
    message("update", symbol, bids, asks, sum)
}

/// What the venue says of symbols: their names, and the decimals of their prices and sizes.
fn instruments(pairs: &[(&str, usize, usize)]) -> String {
    let pair = |(symbol, price, size): &(&str, usize, usize)| {
        format!(
            r#"{{"symbol":"{symbol}","base":"?","status":"online","qty_precision":{size},"price_precision":{price}}}"#
        )
    };
    let pairs = pairs.iter().map(pair).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"channel":"instrument","type":"snapshot","data":{{"assets":[{{"id":"USD","precision":4}}],"pairs":[{pairs}]}}}}"#
    )
}

fn rig() -> Rig {
    Rig::of(Arc::new(Kraken))
}

/// The sum made here and the venue's, where they last differed.
fn sums_differ(rig: &Rig) -> Option<(Option<u32>, u32)> {
    match rig.gaps.last() {
        Some((_, Gap::Checksum { here, there })) => Some((*here, *there)),
        _ => None,
    }
}

/// Vector V1 of the dossier: the documented example.
#[test]
fn v1_the_documented_example_sums_up() {
    let mut rig = rig();
    rig.frame(&instruments(&[("ETH/USD", 2, 8), ("BTC/USD", 1, 8)]));
    rig.frame(&snapshot("BTC/USD", DOCUMENTED_BIDS, DOCUMENTED_ASKS, 3_310_070_434));
    assert_eq!(rig.state("BTC/USD"), State::Live);
    assert_eq!((rig.checksums(), rig.gaps.len()), ((1, 0), 0));
    assert_eq!(rig.best("BTC/USD", Side::Bid).as_deref(), Some("45283.5 0.1"));
    assert_eq!(rig.best("BTC/USD", Side::Ask).as_deref(), Some("45285.2 0.001"));
}

/// Vector V2 of the dossier: a recorded run of depth 10. The last update pushes a level out, for which nothing is sent, and
/// the snapshot that comes again replaces the book in place.
#[test]
fn v2_the_recorded_run_sums_up_at_every_step() {
    let mut rig = rig();
    rig.rules.stream_depth = Some(10);
    rig.frame(&instruments(&[("BTC/USD", 1, 8)]));
    for round in 1..=2 {
        rig.frame(&snapshot("BTC/USD", RECORDED_BIDS, RECORDED_ASKS, 817_831_036));
        rig.frame(UPDATE);
        assert!(rig.side("BTC/USD", Side::Ask).ends_with("85607.7 2.92029921, 85608 0.04358176"));
        for (asks, sum) in [
            ("85600.5/1.12287714", 402_752_521),
            ("85600.5/0.90679198", 3_973_935_795),
            ("85601.6/0.21608516", 817_831_036),
        ] {
            rig.frame(&update("BTC/USD", "", asks, sum));
        }
        assert_eq!(rig.state("BTC/USD"), State::Live);
        assert_eq!((rig.checksums(), rig.gaps.len()), ((5 * round, 0), 0));
        assert!(rig.side("BTC/USD", Side::Ask).ends_with("85607.7 2.92029921"), "one slid out");
    }
}

/// The negative half of vector V2: with the wrong number of decimals the sum is another one, and the book is not shown.
#[test]
fn v2_wrong_decimals_show() {
    let mut rig = rig();
    rig.frame(&instruments(&[("BTC/USD", 2, 8)]));
    rig.frame(&snapshot("BTC/USD", RECORDED_BIDS, RECORDED_ASKS, 817_831_036));
    assert_eq!(sums_differ(&rig), Some((Some(3_291_469_356), 817_831_036)));
    assert!(!rig.state("BTC/USD").is_live());
}

/// Vector V3 of the dossier: numbers with fewer decimals than the symbol has are padded, whatever form they come in.
#[test]
fn v3_numbers_are_padded_to_the_symbols_decimals() {
    let mut rig = rig();
    rig.frame(&instruments(&[("MATIC/USD", 4, 8)]));
    let bids = MATIC_BIDS.replace("0.5666/", "5.666e-1/").replace("0.566/", "0.56600/");
    rig.frame(&snapshot("MATIC/USD", &bids, MATIC_ASKS, 2_439_117_997));
    rig.frame(&update("MATIC/USD", "0.5657/1098.3947558", "", 2_114_181_697));
    assert_eq!((rig.state("MATIC/USD"), rig.checksums()), (State::Live, (2, 0)));
    // Another number of decimals makes another sum, and with too few there is none.
    for (decimals, here) in [(5, Some(1_472_384_375)), (3, None)] {
        let mut rig = self::rig();
        rig.frame(&instruments(&[("MATIC/USD", decimals, 8)]));
        rig.frame(&snapshot("MATIC/USD", MATIC_BIDS, MATIC_ASKS, 2_439_117_997));
        assert!(!rig.state("MATIC/USD").is_live());
        assert_eq!(sums_differ(&rig), Some((here, 2_439_117_997)));
    }
    let mut rig = self::rig();
    rig.frame(&instruments(&[("MATIC/USD", 4, 8)]));
    rig.frame(&snapshot("MATIC/USD", MATIC_BIDS, MATIC_ASKS, 3_830_085_102));
    assert!(!rig.state("MATIC/USD").is_live(), "the sum of unpadded numbers");
}

/// The small case of vector V4: one level is its digits without point and leading zeros.
#[test]
fn v4_one_level_is_its_digits() {
    let mut rig = rig();
    rig.frame(&instruments(&[("A/B", 5, 8)]));
    rig.frame(&snapshot("A/B", "", "0.05000/0.00000304", crc32fast::hash(b"5000304")));
    assert_eq!((rig.state("A/B"), rig.checksums()), (State::Live, (1, 0)));
}

/// The documented sum of vector V4, of the documented book: ten levels a side of the same size.
/// Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v1>
#[test]
fn v4_the_documented_book_has_its_documented_sum() {
    let mut rig = rig();
    rig.frame(&instruments(&[("A/B", 5, 8)]));
    let side = |prices: [&str; 10]| prices.map(|price| format!("{price}/0.00000500")).join(" ");
    let asks = side([
        "0.05005", "0.05010", "0.05015", "0.05020", "0.05025", "0.05030", "0.05035", "0.05040", "0.05045",
        "0.05050",
    ]);
    let bids = side([
        "0.05000", "0.04995", "0.04990", "0.04980", "0.04975", "0.04970", "0.04965", "0.04960", "0.04955",
        "0.04950",
    ]);
    rig.frame(&snapshot("A/B", &bids, &asks, 974_947_235));
    assert_eq!((rig.state("A/B"), rig.checksums()), (State::Live, (1, 0)));
}

/// Vector V5 of the dossier: what is about the connection is no data.
#[test]
fn v5_control_frames() {
    let mut rig = rig();
    let ack = ACK.replace(r#""channel":"book","depth":100"#, r#""channel":"ticker""#);
    [STATUS, HEARTBEAT, ACK, &ack].into_iter().for_each(|text| rig.frame(text));
    let acked = || Control::Ack { id: Some(1), granted: None };
    assert_eq!(rig.controls, [Control::Other, Control::Heartbeat, acked(), acked()]);
    assert_eq!(rig.tally, BTreeMap::from([("control", 4)]));
}

#[test]
fn nothing_is_live_before_its_decimals_are_known() {
    let mut rig = rig();
    rig.frame(&snapshot("BTC/USD", RECORDED_BIDS, RECORDED_ASKS, 817_831_036));
    rig.frame(UPDATE);
    assert!(!rig.state("BTC/USD").is_live());
    rig.frame(&instruments(&[("BTC/USD", 1, 8)]));
    assert_eq!((rig.state("BTC/USD"), rig.checksums()), (State::Live, (1, 0)));
}

#[test]
fn a_lost_update_shows_at_the_next_and_a_snapshot_repairs() {
    let mut rig = rig();
    rig.frame(&instruments(&[("BTC/USD", 1, 8)]));
    rig.frame(&snapshot("BTC/USD", RECORDED_BIDS, RECORDED_ASKS, 817_831_036));
    // UPDATE is missing here.
    rig.frame(&update("BTC/USD", "", "85600.5/1.12287714", 402_752_521));
    assert!(matches!(rig.state("BTC/USD"), State::Stale { reason: StaleReason::Checksum, .. }));
    // What comes meanwhile neither helps nor counts as more of the same.
    rig.frame(&update("BTC/USD", "", "85600.5/0.90679198", 3_973_935_795));
    assert_eq!(rig.gaps.len(), 1);
    rig.frame(&snapshot("BTC/USD", RECORDED_BIDS, RECORDED_ASKS, 817_831_036));
    assert_eq!(rig.state("BTC/USD"), State::Live);
}

#[test]
fn trades_and_quotes_of_several_symbols_reach_their_own() {
    let mut rig = rig();
    let entry = |text: &str, symbol: &str| {
        text.split_once('[').unwrap().1.strip_suffix("]}").unwrap().replace("BTC/USD", symbol)
    };
    rig.frame(&TRADE.replace("]}", &format!(",{}]}}", entry(TRADE, "BTC/USD"))));
    rig.frame(&TRADE.replace("]}", &format!(",{}]}}", entry(TRADE, "ETH/USD"))));
    rig.frame(&TICKER.replace("]}", &format!(",{}]}}", entry(TICKER, "ETH/USD"))));
    rig.frame(TICKER);
    let want = BTreeMap::from([("parts", 2), ("trade", 3), ("trades", 4), ("quote", 3)]);
    assert_eq!(rig.tally, want);
    let flows = ["BTC/USD", "ETH/USD"].map(|symbol| {
        let flow = rig.book(symbol).flow();
        (flow.trade_frames, flow.quote_frames)
    });
    assert_eq!(flows, [(2, 2), (1, 1)]);
}

/// Cut or spoilt anywhere, a frame is not placed at another symbol, and nothing breaks over it.
#[test]
fn hostile_frames_are_never_misplaced() {
    let pairs = instruments(&[("BTC/USD", 1, 8)]);
    for sample in [STATUS, HEARTBEAT, ACK, UPDATE, TRADE, TICKER, &pairs] {
        for at in (0..sample.len()).filter(|at| sample.is_char_boundary(*at)) {
            check(&sample[..at]);
            for spoil in ["\"", "\\", "{", "]", "0", "\u{0}", "ä"] {
                let rest = sample.get(at + 1..).unwrap_or_default();
                check(&format!("{}{spoil}{rest}", &sample[..at]));
            }
        }
    }
    fn check(text: &str) {
        Kraken.control(text);
        let own = |symbol: &str| text.contains(&format!(r#""symbol":"{symbol}""#));
        let mut out = Decoded::default();
        let mut decode = |channel, text: &str| {
            out.clear();
            Kraken.decode(channel, text, &mut out).is_ok()
        };
        match Kraken.route(text, Handles::NONE) {
            Route::Data { symbol, channel } => {
                assert!(own(symbol), "{symbol}: {text}");
                decode(channel, text);
            }
            Route::Parts => {
                // Where they cannot be taken apart, the caller knows.
                let _ = Kraken.parts(text, &mut |symbol, channel, part| {
                    assert!(own(symbol), "{symbol}: {text}");
                    decode(channel, part);
                });
            }
            Route::Control | Route::Unused | Route::Unknown | Route::Malformed(_) => {}
        }
        for channel in Channel::ALL.into_iter().chain([Channel::Instrument]) {
            let read = decode(channel, text);
            let whole = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            assert!(whole || !read, "{channel:?}: {text}");
        }
    }
}

#[test]
fn every_symbol_of_a_request_is_answered_by_itself() {
    let scope = Scope {
        symbols: vec!["BTC/USD".into(), "ETH/USD".into()],
        channels: Kraken.profile().default_channels.to_vec(),
    };
    let opening = Kraken.opening(&scope, 1);
    assert!(opening[0].text.contains(r#""channel":"instrument""#), "the decimals come first");
    assert_eq!(opening.iter().map(|request| request.answers).sum::<u16>(), 1 + 3 * 2);
    let symbols = ["ETH/USD"];
    let out = Kraken.withdraw(&scope, &symbols, Handles::NONE, 5);
    let back = Kraken.restore(&scope, &symbols, 6);
    assert!(out[0].text.contains("unsubscribe") && back[0].text.contains("\"subscribe\""));
    assert!([&out, &back].into_iter().all(|one| one.len() == 1 && one[0].answers == 1));
}

/// The levels of a frame of the older form: `["price","size","time",…]`.
fn old_levels(value: &Value) -> Vec<(&str, &str)> {
    let levels = value.as_array().into_iter().flatten();
    levels.map(|level| (level[0].as_str().expect("a price"), level[1].as_str().expect("a size"))).collect()
}

fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// A recorded book has no sum yet in the older form: it goes in beside the decoder.
fn load(keeper: &mut Keeper, bids: &[(&str, &str)], asks: &[(&str, &str)]) {
    let decimal = |text: &str| Decimal::parse(text.as_bytes()).unwrap();
    let levels = |side: &[(&str, &str)]| {
        side.iter().map(|(price, size)| Level { price: decimal(price), size: decimal(size) }).collect()
    };
    let event = BookEvent {
        cross: None,
        kind: BookKind::Snapshot,
        span: None,
        exchange_time: None,
        checksum: None,
        venue_time: None,
    };
    let mut frame = Decoded {
        event: Some(Event::Book(event)),
        bids: levels(bids),
        asks: levels(asks),
        ..Decoded::default()
    };
    let now = Stamp { mono: Mono::from_nanos(1), wall: Wall::from_nanos(1) };
    assert_eq!(keeper.decoded(now, &mut frame).gap, None);
}

/// The rest of vector V4: ten books of depth 1,000 recorded in 2021, said in today's form level by level. Decimals are those
/// of the numbers themselves, which all have as many as their symbol does.
#[test]
fn v4_every_recorded_update_sums_up() {
    let mut rig = rig();
    let (mut snapshots, mut updates, mut changes) = (0, 0, 0);
    let mut scales: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let read = each_frame("KRAKEN.ws.50.0.gz", |frame| {
        let Ok(Value::Array(items)) = serde_json::from_str(frame) else { return };
        let [_, parts @ .., _, symbol] = &items[..] else { panic!("{frame}") };
        let symbol = symbol.as_str().expect("a pair");
        // A message about both sides has an object for each.
        let field = |name: &str| parts.iter().find_map(|part| part.get(name));
        let is_snapshot = field("as").is_some();
        let [bids, asks] = if is_snapshot { ["bs", "as"] } else { ["b", "a"] }
            .map(|name| field(name).map_or(Vec::new(), old_levels));
        for (price, size) in bids.iter().chain(&asks) {
            let scale = (decimals(price), decimals(size));
            assert_eq!(*scales.entry(symbol.to_owned()).or_insert(scale), scale, "{frame}");
        }
        if is_snapshot {
            let (price, size) = scales[symbol];
            rig.frame(&instruments(&[(symbol, price, size)]));
            load(rig.books.get_mut(symbol).expect("its decimals came"), &bids, &asks);
            snapshots += 1;
            return;
        }
        let sum = field("c").and_then(Value::as_str).expect("a sum").parse().expect("of 32 bits");
        let said = |side: &[(&str, &str)]| {
            side.iter().map(|(price, size)| format!("{price}/{size}")).collect::<Vec<_>>().join(" ")
        };
        rig.frame(&update(symbol, &said(&bids), &said(&asks), sum));
        (updates, changes) = (updates + 1, changes + bids.len() + asks.len());
    });
    if !read {
        return;
    }
    let (made, differed) = rig.checksums();
    println!(
        "Kraken: {snapshots} snapshots, {updates} updates of {changes} levels, {made} sums, {differed} differ"
    );
    assert_eq!((snapshots, updates, changes), (10, 4_269, 4_272));
    assert_eq!((made, differed), (4_269, 0));
    assert_eq!((rig.live(), rig.gaps.len()), (10, 0));
    for (symbol, book) in &rig.books {
        let [bid, ask] = [Side::Bid, Side::Ask].map(|side| book.sync.book().best(side).map(|l| l.price));
        assert!(bid.is_some() && bid < ask, "{symbol}: {bid:?} {ask:?}");
    }
}
