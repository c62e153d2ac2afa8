//! Bitfinex: its vectors as frames, and a recorded connection of seven books.

use super::*;
use depthd::venue::bitfinex::Bitfinex;

fn rig() -> Rig {
    Rig::of(Arc::new(Bitfinex))
}

fn bind(rig: &mut Rig, number: u64, channel: &str, symbol: &str) {
    rig.frame(&format!(
        r#"{{"event":"subscribed","channel":"{channel}","chanId":{number},"symbol":"{symbol}","prec":"P0","freq":"F0","len":"250","pair":"{}"}}"#,
        &symbol[1..]
    ));
}

/// Vector V1 of the dossier: a book of 18 bids and 25 asks, small prices with exponents among them.
const XRPBTC: &str = "[81757,[[0.0000011,13,271510.49],[0.00000109,4,500793.10790141],[0.00000108,5,776367.43],[0.00000107,1,23329.54842056],[0.00000106,3,116868.87735849],[0.00000105,3,205000],[0.00000103,3,227308.25386407],[0.00000102,2,105000],[0.00000101,1,2970],[0.000001,2,21000],[7e-7,1,10000],[6.6e-7,1,10000],[6e-7,1,100000],[4.9e-7,1,10000],[2.5e-7,1,2000],[6e-8,1,100000],[5e-8,1,200000],[1e-8,4,640000],[0.00000111,1,-4847.13],[0.00000112,7,-528102.69042633],[0.00000113,5,-302397.07],[0.00000114,3,-339088.93],[0.00000126,4,-245944.06],[0.00000127,1,-5000],[0.0000013,1,-5000],[0.00000134,1,-8249.18938656],[0.00000136,1,-13161.25184766],[0.00000145,1,-2914],[0.0000015,3,-54448.5],[0.00000152,2,-5538.54849594],[0.00000153,1,-62691.75475079],[0.00000159,1,-2914],[0.0000016,1,-52631.10296831],[0.00000164,1,-4000],[0.00000166,1,-3831.46784605],[0.00000171,1,-14575.17730379],[0.00000174,1,-3124.81815395],[0.0000018,1,-18000],[0.00000182,1,-16000],[0.00000186,1,-4000],[0.00000189,1,-10000.686624],[0.00000191,1,-14500],[0.00000193,1,-2422]]]";

/// V1 up to the change after which the venue sums up.
fn summed() -> Rig {
    let mut rig = rig();
    bind(&mut rig, 81_757, "book", "tXRPBTC");
    rig.frame(XRPBTC);
    rig.frame(r#"[81757,"cs",1311645903]"#);
    rig.frame("[81757,[0.0000011,12,266122.94]]");
    assert!(rig.state("tXRPBTC").is_live());
    rig
}

#[test]
fn the_documented_sum_matches_before_and_after_the_change() {
    let mut rig = summed();
    rig.frame(r#"[81757,"cs",-1175357890]"#);
    assert_eq!((rig.checksums(), rig.gaps.as_slice()), ((2, 0), &[][..]));
    assert!(rig.state("tXRPBTC").is_live());
    assert_eq!(rig.best("tXRPBTC", Side::Bid).as_deref(), Some("0.0000011 266122.94"));
    assert_eq!(rig.best("tXRPBTC", Side::Ask).as_deref(), Some("0.00000111 4847.13"));
}

/// The same number in other words is the same number; the sum is over the venue's own words.
#[test]
fn spelling_does_not_change_the_sum() {
    let mut rig = rig();
    bind(&mut rig, 81_757, "book", "tXRPBTC");
    let spelt =
        XRPBTC.replace("7e-7", "0.00000070").replace("0.0000013,", "13E-7,").replace("21000]", "2.1e4]");
    assert_ne!(spelt, XRPBTC);
    rig.frame(&spelt);
    rig.frame(r#"[81757,"cs",1311645903]"#);
    assert_eq!(rig.checksums(), (1, 0));
}

/// The negative of V1 is the sum with `7e-7` written out; the others are the sum of before, and one bit off.
#[test]
fn another_sum_ends_the_book() {
    for claimed in [1_293_492_257_i64, 1_311_645_903, -1_175_357_889] {
        let mut rig = summed();
        rig.frame(&format!(r#"[81757,"cs",{claimed}]"#));
        assert_eq!(rig.checksums(), (2, 1));
        let gap = Gap::Checksum { here: Some((-1_175_357_890_i32).cast_unsigned()), there: claimed as u32 };
        assert_eq!(rig.gaps, [("tXRPBTC".to_owned(), gap)]);
        let stale = matches!(rig.state("tXRPBTC"), State::Stale { reason: StaleReason::Checksum, .. });
        assert!(stale, "{claimed}");

        // Left and entered again, under a new number. What still comes under the old one is nobody's.
        rig.frame(r#"{"event":"unsubscribed","status":"OK","chanId":81757}"#);
        rig.frame("[81757,[0.0000011,12,1]]");
        assert_eq!(rig.tally["unknown"], 1);
        bind(&mut rig, 81_758, "book", "tXRPBTC");
        rig.frame(&XRPBTC.replacen("81757", "81758", 1));
        rig.frame(r#"[81758,"cs",1311645903]"#);
        assert!(rig.state("tXRPBTC").is_live());
        assert_eq!(rig.checksums(), (3, 1));
    }
}

/// Two books whose connection has counted to 17.
fn counted() -> Rig {
    let mut rig = rig();
    bind(&mut rig, 225_206, "book", "tDOGUSD");
    bind(&mut rig, 204_928, "book", "tODEUSD");
    rig.frame("[225206,[[279370,1,0.5],[283460,2,-0.3],[283470,1,-1]],1]");
    rig.frame("[204928,[[0.02056,1,4510.99],[0.02088,1,-2335.56]],2]");
    (3..18).for_each(|n| rig.frame(&format!(r#"[204928,"hb",{n}]"#)));
    rig
}

/// Vector V3 of the dossier: the count is over all frames of the connection, whoever they are of.
#[test]
fn a_hole_in_the_count_is_every_books() {
    let mut rig = counted();
    for frame in [
        "[225206,[215350,0,1],18]",
        "[225206,[279380,1,0.0089],19]",
        r#"[204928,"hb",20]"#,
        "[225206,[279380,0,1],21]",
    ] {
        rig.frame(frame);
    }
    assert_eq!((rig.live(), rig.gaps.len(), rig.tally.get("connection_gap")), (2, 0, None));

    let mut rig = counted();
    rig.frame("[225206,[215350,0,1],18]");
    rig.frame("[225206,[279380,1,0.0089],19]");
    rig.frame("[225206,[279380,0,1],21]");
    assert_eq!((rig.live(), rig.tally["connection_gap"]), (0, 1));
    for symbol in ["tDOGUSD", "tODEUSD"] {
        let stale = matches!(rig.state(symbol), State::Stale { reason: StaleReason::Gap, .. });
        assert!(stale, "{symbol}");
    }
}

/// Vector V4 of the dossier: an unknown level is left in peace, a level of a crossed book too.
#[test]
fn recorded_changes_do_what_they_say() {
    let mut rig = counted();
    rig.frame("[225206,[215350,0,1],18]");
    assert_eq!(rig.side("tDOGUSD", Side::Bid), "279370 0.5", "it was not there");
    rig.frame("[225206,[279380,1,0.0089],19]");
    assert_eq!(rig.side("tDOGUSD", Side::Bid), "279380 0.0089, 279370 0.5");
    rig.frame("[225206,[283460,0,-1],20]");
    assert_eq!(rig.side("tDOGUSD", Side::Ask), "283470 1");
    rig.frame("[225206,[279380,0,1],21]");
    assert_eq!(rig.side("tDOGUSD", Side::Bid), "279370 0.5");
    rig.frame("[225206,[283480,1,2],22]");
    assert!(rig.state("tDOGUSD").is_live(), "an aggressive order is announced before it is matched");
    assert_eq!(rig.gaps, []);
}

#[test]
fn trades_are_taken_once_and_only_as_they_happen() {
    let mut rig = rig();
    bind(&mut rig, 17_470, "trades", "tBTCUSD");
    rig.frame("[17470,[[401597394,1574694478700,1,7245.2],[401597393,1574694478600,-1,7245.1]],1]");
    rig.frame(r#"[17470,"te",[401597395,1574694478808,0.005,7245.3],2]"#);
    rig.frame(r#"[17470,"tu",[401597395,1574694478808,0.005,7245.3],3]"#);
    assert_eq!((rig.tally["trades"], rig.tally["trade"], rig.tally["unused"]), (1, 1, 2));
    assert_eq!(rig.book("tBTCUSD").trades(10)[0].id.as_str(), "401597395");
}

const RECORDING: &str = "BITFINEX.ws.11.0.gz";

/// A whole recorded connection. Its client asked for 100 levels a side and for tickers too, and for no sums.
#[test]
fn the_recorded_connection_has_no_hole_and_seven_live_books() {
    let mut rig = rig();
    rig.rules.stream_depth = Some(100);
    let (mut frames, mut numbered) = (0, 0);
    let there = each_frame(RECORDING, |frame| {
        frames += 1;
        numbered += u64::from(Bitfinex.connection_number(frame).is_some());
        rig.frame(frame);
    });
    if !there {
        return;
    }
    println!("{frames} frames, {numbered} numbered, {:?}, {} live books", rig.tally, rig.live());
    assert_eq!((frames, numbered), (1_693, 1_670));
    assert_eq!(rig.tally.get("connection_gap"), None);
    assert_eq!(rig.gaps, []);
    let bound = rig.controls.iter().filter(|control| matches!(control, Control::Bound { .. })).count();
    let beats = rig.controls.iter().filter(|control| **control == Control::Heartbeat).count();
    assert_eq!((bound, beats, rig.live()), (14, 42, 7));
    // Unknown are 21 tickers and the seven lists of past trades; no trade happened.
    let tally: Vec<(&str, u64)> = rig.tally.iter().map(|(what, count)| (*what, *count)).collect();
    assert_eq!(tally, [("book", 1_600), ("control", 65), ("unknown", 21), ("unused", 7)]);
    // As another program has it, which keeps all levels.
    for (symbol, bids, asks, bid, ask) in [
        ("tTESTBTC:TESTUSD", 100, 100, "60417 0.68807848", "60423 0.68805459"),
        ("tDOGUSD", 100, 100, "277730 0.09383141", "282030 0.027"),
        ("tODEUSD", 100, 100, "0.02056 4510.99", "0.02088 2335.56"),
        ("tIOTETH", 99, 100, "0.001026 9.80717706", "0.0010272 8"),
        ("tMNABTC", 51, 88, "0.00002505 504.35063355", "0.0000253 66.58783643"),
        ("tBFTUSD", 96, 100, "0.068965 6098.17017201", "0.0774 6662.31867263"),
        ("tSNGUSD", 100, 100, "0.037108 6830.77512", "0.038798 1461.09590662"),
    ] {
        let book = rig.book(symbol).sync.book();
        assert_eq!((book.len(Side::Bid), book.len(Side::Ask)), (bids, asks), "{symbol}");
        assert_eq!(rig.best(symbol, Side::Bid).as_deref(), Some(bid), "{symbol}");
        assert_eq!(rig.best(symbol, Side::Ask).as_deref(), Some(ask), "{symbol}");
    }
}

/// Whichever frame of the recording is lost, the next one says so.
#[test]
fn no_recorded_frame_can_be_missed_unseen() {
    let mut numbers = Vec::new();
    if !each_frame(RECORDING, |frame| numbers.extend(Bitfinex.connection_number(frame))) {
        return;
    }
    for lost in 0..numbers.len() - 1 {
        let mut count = Count::from(1);
        let rest = numbers[..lost].iter().chain(&numbers[lost + 1..]);
        let holes: Vec<Place> = rest.map(|n| count.take(*n)).filter(|place| *place != Place::Next).collect();
        assert_eq!(holes, [Place::Missing { expected: numbers[lost] }]);
    }
    println!("{} frames, each missed by the one after it", numbers.len() - 1);
}
