//! The Binance face: the join of REST and stream, the control plane, the limits.

use super::*;
use depthd::sim::{Allowance, ViolationKind};

fn streams(sim: &Sim, kinds: &[&str]) -> String {
    let names: Vec<String> = sim
        .symbols()
        .iter()
        .flat_map(|s| kinds.iter().map(move |k| format!("{}@{k}", s.to_lowercase())))
        .collect();
    format!("{}/stream?streams={}", sim.url(), names.join("/"))
}

/// Joins a REST book to the stream by the venue's own rule, and judges every version after it.
#[test]
fn binance_rest_joins_the_stream_and_equals_the_truth_at_every_event() {
    let mut inside = 0;
    for seed in 0..6 {
        let sim = Sim::start(SimConfig { seed, symbols: 8, ..quick(Face::Binance) }).expect("started");
        let url = streams(&sim, &["depth@100ms", "bookTicker", "trade"]);
        let mut client = dial(sim.addr(), &url, None).expect("upgraded");
        let mut books: BTreeMap<String, (u64, Naive)> = BTreeMap::new();
        let mut last_of: BTreeMap<String, u64> = BTreeMap::new();
        let (mut judged, mut tickers) = (0, 0);
        while judged < 300 {
            #[derive(serde::Deserialize)]
            struct Wrapped<'a> {
                stream: String,
                #[serde(borrow)]
                data: &'a serde_json::value::RawValue,
            }
            let text = client.text_within(PATIENCE).expect("open").expect("in time");
            let wrapped: Wrapped<'_> = serde_json::from_str(&text).expect("wrapped");
            let json = parse(wrapped.data.get());
            let symbol = json["s"].as_str().expect("a symbol").to_owned();
            assert!(wrapped.stream.starts_with(&symbol.to_lowercase()));
            if wrapped.stream.ends_with("bookTicker") {
                // The best levels at an update id are the true ones at that id.
                let truth = sim.truth(&symbol, Some(json["u"].as_u64().expect("u")), None).expect("known");
                let best = Decimal::parse(json["b"].as_str().expect("b").as_bytes()).expect("a price");
                assert_eq!(truth.bids[0].price, best);
                tickers += 1;
                continue;
            }
            if !wrapped.stream.ends_with("depth@100ms") {
                continue;
            }
            let (first, last) = (json["U"].as_u64().expect("U"), json["u"].as_u64().expect("u"));
            if let Some(previous) = last_of.insert(symbol.clone(), last) {
                assert_eq!(first, previous + 1, "dense");
            }
            if let Some((id, book)) = books.get_mut(&symbol) {
                if last <= *id {
                    continue;
                }
                assert!(first <= *id + 1, "a snapshot is never older than the events before it");
                inside += u64::from(first <= *id);
                *id = last;
                book.apply(wrapped.data.get(), "b", "a");
                book.judge(&sim, &symbol, last, None);
                judged += 1;
            } else {
                let target = format!("/api/v3/depth?symbol={symbol}&limit=5000");
                let (status, head, body) = get(sim.addr(), &target, "");
                assert_eq!(status, 200, "{head}");
                assert!(head.contains("x-mbx-used-weight-1m: "));
                let text = String::from_utf8(body).expect("text");
                let id = parse(&text)["lastUpdateId"].as_u64().expect("an id");
                let mut book = Naive::default();
                book.apply(&text, "bids", "asks");
                book.judge(&sim, &symbol, id, None);
                if last <= id {
                    books.insert(symbol, (id, book));
                }
            }
        }
        assert!(tickers > 0);
    }
    assert!(inside > 0, "some snapshots land inside an event sent later");
}

#[test]
fn binance_control_plane_and_its_limit() {
    let sim = Sim::start(SimConfig { rate: 0, ..quick(Face::Binance) }).expect("started");
    let symbol = sim.symbols()[1].clone();
    let mut client = dial(sim.addr(), &format!("{}/ws", sim.url()), None).expect("upgraded");
    let stream = format!("{}@depth@100ms", symbol.to_lowercase());
    client.say(&format!("{{\"method\":\"SUBSCRIBE\",\"params\":[\"{stream}\"],\"id\":9}}"));
    let ack = client.json();
    assert_eq!((&ack["result"], &ack["id"]), (&Value::Null, &9.into()));
    sim.step(&symbol);
    let event = client.json();
    assert_eq!((&event["e"], &event["s"]), (&"depthUpdate".into(), &symbol.as_str().into()));
    for id in 0..8 {
        client.say(&format!("{{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":{id}}}"));
    }
    assert!(matches!(client.end(), Error::ConnectionClosed));
    assert!(sim.log().violations.iter().any(|v| v.kind == ViolationKind::Control));
}

#[test]
fn limits_are_enforced_and_what_goes_over_is_recorded() {
    let mut config = quick(Face::Binance);
    config.limits.rest = Allowance::new(100, Duration::from_secs(3_600));
    config.limits.connects = Allowance::new(2, Duration::from_secs(60));
    let sim = Sim::start(config).expect("started");
    let target = format!("/api/v3/depth?symbol={}&limit=1000", sim.symbols()[0]);
    assert_eq!(get(sim.addr(), &target, "").0, 200);
    assert_eq!(get(sim.addr(), &target, "").0, 200);
    let (status, head, _) = get(sim.addr(), &target, "");
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: "));
    // A client that does not listen is banned.
    let until = Instant::now() + PATIENCE;
    while get(sim.addr(), &target, "").0 != 418 {
        assert!(Instant::now() < until, "it calls and calls");
    }
    let log = sim.log();
    let kinds: Vec<ViolationKind> = log.violations.iter().map(|v| v.kind).collect();
    assert_eq!(kinds[0], ViolationKind::RestRate);
    assert!(kinds[1..].iter().all(|&kind| kind == ViolationKind::RestTooSoon) && kinds.len() > 3);
    assert_eq!((log.counters.rest_in_flight, log.counters.rest_in_flight_peak), (0, 1));
    assert!(log.rest.iter().all(|call| call.end.is_some_and(|end| end >= call.start)));

    let url = format!("{}/ws", sim.url());
    let open: Vec<Client> = (0..2).map(|_| dial(sim.addr(), &url, None).expect("upgraded")).collect();
    assert!(dial(sim.addr(), &url, None).is_err());
    let counters = sim.counters();
    assert_eq!((counters.connections, counters.connects, counters.connects_refused), (2, 3, 1));
    drop(open);
}
