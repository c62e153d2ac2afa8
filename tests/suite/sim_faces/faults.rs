//! Every fault is seen by a careful client, and what is no fault is not; rates and endings.

use super::*;
use depthd::sim::{
    Allowance, Extra, Fault, FaultLevel, LinkFault, Malformed, MarketFault, RestFault, StreamFault,
    UpgradeFault,
};

/// Reads a symbol's `book` stream with the rule "last plus one, or a snapshot"; what a careful client sees of a fault.
fn broken_by(client: &mut Client, symbol: &str, mut last: Option<u64>, within: u64) -> Option<String> {
    for _ in 0..within {
        let text = match client.text_within(PATIENCE) {
            Ok(text) => text.expect("in time"),
            Err(error) => return Some(format!("ended: {error}")),
        };
        let Ok(json) = serde_json::from_str::<Value>(&text) else { return Some("not JSON".to_owned()) };
        if json["symbol_id"] != *symbol || json["type"] != "book" {
            continue;
        }
        let Some(sequence) = json["sequence"].as_u64() else { return Some("no sequence".to_owned()) };
        if json["is_snapshot"] != true && last.is_some_and(|n: u64| n + 1 != sequence) {
            return Some(format!("{last:?} then {sequence}"));
        }
        last = Some(sequence);
    }
    None
}

#[test]
fn every_stream_fault_that_loses_something_can_be_seen() {
    use StreamFault as F;
    let mut config = quick(Face::CoinApi);
    // Twenty connections one after the other are more than the real venue allows in ten seconds.
    config.limits.connects = Allowance::new(100, Duration::from_secs(1));
    config.limits.control = Allowance::new(100, Duration::from_secs(1));
    let sim = Sim::start(config).expect("started");
    let symbol = sim.symbols()[0].clone();
    for what in [
        F::Gap,
        F::Duplicate,
        F::Late,
        F::Reorder,
        F::Restart,
        F::Unsequenced,
        F::Malformed(Malformed::Truncated),
        F::Malformed(Malformed::Html),
        F::Malformed(Malformed::BadUtf8),
        F::Malformed(Malformed::Binary),
        F::Malformed(Malformed::Oversize),
        F::Malformed(Malformed::ReservedBit),
    ] {
        let mut client = subscribed(&sim, "\"book\"");
        client.until(|j| j["symbol_id"] == *symbol && j["sequence"] == 5);
        let fault = Fault::Stream { symbol: Some(symbol.clone()), what };
        sim.inject(fault.clone());
        let seen = broken_by(&mut client, &symbol, Some(5), 4_000);
        assert!(seen.is_some(), "{what:?} went unnoticed");
        assert!(sim.log().faults.contains_key(fault.name()));
    }
    // These are not faults of the data, and a careful client goes on.
    for what in
        [F::Snapshot, F::Empty, F::Fragmented, F::Extra(Extra::UnknownType), F::Extra(Extra::PingFlood)]
    {
        let mut client = subscribed(&sim, "\"book\"");
        client.until(|j| j["symbol_id"] == *symbol && j["sequence"] == 5);
        sim.inject(Fault::Stream { symbol: Some(symbol.clone()), what });
        assert_eq!(broken_by(&mut client, &symbol, Some(5), 400), None, "{what:?}");
    }
}

#[test]
fn links_break_in_every_way() {
    let sim = Sim::start(SimConfig { rate: 5_000, ..quick(Face::CoinApi) }).expect("started");
    for what in [LinkFault::Reset, LinkFault::Fin, LinkFault::Close(1001), LinkFault::BufferError] {
        let mut client = subscribed(&sim, "\"book\"");
        client.json();
        sim.inject(Fault::Link(what));
        client.end();
    }
    let mut client = subscribed(&sim, "\"book\"");
    client.json();
    sim.inject(Fault::Link(LinkFault::Notice(Duration::from_millis(300))));
    let notice = client.until(|j| j["type"] == "reconnect");
    assert!(Wall::parse(notice["before_time"].as_str().expect("text")).is_some());
    client.end();

    let mut client = subscribed(&sim, "\"book\"");
    client.json();
    let symbol = sim.symbols()[0].clone();
    for length in [LinkFault::Stall(Duration::from_millis(300)), LinkFault::Slice(Duration::from_millis(300))]
    {
        sim.inject(Fault::Link(length));
        assert_eq!(broken_by(&mut client, &symbol, None, 2_000), None, "late, and whole");
    }
    sim.inject(Fault::Link(LinkFault::HalfOpen));
    let silent = Instant::now() + PATIENCE;
    while client.text_within(Duration::from_millis(300)).expect("still open").is_some() {
        assert!(Instant::now() < silent, "it must fall silent");
    }
    drop(client);
    let gone = Instant::now() + PATIENCE;
    while sim.counters().connections > 0 {
        assert!(Instant::now() < gone, "a client that left is forgotten");
        std::thread::yield_now();
    }
    for what in [UpgradeFault::Refuse { status: 503, wait: None }, UpgradeFault::Reset] {
        sim.inject(Fault::Upgrade { count: 1, what });
        // The command is taken by the next turn; a dial before that is let in.
        let until = Instant::now() + PATIENCE;
        while dial(sim.addr(), &sim.url(), sim.key()).is_ok() {
            assert!(Instant::now() < until, "{what:?}");
        }
    }
}

#[test]
fn rest_fails_in_every_way() {
    let sim = Sim::start(quick(Face::CoinApi)).expect("started");
    let symbol = sim.symbols()[0].clone();
    let ask = |what| {
        sim.inject(Fault::Rest { count: 1, what });
        let before = sim.log().faults_total();
        let until = Instant::now() + PATIENCE;
        loop {
            let target = format!("/v1/orderbooks/{symbol}/current");
            let answer = get(sim.addr(), &target, "X-CoinAPI-Key: sim-key\r\n");
            if sim.log().faults_total() > before {
                return answer;
            }
            assert!(Instant::now() < until, "{what:?}");
        }
    };
    let plain = ask(RestFault::Split);
    assert_eq!(plain.0, 200);
    assert_eq!(ask(RestFault::Status { status: 503, wait: None }).0, 503);
    assert_eq!(ask(RestFault::Empty).2, b"");
    assert!(ask(RestFault::Html).2.starts_with(b"<html>"));
    assert_ne!(parse(&String::from_utf8_lossy(&ask(RestFault::OtherSymbol).2))["symbol_id"], symbol);
    assert!(serde_json::from_slice::<Value>(&ask(RestFault::Cut).2).is_err());
    sim.burst(2_000);
    let until = Instant::now() + PATIENCE;
    while sim.counters().market_changes < 2_000 {
        assert!(Instant::now() < until, "a burst is quick");
    }
    let stale = parse(&String::from_utf8_lossy(&ask(RestFault::Stale).2));
    let truth = sim.truth(&symbol, None, stamp(&stale)).expect("an old version, honestly dated");
    assert!(truth.behind >= 20);
}

#[test]
fn the_truth_survives_jumps_crossings_and_chaos() {
    for face in [Face::CoinApi, Face::Binance] {
        let config = SimConfig { faults: FaultLevel::Chaos, symbols: 6, ..quick(face) };
        let sim = Sim::start(config).expect("started");
        for what in [MarketFault::Jump, MarketFault::Cross] {
            sim.inject(Fault::Market { symbol: None, what });
        }
        let until = Instant::now() + PATIENCE;
        while sim.log().faults_total() < 12 {
            assert!(Instant::now() < until, "chaos brings faults");
            std::thread::yield_now();
        }
        for symbol in sim.symbols() {
            let newest = sim.newest(&symbol).expect("listed");
            let again =
                sim.truth(&symbol, Some(newest.version), Some(newest.exchange_time)).expect("just now");
            assert_eq!((again.bids, again.asks), (newest.bids, newest.asks));
            assert!(sim.truth(&symbol, Some(u64::MAX), Some(Wall::from_nanos(1))).is_none());
        }
    }
}

#[test]
fn it_keeps_its_rate_and_a_burst_comes_at_once() {
    let sim = Sim::start(SimConfig { rate: 10_000, ..quick(Face::CoinApi) }).expect("started");
    let mut client = subscribed(&sim, "\"book\"");
    client.json();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(1) {
        client.json();
        count += 1;
    }
    // A debug build on a busy machine: what it must not be is a fraction of what was asked.
    assert!((6_000..14_000).contains(&count), "{count} in a second");
    sim.quiesce();
    while client.text_within(Duration::from_millis(200)).expect("open").is_some_and(|t| t.contains("book")) {}
    sim.set_rate(0);
    sim.burst(5_000);
    let start = Instant::now();
    (0..5_000).for_each(|_| drop(client.json()));
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn dropping_it_joins_its_thread_and_frees_its_sockets() {
    for face in [Face::CoinApi, Face::Binance] {
        let sim = Sim::start(quick(face)).expect("started");
        let addr = sim.addr();
        let url = if face == Face::CoinApi { sim.url() } else { format!("{}/ws", sim.url()) };
        let mut client = dial(addr, &url, sim.key()).expect("upgraded");
        let start = Instant::now();
        drop(sim);
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
        client.end();
        assert!(TcpStream::connect(addr).is_err(), "nobody listens any more");
    }
}
