//! The simulated venue, from outside: plain WebSocket clients, plain HTTP, books rebuilt by hand in maps of decimals.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::Level;
use depthd::engine::time::Wall;
use depthd::sim::{
    Allowance, Extra, Face, Fault, FaultLevel, LinkFault, Malformed, MarketFault, RestFault, Shown, Sim,
    SimConfig, StreamFault, UpgradeFault, ViolationKind,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(10);

/// A client that knows nothing of depthd.
struct Client {
    ws: WebSocket<TcpStream>,
}

fn dial(addr: SocketAddr, url: &str, key: Option<&str>) -> Result<Client, String> {
    let mut request = url.into_client_request().expect("an address");
    if let Some(key) = key {
        request.headers_mut().insert("X-CoinAPI-Key", key.parse().expect("a header"));
    }
    let stream = TcpStream::connect(addr).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    match tungstenite::client(request, stream) {
        Ok((ws, _)) => Ok(Client { ws }),
        Err(error) => Err(error.to_string()),
    }
}

impl Client {
    fn say(&mut self, text: &str) {
        self.ws.send(Message::text(text)).expect("sent");
    }

    /// The next text; `None` when the time is over.
    fn text_within(&mut self, within: Duration) -> Result<Option<String>, Error> {
        let until = Instant::now() + within;
        while Instant::now() < until {
            match self.ws.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Ok(_) => {}
                Err(Error::Io(e)) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn json(&mut self) -> Value {
        let text = self.text_within(PATIENCE).expect("open").expect("a message in time");
        parse(&text)
    }

    /// Messages until one satisfies the test.
    fn until(&mut self, test: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let json = self.json();
            if test(&json) {
                return json;
            }
        }
        panic!("no such message in time");
    }

    /// Reads until the connection ends; what ended it.
    fn end(&mut self) -> Error {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Err(error) = self.text_within(Duration::from_millis(200)) {
                return error;
            }
        }
        panic!("the connection did not end");
    }
}

/// Numbers as their own text: a float would not do.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The price/size pairs of one side of a message, from its text, by hand.
fn pairs(text: &str, name: &str) -> Vec<(Decimal, Decimal)> {
    #[derive(serde::Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        price: &'a serde_json::value::RawValue,
        #[serde(borrow)]
        size: &'a serde_json::value::RawValue,
    }
    let all: BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(text).expect("an object");
    let Some(raw) = all.get(name) else { return Vec::new() };
    let decimal = |t: &str| Decimal::parse(t.trim_matches('"').as_bytes()).expect("a number");
    if raw.get() == "null" {
        return Vec::new();
    }
    if let Ok(entries) = serde_json::from_str::<Vec<Entry<'_>>>(raw.get()) {
        return entries.iter().map(|e| (decimal(e.price.get()), decimal(e.size.get()))).collect();
    }
    let entries: Vec<(String, String)> = serde_json::from_str(raw.get()).expect("pairs");
    entries.iter().map(|(p, s)| (decimal(p), decimal(s))).collect()
}

/// The slow, obvious book.
#[derive(Default, Clone)]
struct Naive {
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
}

impl Naive {
    fn apply(&mut self, text: &str, bids: &str, asks: &str) {
        for (book, name) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for (price, size) in pairs(text, name) {
                if size.is_zero() {
                    book.remove(&price)
                } else {
                    book.insert(price, size)
                };
            }
        }
    }

    fn levels(&self) -> (Vec<Level>, Vec<Level>) {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        (self.bids.iter().rev().map(level).collect(), self.asks.iter().map(level).collect())
    }

    fn judge(&self, sim: &Sim, symbol: &str, sequence: u64, time: Option<Wall>) {
        let truth =
            sim.truth(symbol, sequence, time).unwrap_or_else(|| panic!("{symbol} {sequence} is unknown"));
        let (bids, asks) = self.levels();
        let shown = Shown { bids: &bids, asks: &asks, depth: usize::MAX, low: None, high: None };
        if let Err(difference) = truth.judge(&shown) {
            panic!("{symbol} at {sequence}: {difference}");
        }
    }
}

/// One GET; status, head and body.
fn get(addr: SocketAddr, target: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(addr).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return (0, String::new(), bytes) };
    let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, head, bytes[at + 4..].to_vec())
}

fn quick(face: Face) -> SimConfig {
    SimConfig { seed: 42, rate: 2_000, ..SimConfig::new(face) }
}

fn hello(symbols: &[String], types: &str) -> String {
    let filter: Vec<String> = symbols.iter().map(|s| format!("\"{s}$\"")).collect();
    format!(
        "{{\"type\":\"hello\",\"heartbeat\":true,\"subscribe_data_type\":[{types}],\
         \"subscribe_filter_symbol_id\":[{}]}}",
        filter.join(",")
    )
}

fn coinapi(sim: &Sim, types: &str) -> Client {
    let mut client = dial(sim.addr(), &sim.url(), sim.key()).expect("upgraded");
    client.say(&hello(&sim.symbols(), types));
    client
}

fn stamp(json: &Value) -> Option<Wall> {
    json["time_exchange"].as_str().and_then(Wall::parse)
}

#[test]
fn coinapi_snapshot_then_deltas_equal_the_truth_at_every_message() {
    for seed in 0..6 {
        let sim = Sim::start(SimConfig { seed, symbols: 8, ..quick(Face::CoinApi) }).expect("started");
        let mut client = coinapi(&sim, "\"book\",\"trade\",\"quote\"");
        let mut books: BTreeMap<String, (u64, Naive)> = BTreeMap::new();
        let (mut judged, mut trades, mut quotes) = (0, 0, 0);
        while judged < 300 {
            let text = client.text_within(PATIENCE).expect("open").expect("in time");
            let json = parse(&text);
            match json["type"].as_str() {
                Some("book") => {}
                Some("trade") => {
                    trades += 1;
                    continue;
                }
                Some("quote") => {
                    quotes += 1;
                    continue;
                }
                other => panic!("{other:?}"),
            }
            let symbol = json["symbol_id"].as_str().expect("a symbol").to_owned();
            let sequence = json["sequence"].as_u64().expect("a sequence");
            let (last, book) = books.entry(symbol.clone()).or_default();
            assert_eq!(sequence, *last + 1);
            assert_eq!(json["is_snapshot"].as_bool(), Some(sequence == 1));
            *last = sequence;
            book.apply(&text, "bids", "asks");
            book.judge(&sim, &symbol, sequence, stamp(&json));
            judged += 1;
        }
        assert!(trades > 0 && quotes > 0 && books.len() == 8);
    }
}

#[test]
fn coinapi_restart_in_band_and_equal_hello() {
    let sim = Sim::start(quick(Face::CoinApi)).expect("started");
    let symbol = sim.symbols()[0].clone();
    let mut client = coinapi(&sim, "\"book\"");
    let is = |symbol: &str, json: &Value| json["symbol_id"] == *symbol;
    client.until(|j| is(&symbol, j) && j["sequence"] == 20);
    // An equal hello brings nothing again.
    client.say(&hello(&sim.symbols(), "\"book\""));
    client.until(|j| {
        assert!(!is(&symbol, j) || j["is_snapshot"] == false);
        is(&symbol, j) && j["sequence"] == 60
    });
    for verb in ["unsubscribe", "subscribe"] {
        client.say(&format!(
            "{{\"type\":\"{verb}\",\"subscribe_data_type\":[\"book\"],\"subscribe_filter_symbol_id\":[\"{symbol}$\"]}}"
        ));
    }
    let again = client.until(|j| is(&symbol, j) && j["is_snapshot"] == true);
    assert_eq!(again["sequence"], 1);
    let other = client.until(|j| !is(&symbol, j));
    assert_eq!(other["is_snapshot"], false, "other symbols go on undisturbed");
}

#[test]
fn coinapi_heartbeats_only_in_silence_and_bad_keys_are_told_late() {
    let config = SimConfig { heartbeat: Duration::from_millis(100), ..quick(Face::CoinApi) };
    let sim = Sim::start(config).expect("started");
    let mut client = coinapi(&sim, "\"book\"");
    assert_eq!(client.json()["type"], "book");
    sim.quiesce();
    let beat = client.until(|j| j["type"] != "book");
    assert!(["heartbeat", "hearbeat"].contains(&beat["type"].as_str().expect("a type")));

    let mut stranger = dial(sim.addr(), &sim.url(), Some("wrong")).expect("upgraded all the same");
    stranger.say(&hello(&sim.symbols(), "\"book\""));
    let error = stranger.json();
    assert_eq!((&error["type"], &error["message"]), (&"error".into(), &"Invalid API key".into()));
    assert!(matches!(stranger.end(), Error::ConnectionClosed));
}

#[test]
fn coinapi_rest_is_the_best_twenty_of_a_dated_version() {
    let sim = Sim::start(quick(Face::CoinApi)).expect("started");
    for symbol in sim.symbols() {
        let target = format!("/v1/orderbooks/{symbol}/current?limit_levels=100");
        assert_eq!(get(sim.addr(), &target, "").0, 401);
        let (status, _, body) = get(sim.addr(), &target, "X-CoinAPI-Key: sim-key\r\n");
        let text = String::from_utf8(body).expect("text");
        let json = parse(&text);
        assert_eq!((status, &json["symbol_id"]), (200, &symbol.as_str().into()));
        assert!(json.get("sequence").is_none());
        let mut book = Naive::default();
        book.apply(&text, "bids", "asks");
        let (bids, asks) = book.levels();
        assert_eq!((bids.len(), asks.len()), (20, 20));
        let truth = sim.truth(&symbol, 0, stamp(&json)).expect("dated");
        let range = (bids.last().map(|l| l.price), asks.last().map(|l| l.price));
        truth
            .judge(&Shown { bids: &bids, asks: &asks, depth: usize::MAX, low: range.0, high: range.1 })
            .expect("true inside its range");
        assert!(truth.judge(&Shown { bids: &bids, asks: &asks, depth: 21, low: None, high: None }).is_err());
    }
    let unknown = get(sim.addr(), "/v1/orderbooks/NO_SPOT_A_B/current", "X-CoinAPI-Key: sim-key\r\n");
    assert_eq!(unknown.0, 550);
}

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
                let truth = sim.truth(&symbol, json["u"].as_u64().expect("u"), None).expect("known");
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
        let mut client = coinapi(&sim, "\"book\"");
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
        let mut client = coinapi(&sim, "\"book\"");
        client.until(|j| j["symbol_id"] == *symbol && j["sequence"] == 5);
        sim.inject(Fault::Stream { symbol: Some(symbol.clone()), what });
        assert_eq!(broken_by(&mut client, &symbol, Some(5), 400), None, "{what:?}");
    }
}

#[test]
fn links_break_in_every_way() {
    let sim = Sim::start(SimConfig { rate: 5_000, ..quick(Face::CoinApi) }).expect("started");
    for what in [LinkFault::Reset, LinkFault::Fin, LinkFault::Close(1001), LinkFault::BufferError] {
        let mut client = coinapi(&sim, "\"book\"");
        client.json();
        sim.inject(Fault::Link(what));
        client.end();
    }
    let mut client = coinapi(&sim, "\"book\"");
    client.json();
    sim.inject(Fault::Link(LinkFault::Notice(Duration::from_millis(300))));
    let notice = client.until(|j| j["type"] == "reconnect");
    assert!(Wall::parse(notice["before_time"].as_str().expect("text")).is_some());
    client.end();

    let mut client = coinapi(&sim, "\"book\"");
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
    let truth = sim.truth(&symbol, 0, stamp(&stale)).expect("an old version, honestly dated");
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
            let again = sim.truth(&symbol, newest.version, Some(newest.exchange_time)).expect("just now");
            assert_eq!((again.bids, again.asks), (newest.bids, newest.asks));
            assert!(sim.truth(&symbol, u64::MAX, Some(Wall::from_nanos(1))).is_none());
        }
    }
}

#[test]
fn it_keeps_its_rate_and_a_burst_comes_at_once() {
    let sim = Sim::start(SimConfig { rate: 10_000, ..quick(Face::CoinApi) }).expect("started");
    let mut client = coinapi(&sim, "\"book\"");
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
