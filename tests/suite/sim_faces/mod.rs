//! The simulated venue, from outside: plain WebSocket clients, plain HTTP, books rebuilt by hand in maps of decimals.

mod binance;
mod capture;
mod careful;
mod coinapi;
mod faults;

use depthd::engine::decimal::Decimal;
use depthd::engine::event::Level;
use depthd::engine::time::Wall;
use depthd::sim::{Face, Shown, Sim, SimConfig};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, Message, WebSocket};

pub const PATIENCE: Duration = Duration::from_secs(10);

/// A client that knows nothing of depthd.
pub struct Client {
    pub ws: WebSocket<TcpStream>,
}

pub fn dial(addr: SocketAddr, url: &str, key: Option<&str>) -> Result<Client, String> {
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
    pub fn say(&mut self, text: &str) {
        self.ws.send(Message::text(text)).expect("sent");
    }

    /// The next text; `None` when the time is over.
    pub fn text_within(&mut self, within: Duration) -> Result<Option<String>, Error> {
        let until = Instant::now() + within;
        while Instant::now() < until {
            match self.ws.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Ok(_) => {}
                Err(Error::Io(e))
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    pub fn json(&mut self) -> Value {
        let text = self.text_within(PATIENCE).expect("open").expect("a message in time");
        parse(&text)
    }

    /// Messages until one satisfies the test.
    pub fn until(&mut self, test: impl Fn(&Value) -> bool) -> Value {
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
    pub fn end(&mut self) -> Error {
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
pub fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The price/size pairs of one side of a message, from its text, by hand.
pub fn pairs(text: &str, name: &str) -> Vec<(Decimal, Decimal)> {
    try_pairs(text, name).unwrap_or_else(|| panic!("{name} of {text}"))
}

/// The same of a message that may be spoiled.
pub fn try_pairs(text: &str, name: &str) -> Option<Vec<(Decimal, Decimal)>> {
    #[derive(serde::Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        price: &'a RawValue,
        #[serde(borrow)]
        size: &'a RawValue,
    }
    let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
    let Some(raw) = all.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null") else {
        return Some(Vec::new());
    };
    let decimal = |text: &str| Decimal::parse(text.trim_matches('"').as_bytes()).ok();
    // Serde reads a list of two into the struct as well as an object.
    let entries: Vec<Entry<'_>> = serde_json::from_str(raw).ok()?;
    entries.iter().map(|e| decimal(e.price.get()).zip(decimal(e.size.get()))).collect()
}

/// The slow, obvious book.
#[derive(Default, Clone)]
pub struct Naive {
    pub bids: BTreeMap<Decimal, Decimal>,
    pub asks: BTreeMap<Decimal, Decimal>,
}

impl Naive {
    pub fn apply(&mut self, text: &str, bids: &str, asks: &str) {
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

    pub fn levels(&self) -> (Vec<Level>, Vec<Level>) {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        (self.bids.iter().rev().map(level).collect(), self.asks.iter().map(level).collect())
    }

    pub fn judge(&self, sim: &Sim, symbol: &str, sequence: u64, time: Option<Wall>) {
        let truth = sim
            .truth(symbol, Some(sequence), time)
            .unwrap_or_else(|| panic!("{symbol} {sequence} is unknown"));
        let (bids, asks) = self.levels();
        let shown = Shown { bids: &bids, asks: &asks, depth: usize::MAX, low: None, high: None };
        if let Err(difference) = truth.judge(&shown) {
            panic!("{symbol} at {sequence}: {difference}");
        }
    }
}

/// One GET; status, head and body.
pub fn get(addr: SocketAddr, target: &str, headers: &str) -> (u16, String, Vec<u8>) {
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

pub fn quick(face: Face) -> SimConfig {
    SimConfig { seed: 42, rate: 2_000, ..SimConfig::new(face) }
}

pub fn hello(symbols: &[String], types: &str) -> String {
    let filter: Vec<String> = symbols.iter().map(|s| format!("\"{s}$\"")).collect();
    format!(
        "{{\"type\":\"hello\",\"heartbeat\":true,\"subscribe_data_type\":[{types}],\
         \"subscribe_filter_symbol_id\":[{}]}}",
        filter.join(",")
    )
}

pub fn subscribed(sim: &Sim, types: &str) -> Client {
    let mut client = dial(sim.addr(), &sim.url(), sim.key()).expect("upgraded");
    client.say(&hello(&sim.symbols(), types));
    client
}

pub fn stamp(json: &Value) -> Option<Wall> {
    json["time_exchange"].as_str().and_then(Wall::parse)
}
