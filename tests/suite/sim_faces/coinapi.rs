//! The CoinAPI face: in-band snapshots, restarts, heartbeats, the dated REST book.

use super::*;
use tungstenite::Error;

#[test]
fn coinapi_snapshot_then_deltas_equal_the_truth_at_every_message() {
    for seed in 0..6 {
        let sim = Sim::start(SimConfig { seed, symbols: 8, ..quick(Face::CoinApi) }).expect("started");
        let mut client = subscribed(&sim, "\"book\",\"trade\",\"quote\"");
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
    let mut client = subscribed(&sim, "\"book\"");
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
    let mut client = subscribed(&sim, "\"book\"");
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
        let truth = sim.truth(&symbol, None, stamp(&json)).expect("dated");
        let range = (bids.last().map(|l| l.price), asks.last().map(|l| l.price));
        truth
            .judge(&Shown { bids: &bids, asks: &asks, depth: usize::MAX, low: range.0, high: range.1 })
            .expect("true inside its range");
        assert!(truth.judge(&Shown { bids: &bids, asks: &asks, depth: 21, low: None, high: None }).is_err());
    }
    let unknown = get(sim.addr(), "/v1/orderbooks/NO_SPOT_A_B/current", "X-CoinAPI-Key: sim-key\r\n");
    assert_eq!(unknown.0, 550);
}
