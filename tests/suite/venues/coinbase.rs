//! Coinbase: the vectors of its dossier through routing, decoder and book, and a recorded half minute of ten products.
//!
//! The recording is of the Exchange feed in 2021, when `level2` needed no key: its messages are those of `level2_batch`.

use super::{Rig, each_frame};
use depthd::engine::event::Side::{Ask, Bid};
use depthd::engine::event::{Channel, Decoded, TakerSide};
use depthd::engine::state::{StaleReason, State};
use depthd::venue::coinbase::Coinbase;
use depthd::venue::handles::Handles;
use depthd::venue::{Control, Route, Venue};
use std::collections::BTreeMap;
use std::sync::Arc;

fn rig(feed: Coinbase) -> Rig {
    Rig::of(Arc::new(feed))
}

/// An Advanced Trade frame.
fn advanced(channel: &str, number: u64, events: &str) -> String {
    format!(
        r#"{{"channel":"{channel}","client_id":"","timestamp":"2026-04-07T14:30:01.456789Z","sequence_num":{number},"events":[{events}]}}"#
    )
}

/// A book event of levels as `side price size`.
fn book_event(kind: &str, product: &str, levels: &[&str]) -> String {
    let update = |level: &&str| {
        let [side, price, size] = level.split(' ').collect::<Vec<_>>()[..] else { panic!("{level}") };
        format!(
            r#"{{"side":"{side}","event_time":"1970-01-01T00:00:00Z","price_level":"{price}","new_quantity":"{size}"}}"#
        )
    };
    let updates: Vec<String> = levels.iter().map(update).collect();
    format!(r#"{{"type":"{kind}","product_id":"{product}","updates":[{}]}}"#, updates.join(","))
}

const SUBSCRIPTIONS: &str = r#"{"channel":"subscriptions","timestamp":"2026-08-12T19:27:48.098899106Z","sequence_num":1,"events":[{"subscriptions":{"market_trades":["BTC-USD"]}}]}"#;

/// Vectors V1 and V4 of the dossier.
#[test]
fn a_recorded_half_minute_of_ten_products_is_followed_whole() {
    let mut rig = rig(Coinbase::Exchange);
    let mut begins: BTreeMap<&str, [Option<String>; 2]> = BTreeMap::new();
    let mut sizes = Vec::new();
    let (mut ids, mut sequences) = (Vec::new(), Vec::new());
    let mut crossed = 0;
    let there = each_frame("COINBASE.ws.28.0.gz", |frame| {
        rig.frame(frame);
        for product in ["BAND-GBP", "DASH-BTC"] {
            if frame.starts_with(&format!(r#"{{"type":"snapshot","product_id":"{product}""#)) {
                begins.insert(product, [rig.best(product, Bid), rig.best(product, Ask)]);
                let book = rig.book(product).sync.book();
                sizes.push((product, book.len(Bid), book.len(Ask)));
            }
        }
        if frame.contains("match") && frame.contains("SKL-BTC") {
            let value: serde_json::Value = serde_json::from_str(frame).unwrap();
            if value["type"] == "match" {
                ids.push(value["trade_id"].as_u64().unwrap());
                sequences.push(value["sequence"].as_u64().unwrap());
            }
        }
        crossed += rig.books.values().filter(|book| book.sync.book().is_crossed()).count();
    });
    if !there {
        return;
    }
    println!("tally {:?}, books {}, live {}, gaps {:?}", rig.tally, rig.books.len(), rig.live(), rig.gaps);
    let counted = |what: &str| rig.tally.get(what).copied().unwrap_or_default();
    assert_eq!(
        ["book", "trade", "trades", "quote", "control", "unknown"].map(counted),
        [10 + 9_719, 107, 107, 107, 3, 0]
    );
    assert_eq!(rig.controls, vec![Control::Ack { id: None, granted: None }; 3]);
    assert_eq!((rig.books.len(), rig.live(), crossed), (10, 10, 0));
    assert_eq!(rig.gaps, []);
    let applied: u64 = rig.books.values().map(|book| book.sync.counts().applied).sum();
    assert_eq!(applied, 10 + 9_719);

    let best = |side: &[Option<String>; 2]| side.clone().map(Option::unwrap_or_default);
    assert_eq!(best(&begins["BAND-GBP"]), ["14.7693 27.51", "14.8024 12.77"]);
    assert_eq!(best(&begins["DASH-BTC"]), ["0.00618955 2.572", "0.00620125 1.623"]);
    assert!(sizes.contains(&("BAND-GBP", 152, 166)), "{sizes:?}");
    let ends = |product| [rig.best(product, Bid), rig.best(product, Ask)].map(Option::unwrap_or_default);
    assert_eq!(ends("BAND-GBP"), ["14.7366 27.57", "14.7664 12"]);
    assert_eq!(ends("DASH-BTC"), ["0.00619316 1.687", "0.00619947 28.997"]);
    assert_eq!(rig.book("BAND-GBP").sync.counts().applied, 1 + 471);
    assert_eq!(rig.book("DASH-BTC").sync.counts().applied, 1 + 1_925);
    assert_eq!(ids[..3], [280_232, 280_233, 280_234]);
    assert_eq!(sequences[..3], [177_100_030, 177_100_140, 177_100_142]);
    let tape = rig.book("SKL-BTC").trades(100);
    let first = tape.iter().find(|trade| trade.id.as_str() == "280232").expect("on the tape");
    assert_eq!(first.taker, TakerSide::Buy, "the side in the frame is the maker's");
}

/// Vectors V2 and V3 of the dossier.
#[test]
fn zero_removes_however_it_is_spelled() {
    let snapshot = r#"{"type":"snapshot","product_id":"CRV-EUR","asks":[["3.3024","97.66"]],"bids":[["3.2971","120.00"],["3.2970","140.93"]]}"#;
    let change = |price: &str, size: &str| {
        format!(
            r#"{{"type":"l2update","product_id":"CRV-EUR","changes":[["buy","{price}","{size}"]],"time":"2021-04-17T16:43:37.075687Z"}}"#
        )
    };
    for zero in ["0", "0.0", "0.00", "0.000000", "0.00000000"] {
        let mut rig = rig(Coinbase::Exchange);
        rig.frame(snapshot);
        rig.frame(&change("3.2970", zero));
        assert_eq!(rig.side("CRV-EUR", Bid), "3.2971 120", "{zero}");
        rig.frame(&change("3.2964", "140.93"));
        assert_eq!(rig.side("CRV-EUR", Bid), "3.2971 120, 3.2964 140.93");
        assert_eq!(rig.state("CRV-EUR"), State::Live);
    }
}

/// Vector V5 of the dossier: every frame counts, answers too, and a hole is every book's.
#[test]
fn a_hole_in_the_connections_count_breaks_every_book_of_it() {
    let trades = |number| advanced("market_trades", number, r#"{"type":"snapshot","trades":[]}"#);
    let books = |number, product| advanced("l2_data", number, &book_event("snapshot", product, &["bid 1 1"]));
    let mut whole = rig(Coinbase::Advanced);
    let mut torn = rig(Coinbase::Advanced);
    for connection in [&mut whole, &mut torn] {
        connection.frame(&trades(0));
    }
    whole.frame(SUBSCRIPTIONS);
    for connection in [&mut whole, &mut torn] {
        connection.frame(&books(2, "BTC-USD"));
        connection.frame(&books(3, "ETH-USD"));
    }
    assert_eq!(whole.tally.get("connection_gap"), None);
    assert_eq!((whole.live(), torn.tally["connection_gap"]), (2, 1));
    // Between two frames of one book, one of something else is lost: nobody knows of what.
    torn.frame(&advanced("ticker", 5, r#"{"type":"update","tickers":[]}"#));
    assert_eq!(torn.live(), 0);
    assert!(matches!(torn.state("ETH-USD"), State::Stale { reason: StaleReason::Gap, .. }));
    torn.frame(&advanced("l2_data", 6, &book_event("update", "BTC-USD", &["bid 2 1"])));
    assert_eq!(torn.side("BTC-USD", Bid), "1 1", "changes do not mend it");
    torn.frame(&books(7, "BTC-USD"));
    assert!(torn.state("BTC-USD").is_live());
    // The next connection counts from 0 again.
    let mut next = rig(Coinbase::Advanced);
    next.frame(&books(0, "BTC-USD"));
    assert_eq!((next.live(), next.tally.get("connection_gap")), (1, None));
}

/// Vector V6 of the dossier.
#[test]
fn an_advanced_trade_book_follows_its_changes() {
    const UPDATE: &str = r#"{"channel":"l2_data","client_id":"","timestamp":"2026-04-07T14:30:01.456789Z","sequence_num":1,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-04-07T14:30:01.456789Z","price_level":"68900.00","new_quantity":"2.00000000"},{"side":"offer","event_time":"2026-04-07T14:30:01.456789Z","price_level":"68901.00","new_quantity":"0.00000000"}]}]}"#;
    let levels = [
        "bid 68900.00 1.5",
        "bid 68899.50 0.75",
        "bid 68899.00 2.3",
        "offer 68901.00 0.5",
        "offer 68901.50 1.2",
        "offer 68902.00 0.8",
    ];
    let mut rig = rig(Coinbase::Advanced);
    rig.frame(&advanced("l2_data", 0, &book_event("snapshot", "BTC-USD", &levels)));
    rig.frame(UPDATE);
    assert_eq!(rig.best("BTC-USD", Bid).as_deref(), Some("68900 2"));
    assert_eq!(rig.best("BTC-USD", Ask).as_deref(), Some("68901.5 1.2"));
    assert!(rig.state("BTC-USD").is_live());
}

/// Several events of one frame are applied in their order.
#[test]
fn events_of_one_frame_are_taken_one_after_another() {
    let mut rig = rig(Coinbase::Advanced);
    let events = [
        book_event("snapshot", "BTC-USD", &["bid 1 1", "offer 3 1"]),
        book_event("snapshot", "ETH-USD", &["bid 7 1"]),
        book_event("update", "BTC-USD", &["bid 1 0", "bid 2 5"]),
    ];
    rig.frame(&advanced("l2_data", 0, &events.join(",")));
    assert_eq!((rig.tally["parts"], rig.tally["book"]), (1, 3));
    assert_eq!((rig.side("BTC-USD", Bid), rig.side("ETH-USD", Bid)), ("2 5".into(), "7 1".into()));
    let trade = |product: &str, id: u64| {
        format!(
            r#"{{"product_id":"{product}","trade_id":"{id}","price":"1","size":"1","time":"2026-08-12T19:27:4{id}Z","side":"BUY"}}"#
        )
    };
    let trades = [trade("BTC-USD", 4), trade("BTC-USD", 3), trade("ETH-USD", 2), trade("BTC-USD", 1)];
    rig.frame(&advanced(
        "market_trades",
        1,
        &format!(r#"{{"type":"update","trades":[{}]}}"#, trades.join(",")),
    ));
    assert_eq!((rig.tally["trades"], rig.book("ETH-USD").trades(9).len()), (4, 1));
}

/// A pair in USDC is asked for, and found again, under the name its data comes with.
#[test]
fn an_alias_is_followed_from_the_request_to_the_book() {
    let venue = Coinbase::Advanced;
    let frame = advanced("l2_data", 0, &book_event("snapshot", "BTC-USD", &["bid 1 1"]));
    let Route::Data { symbol, channel } = venue.route(&frame, Handles::NONE) else { panic!("data") };
    assert_eq!((venue.symbol_key("BTC-USDC").as_str(), channel), (symbol, Channel::Book));
    let scope = depthd::venue::Scope { symbols: vec!["BTC-USDC".into()], channels: vec![Channel::Book] };
    assert!(venue.opening(&scope, 1)[1].text.contains(r#"["BTC-USD"]"#));
}

/// Snapshots of tens of thousands of levels, as the largest product's are: cut to the best, and to a book that says where.
#[test]
fn the_deepest_snapshots_are_taken() {
    const LEVELS: usize = 60_000;
    let mut text = String::from(r#"{"type":"snapshot","product_id":"BTC-USD","updates":["#);
    for n in 0..LEVELS {
        let (bid, ask) = (LEVELS - n, LEVELS + 1 + n);
        for (side, price) in [("bid", bid), ("offer", ask)] {
            let comma = if text.ends_with('[') { "" } else { "," };
            text += &format!(
                r#"{comma}{{"side":"{side}","event_time":"1970-01-01T00:00:00Z","price_level":"{price}.00","new_quantity":"0.5"}}"#
            );
        }
    }
    text += "]}";
    let frame = advanced("l2_data", 0, &text);
    assert!(frame.len() > 10 << 20, "{}", frame.len());
    let mut rig = rig(Coinbase::Advanced);
    rig.frame(&frame);
    assert!(rig.state("BTC-USD").is_live());
    let book = rig.book("BTC-USD").sync.book();
    assert_eq!((book.len(Bid), book.len(Ask)), (5_000, 5_000));
    assert_eq!((book.len_to_edge(Bid), book.len_to_edge(Ask)), (Some(5_000), Some(5_000)));
    assert_eq!(rig.best("BTC-USD", Bid).as_deref(), Some("60000 0.5"));
}

/// Frames in no order that anybody sends: nothing panics, and nothing is taken for what it is not.
#[test]
fn hostile_frames_are_refused_quietly() {
    let deep = "[".repeat(100_000);
    let frames = [
        "",
        "null",
        "\"\\ud800\"",
        r#"{"channel":"l2_data","timestamp":"","sequence_num":99999999999999999999,"events":[{"type":"update","product_id":"A-B","updates":[{"side":"bid"}]}]}"#,
        r#"{"type":"l2update","product_id":"A-B","changes":[["buy","1"]]}"#,
        r#"{"type":"snapshot","product_id":"A-B","bids":{},"asks":[]}"#,
        r#"{"type":"match","product_id":"A\u002dB"}"#,
        &deep,
    ];
    for feed in [Coinbase::Advanced, Coinbase::Exchange] {
        for frame in frames {
            let _ = feed.connection_number(frame);
            let _ = feed.control(frame);
            let _ = feed.parts(frame, &mut |_, _, _| {});
            let route = feed.route(frame, Handles::NONE);
            if let Route::Data { channel, .. } = route {
                assert!(feed.decode(channel, frame, &mut Decoded::default()).is_err(), "{frame}");
            }
        }
    }
}
