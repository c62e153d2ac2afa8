//! The judge judged: a careful client under a storm of faults never holds a book that the truth calls wrong.
//!
//! It follows the venues' published rules and nothing else. If this fails, either a fault cannot be found out from outside, or the
//! truth is not true; both would condemn an honest daemon.

use super::*;
use depthd::sim::{Allowance, Fault, FaultLevel, SimLimits, StreamFault};

fn storm(face: Face, seed: u64) -> Sim {
    let often = Allowance::new(1_000_000, Duration::from_secs(1));
    let limits = SimLimits {
        connects: often,
        control: often,
        rest: often,
        rest_daily: None,
        rest_concurrency: 64,
        ..SimLimits::of(face)
    };
    let fault_gap = Some(Duration::from_millis(15));
    let faults = FaultLevel::Chaos;
    Sim::start(SimConfig { limits, faults, fault_gap, seed, rate: 4_000, ..SimConfig::new(face) })
        .expect("started")
}

fn has_bad_level(text: &str, bids: &str, asks: &str) -> bool {
    [bids, asks].iter().any(|name| match try_pairs(text, name) {
        Some(levels) => {
            levels.len() > 20_000 || levels.iter().any(|(p, s)| p.is_negative() || s.is_negative())
        }
        None => true,
    })
}

/// A text in time; what is not one (binary, silence) is as good as lost; `Err` when the connection is over.
fn next(client: &mut Client) -> Result<Option<String>, ()> {
    match client.text_within(Duration::from_millis(300)) {
        Ok(Some(text)) => Ok(Some(text)),
        Ok(None) | Err(_) => Err(()),
    }
}

#[test]
fn a_careful_coinapi_client_is_never_called_wrong() {
    let (mut judged, mut broken, mut lives) = (0, 0, 0);
    for seed in 0..3 {
        let sim = storm(Face::CoinApi, seed);
        let until = Instant::now() + Duration::from_millis(1_500);
        while Instant::now() < until {
            let Ok(mut client) = dial(sim.addr(), &sim.url(), sim.key()) else { continue };
            lives += 1;
            client.say(&hello(&sim.symbols(), "\"book\""));
            let mut books: BTreeMap<String, Option<(u64, Naive)>> = BTreeMap::new();
            while Instant::now() < until {
                let Ok(Some(text)) = next(&mut client) else { break };
                let Ok(json) = serde_json::from_str::<Value>(&text) else {
                    // Whose message it was cannot be known: a later number will tell, and until then nothing was applied.
                    broken += 1;
                    continue;
                };
                let Some(symbol) = json["symbol_id"].as_str().filter(|_| json["type"] == "book") else {
                    continue;
                };
                if !sim.symbols().iter().any(|s| s == symbol) {
                    continue;
                }
                let slot = books.entry(symbol.to_owned()).or_default();
                let sequence = json["sequence"].as_u64();
                let good = sequence.is_some() && !has_bad_level(&text, "bids", "asks");
                *slot = match (slot.take(), good) {
                    (_, true) if json["is_snapshot"] == true => Some((0, Naive::default())),
                    (Some((last, book)), true) if sequence == Some(last + 1) => Some((last, book)),
                    _ => {
                        broken += 1;
                        None
                    }
                };
                let Some((last, book)) = slot else { continue };
                *last = sequence.expect("checked");
                book.apply(&text, "bids", "asks");
                book.judge(&sim, symbol, *last, stamp(&json));
                judged += 1;
            }
        }
        assert!(sim.log().faults.len() > 15, "{:?}", sim.log().faults);
    }
    assert!(judged > 100 && broken > 10 && lives > 3, "{judged} {broken} {lives}");
}

#[derive(serde::Deserialize)]
struct Depth<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Fetches a book; `None` for whatever is not one.
fn fetched(sim: &Sim, symbol: &str) -> Option<(u64, Naive)> {
    let mut stream = TcpStream::connect(sim.addr()).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(300))).ok()?;
    let head = format!("GET /api/v3/depth?symbol={symbol}&limit=5000 HTTP/1.1\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    // One deadline for all of it: a trickle keeps every single read short.
    let (mut bytes, mut buffer, until) =
        (Vec::new(), [0; 65_536], Instant::now() + Duration::from_millis(300));
    loop {
        match stream.read(&mut buffer).ok()? {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        if Instant::now() > until || bytes.len() > 4 << 20 {
            return None;
        }
    }
    let at = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[at + 4..]).ok()?;
    let json: Value = serde_json::from_str(text).ok()?;
    let id = json["lastUpdateId"].as_u64()?;
    let mut book = Naive::default();
    book.apply(text, "bids", "asks");
    let (bids, asks) = book.levels();
    (bids.first()?.price < asks.first()?.price).then_some((id, book))
}

#[test]
fn a_careful_binance_client_is_never_called_wrong() {
    let (mut judged, mut joins, mut lives) = (0, 0, 0);
    for seed in 0..3 {
        let sim = storm(Face::Binance, seed);
        let until = Instant::now() + Duration::from_millis(2_000);
        let names: Vec<String> =
            sim.symbols().iter().map(|s| format!("{}@depth", s.to_lowercase())).collect();
        let url = format!("{}/stream?streams={}", sim.url(), names.join("/"));
        while Instant::now() < until {
            let Ok(mut client) = dial(sim.addr(), &url, None) else { continue };
            lives += 1;
            let mut books: BTreeMap<String, (u64, Naive)> = BTreeMap::new();
            while Instant::now() < until {
                let Ok(Some(text)) = next(&mut client) else { break };
                let Ok(depth) = serde_json::from_str::<Depth<'_>>(&text) else { continue };
                let Ok(json) = serde_json::from_str::<Value>(depth.data.get()) else { continue };
                let (Some(symbol), Some(first), Some(last)) =
                    (json["s"].as_str(), json["U"].as_u64(), json["u"].as_u64())
                else {
                    continue;
                };
                if !sim.symbols().iter().any(|s| s == symbol) {
                    continue;
                }
                let usable = !has_bad_level(depth.data.get(), "b", "a");
                match books.get_mut(symbol) {
                    Some((id, _)) if last <= *id => {}
                    Some((id, book)) if usable && first <= *id + 1 => {
                        *id = last;
                        book.apply(depth.data.get(), "b", "a");
                        let (bids, asks) = book.levels();
                        if bids.first().zip(asks.first()).is_none_or(|(b, a)| b.price >= a.price) {
                            books.remove(symbol);
                            continue;
                        }
                        book.judge(&sim, symbol, last, None);
                        judged += 1;
                    }
                    Some(_) => drop(books.remove(symbol)),
                    None => {
                        if let Some((id, book)) = fetched(&sim, symbol) {
                            book.judge(&sim, symbol, id, None);
                            books.insert(symbol.to_owned(), (id, book));
                            joins += 1;
                        }
                    }
                }
            }
        }
        assert!(sim.log().faults.len() > 10, "{:?}", sim.log().faults);
    }
    assert!(judged > 50 && joins > 5 && lives > 3, "{judged} {joins} {lives}");
}

/// The other way round: who ignores a gap has a wrong book, and is told so.
#[test]
fn a_careless_client_is_called_wrong() {
    let sim = Sim::start(SimConfig { symbols: 1, ..SimConfig::new(Face::CoinApi) }).expect("started");
    let mut client = subscribed(&sim, "\"book\"");
    let symbol = sim.symbols()[0].clone();
    let (mut book, mut caught) = (Naive::default(), false);
    for n in 0..1_000 {
        let text = client.text_within(PATIENCE).expect("open").expect("in time");
        let json = parse(&text);
        book.apply(&text, "bids", "asks");
        let (bids, asks) = book.levels();
        let truth = sim.truth(&symbol, None, stamp(&json)).expect("recent");
        let shown = Shown { bids: &bids, asks: &asks, depth: usize::MAX, low: None, high: None };
        let verdict = truth.judge(&shown);
        assert!(n > 10 || verdict.is_ok(), "nothing was lost yet");
        caught |= verdict.is_err();
        if n == 10 {
            let what = StreamFault::Gap;
            (0..3).for_each(|_| sim.inject(Fault::Stream { symbol: None, what }));
        }
    }
    assert!(caught);
}
