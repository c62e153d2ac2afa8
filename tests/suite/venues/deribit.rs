//! Deribit: frames as recorded, and the chains of their numbers.

use super::{Rig, each_frame};
use depthd::engine::event::{Channel, Decoded, Side};
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::Gap;
use depthd::venue::deribit::Deribit;
use depthd::venue::handles::Handles;
use depthd::venue::{Control, Route, Scope, Venue};
use std::collections::BTreeMap;
use std::sync::Arc;

const SNAPSHOT: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"timestamp":1786563084954,"type":"snapshot","change_id":169600103289,"instrument_name":"BTC-PERPETUAL","bids":[["new",63324.5,372280],["new",63324,1360]],"asks":[["new",63325,7730],["new",63330,220]]}}}"#;
const CHANGE: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"timestamp":1786563085228,"type":"change","change_id":169600103676,"instrument_name":"BTC-PERPETUAL","bids":[["delete",62533,0]],"asks":[["change",63350.5,8250],["change",63353,10],["delete",64116.5,0],["change",94987.5,20]],"prev_change_id":169600103289}}}"#;
const TRADES: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.100ms","data":[{"timestamp":1786563104514,"price":63344.5,"direction":"buy","index_price":63325.19,"trade_id":"440192723","instrument_name":"BTC-PERPETUAL","trade_seq":296152987,"amount":20,"mark_price":63341.87,"tick_direction":1,"contracts":2}]}}"#;
const QUOTE: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL","data":{"timestamp":1765541767174,"instrument_name":"BTC-PERPETUAL","best_ask_price":92288.5,"best_bid_price":92288.0,"best_ask_amount":99470.0,"best_bid_amount":133440.0}}}"#;
const GRANTED: &str = r#"{"jsonrpc":"2.0","id":1,"result":["book.BTC-PERPETUAL.100ms","trades.BTC-PERPETUAL.100ms"],"usIn":1786563085259177,"usOut":1786563085259323,"usDiff":146,"testnet":false}"#;
const TEST_REQUEST: &str = r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#;
const TOO_MANY: &str =
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":10028,"message":"too_many_requests","data":null}}"#;

fn rig() -> Rig {
    Rig::of(Arc::new(Deribit))
}

/// A book message. `previous`: of a change; a snapshot has none.
fn book(symbol: &str, previous: Option<u64>, id: u64, bids: &str, asks: &str) -> String {
    let (kind, previous) = match previous {
        Some(previous) => ("change", format!(r#""prev_change_id":{previous},"#)),
        None => ("snapshot", String::new()),
    };
    format!(
        r#"{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"book.{symbol}.raw","data":{{"type":"{kind}","timestamp":1626993723632,{previous}"instrument_name":"{symbol}","change_id":{id},"bids":[{bids}],"asks":[{asks}]}}}}}}"#
    )
}

/// Vector V1 of the dossier: recorded in 2026. The sample is cut to its best levels, so that two deletes meet none.
#[test]
fn v1_a_recorded_change_follows_its_snapshot() {
    let mut rig = rig();
    rig.frame(SNAPSHOT);
    rig.frame(CHANGE);
    assert_eq!((rig.state("BTC-PERPETUAL"), rig.gaps.len()), (State::Live, 0));
    assert_eq!(rig.book("BTC-PERPETUAL").sync.sequence(), Some(169_600_103_676));
    assert_eq!(rig.side("BTC-PERPETUAL", Side::Bid), "63324.5 372280, 63324 1360");
    let asks = "63325 7730, 63330 220, 63350.5 8250, 63353 10, 94987.5 20";
    assert_eq!(rig.side("BTC-PERPETUAL", Side::Ask), asks);
}

/// Vector V2 of the dossier: recorded chains, of their numbers alone.
#[test]
fn v2_recorded_chains_are_followed() {
    let mut rig = rig();
    let chains: [(&str, &[u64]); 3] = [
        ("BTC-31DEC21-34000-P", &[33_195_894_133, 33_195_894_765, 33_195_896_354]),
        ("BTC-24SEP21-8000-P", &[33_195_894_164, 33_195_894_355, 33_195_894_358]),
        ("ETH-30JUL21-2800-C", &[13_169_025_645, 13_169_031_288]),
    ];
    for (symbol, ids) in chains {
        rig.frame(&book(symbol, None, ids[0], "", ""));
        for pair in ids.windows(2) {
            rig.frame(&book(symbol, Some(pair[0]), pair[1], r#"["new",0.0005,1.0]"#, ""));
        }
        assert_eq!(rig.state(symbol), State::Live);
        assert_eq!(rig.book(symbol).sync.sequence(), ids.last().copied());
    }
    assert_eq!(rig.gaps, []);
}

/// Vector V3 of the dossier: an option with offers and no bids.
#[test]
fn v3_a_book_with_one_side_is_whole() {
    let mut rig = rig();
    let asks = r#"["new",0.001,274.0],["new",0.002,10.0],["new",0.0025,19.0],["new",0.01,4.0]"#;
    rig.frame(&book("ETH-23JUL21-2300-C", None, 13_168_946_419, "", asks));
    assert_eq!(rig.state("ETH-23JUL21-2300-C"), State::Live);
    assert_eq!(rig.best("ETH-23JUL21-2300-C", Side::Ask).as_deref(), Some("0.001 274"));
    assert_eq!(rig.best("ETH-23JUL21-2300-C", Side::Bid), None);
}

/// Vector V4 of the dossier: a hole breaks the book until the next snapshot, and before the first one nothing counts.
#[test]
fn v4_a_hole_shows_and_only_a_snapshot_repairs() {
    let (mut rig, symbol, bid) = (rig(), "BTC-PERPETUAL", r#"["new",1,1]"#);
    rig.frame(&book(symbol, Some(1), 2, bid, ""));
    assert_eq!((rig.state(symbol), rig.gaps.len()), (State::Syncing, 0));
    rig.frame(&book(symbol, None, 123_456_789, bid, ""));
    rig.frame(&book(symbol, Some(123_456_790), 123_456_791, bid, ""));
    let stale = |rig: &Rig| matches!(rig.state(symbol), State::Stale { reason: StaleReason::Gap, .. });
    assert!(stale(&rig));
    assert!(matches!(rig.gaps[..], [(_, Gap::Missing { .. })]));
    rig.frame(&book(symbol, Some(123_456_791), 123_456_792, bid, ""));
    assert!(stale(&rig) && rig.gaps.len() == 1);
    rig.frame(&book(symbol, None, 5, r#"["new",2,2]"#, ""));
    rig.frame(&book(symbol, Some(5), 6, r#"["new",3,3]"#, ""));
    assert_eq!((rig.state(symbol), rig.side(symbol, Side::Bid)), (State::Live, "3 3, 2 2".into()));
}

/// Vector V5 of the dossier: every action.
#[test]
fn v5_actions_make_the_book() {
    let mut rig = rig();
    let (bids, asks) = (
        r#"["new",42500.0,1000.0],["new",42498.5,1200.0]"#,
        r#"["new",42501.0,800.0],["new",42501.5,600.0]"#,
    );
    rig.frame(&book("BTC-PERPETUAL", None, 1, bids, asks));
    let (bids, asks) = (
        r#"["change",42500.0,950.0],["new",42498.0,300.0]"#,
        r#"["delete",42501.0,0.0],["change",42501.5,700.0]"#,
    );
    rig.frame(&book("BTC-PERPETUAL", Some(1), 7, bids, asks));
    assert_eq!(rig.side("BTC-PERPETUAL", Side::Bid), "42500 950, 42498.5 1200, 42498 300");
    assert_eq!(rig.side("BTC-PERPETUAL", Side::Ask), "42501.5 700");
    assert!(rig.state("BTC-PERPETUAL").is_live());
}

/// Vector V6 of the dossier: the venue's question has its answer, too many requests end the connection, and an answer says how
/// many channels took.
#[test]
fn v6_control_frames() {
    let mut rig = rig();
    [TEST_REQUEST, TOO_MANY, GRANTED].into_iter().for_each(|text| rig.frame(text));
    let answer = r#"{"jsonrpc":"2.0","id":0,"method":"public/test","params":{}}"#.to_owned();
    assert_eq!(
        rig.controls,
        [
            Control::Asked { answer },
            Control::Error { message: "too_many_requests".into() },
            Control::Ack { id: Some(1), granted: Some(2) },
        ]
    );
    // What the answer to the answer says is no answer to anything of ours.
    rig.frame(r#"{"jsonrpc":"2.0","id":0,"result":{"version":"1.2.26"},"usIn":1,"usOut":2,"usDiff":1,"testnet":false}"#);
    assert_eq!(rig.controls.last(), Some(&Control::Heartbeat));
    let scope =
        Scope { symbols: vec!["BTC-PERPETUAL".into()], channels: Deribit.profile().channels.to_vec() };
    let opening = Deribit.opening(&scope, 1);
    assert!(opening[0].text.contains("public/set_heartbeat"), "or nobody would ask");
}

/// Vector V7 of the dossier: trades that follow one another, and one after a hole. All are taken; their numbers are not the
/// book's.
#[test]
fn v7_trades_are_taken_as_they_come() {
    let mut rig = rig();
    for (id, sequence) in [(440_192_723, 296_152_987), (440_192_724, 296_152_988), (440_192_726, 296_152_990)]
    {
        let text = TRADES.replace("440192723", &id.to_string()).replace("296152987", &sequence.to_string());
        rig.frame(&text);
    }
    rig.frame(QUOTE);
    assert_eq!(rig.tally, BTreeMap::from([("trade", 3), ("trades", 3), ("quote", 1)]));
    let trades = rig.book("BTC-PERPETUAL").trades(10);
    let ids: Vec<&str> = trades.iter().map(|trade| trade.id.as_str()).collect();
    assert_eq!(ids, ["440192723", "440192724", "440192726"]);
}

/// Cut or spoilt anywhere, a frame is not placed at another instrument, and nothing breaks over it.
#[test]
fn hostile_frames_are_never_misplaced() {
    for sample in [SNAPSHOT, CHANGE, TRADES, QUOTE, GRANTED, TEST_REQUEST, TOO_MANY] {
        for at in 0..sample.len() {
            check(&sample[..at]);
            for spoil in ["\"", "\\", "{", "]", "0", "\u{0}", "ä"] {
                check(&format!("{}{spoil}{}", &sample[..at], &sample[at + 1..]));
            }
        }
    }
    fn check(text: &str) {
        Deribit.control(text);
        let mut out = Decoded::default();
        let mut decode = |channel| {
            out.clear();
            Deribit.decode(channel, text, &mut out).is_ok()
        };
        if let Route::Data { symbol, channel } = Deribit.route(text, Handles::NONE)
            && decode(channel)
        {
            // What decodes names its instrument twice, and only one of them was spoilt.
            assert_eq!(symbol, "BTC-PERPETUAL", "{text}");
        }
        let whole = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        for channel in Channel::ALL {
            assert!(whole || !decode(channel), "{channel:?}: {text}");
        }
    }
}

/// Ten options recorded in 2021, on channels that need a login today.
#[test]
fn every_recorded_change_follows_the_one_before() {
    let mut rig = rig();
    if !each_frame("DERIBIT.ws.1.0.gz", |frame| rig.frame(frame)) {
        return;
    }
    let applied: u64 = rig.books.values().map(|book| book.sync.counts().applied).sum();
    println!("Deribit: {:?}, {applied} applied, {} live, {} gaps", rig.tally, rig.live(), rig.gaps.len());
    // Tickers are not used.
    assert_eq!(rig.tally, BTreeMap::from([("book", 46), ("control", 1), ("unknown", 89)]));
    assert_eq!((applied, rig.live(), rig.gaps.len()), (46, 10, 0));
    assert_eq!(rig.controls, [Control::Ack { id: Some(0), granted: Some(30) }]);
    assert_eq!(rig.best("ETH-23JUL21-2300-C", Side::Ask).as_deref(), Some("0.001 274"));
    assert_eq!(rig.book("BTC-24SEP21-8000-P").sync.sequence(), Some(33_195_898_166));
}
