//! The Bitfinex face: arrays by the number of their stream, all of a connection in one count, books a level a frame with a sum
//! now and then, trades twice each, signs of life.
//!
//! A version is named by its time, to the millisecond. A change of several levels is several frames; only the last of them
//! shows a version, and only it has an even time: see [`Bitfinex::ahead`].
//! Source: <https://docs.bitfinex.com/docs/ws-general>

mod message;

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::Change;
use crate::sim::market::ladder::Ladder;
use crate::sim::tongue::{Scene, Slide, Tongue};
use message::{MILLI, Text};
use serde_json::{Value, json};

/// Flags: the time, the count, the sums. Source: <https://docs.bitfinex.com/docs/ws-general> ("Configuration")
const TIMESTAMP: u64 = 32_768;
const SEQ_ALL: u64 = 65_536;
const OB_CHECKSUM: u64 = 131_072;

/// Streams on one connection. Source: <https://docs.bitfinex.com/docs/ws-public>
const STREAMS_MAX: usize = 25;

/// A book is summed up after every so many of its changes; the real cadence is not published.
const SUM_EVERY: u64 = 7;

/// The venue's number of an error, and its words.
type Refusal = (u32, &'static str);
/// A book's options by name, as they are answered.
type Options = [(&'static str, String); 3];

/// What a stream carries.
#[derive(Debug)]
enum Kind {
    Book { levels: usize, slide: Slide, changes: u64, wrong: bool },
    Trades,
}

#[derive(Debug)]
struct Stream {
    number: u64,
    symbol: usize,
    kind: Kind,
}

/// One connection.
#[derive(Debug)]
pub struct Bitfinex {
    streams: Vec<Stream>,
    flags: u64,
    /// The number of the next array, and of the next stream.
    next: u64,
    next_stream: u64,
    /// The last frame of a change whose others were sent.
    last: Option<(u64, Text)>,
}

impl Bitfinex {
    pub fn new() -> Bitfinex {
        Bitfinex { streams: Vec::new(), flags: 0, next: 1, next_stream: 204_928, last: None }
    }

    /// One array, with what the flags ask for behind it.
    fn frame(&mut self, stream: u64, said: &str, time: Wall) -> String {
        let mut text = format!("[{stream},{said}");
        if self.flags & SEQ_ALL != 0 {
            text.push_str(&format!(",{}", self.next));
            self.next += 1;
        }
        if self.flags & TIMESTAMP != 0 {
            text.push_str(&format!(",{}", time.nanos().div_euclid(MILLI)));
        }
        text.push(']');
        text
    }

    fn set_flags(&mut self, flags: &Value) -> Value {
        let Some(flags) = flags.as_u64() else {
            return json!({"event": "error", "msg": "conf: invalid", "code": 10_000});
        };
        // The count begins anew when it is asked for.
        if self.flags & SEQ_ALL == 0 {
            self.next = 1;
        }
        self.flags = flags;
        json!({"event": "conf", "status": "OK", "flags": flags})
    }

    fn enter(&mut self, asked: &Value, scene: Scene<'_>, out: &mut Vec<String>) {
        match self.entered(asked, scene) {
            Ok((answer, first)) => out.extend([answer.to_string(), first]),
            Err((code, why)) => {
                let mut error = asked.clone();
                error["event"] = "error".into();
                error["msg"] = why.into();
                error["code"] = code.into();
                out.push(error.to_string());
            }
        }
    }

    fn entered(&mut self, asked: &Value, scene: Scene<'_>) -> Result<(Value, String), Refusal> {
        let name = asked["symbol"].as_str().unwrap_or_default();
        let channel = asked["channel"].as_str().unwrap_or_default();
        if !matches!(channel, "book" | "trades") {
            return Err((10_302, "channel: unknown"));
        }
        let symbol = scene.symbol(name).ok_or((10_300, "symbol: invalid"))?;
        let ladder = scene.ladder(symbol);
        let mut answer =
            json!({"event": "subscribed", "channel": channel, "symbol": name, "pair": &name[1..]});
        let is_book = channel == "book";
        if self.streams.iter().any(|s| s.symbol == symbol && matches!(s.kind, Kind::Book { .. }) == is_book) {
            return Err((10_301, "subscribe: dup"));
        }
        if self.streams.len() >= STREAMS_MAX {
            return Err((10_305, "subscribe: limit"));
        }
        let (kind, first) = if is_book {
            let (levels, options) = book_options(asked)?;
            for (key, value) in options {
                answer[key] = value.into();
            }
            let whole = message::whole(ladder, levels);
            (Kind::Book { levels, slide: Slide::of(ladder, levels), changes: 0, wrong: false }, whole)
        } else {
            (Kind::Trades, message::past(ladder))
        };
        let number = self.next_stream;
        // As they come, numbers have holes.
        self.next_stream += 7;
        answer["chanId"] = number.into();
        if let Some(id) = asked.get("subId") {
            answer["subId"] = id.clone();
        }
        self.streams.push(Stream { number, symbol, kind });
        Ok((answer, self.frame(number, &first, ladder.time())))
    }

    fn leave(&mut self, asked: &Value) -> Value {
        let number = asked["chanId"].as_u64();
        match self.streams.iter().position(|stream| Some(stream.number) == number) {
            Some(at) => {
                self.streams.remove(at);
                json!({"event": "unsubscribed", "status": "OK", "chanId": number})
            }
            None => {
                json!({"event": "error", "msg": "unsubscribe: invalid", "code": 10_400, "chanId": asked["chanId"]})
            }
        }
    }

    /// The stream of a symbol's book, and what its frames for a change say.
    fn moved(&mut self, symbol: usize, touched: &[(Side, i64)], ladder: &Ladder) -> Option<(u64, Vec<Text>)> {
        let is_book =
            |stream: &&mut Stream| stream.symbol == symbol && matches!(stream.kind, Kind::Book { .. });
        let stream = self.streams.iter_mut().find(is_book)?;
        let Kind::Book { levels, slide, changes, .. } = &mut stream.kind else { return None };
        *changes += 1;
        let (bids, asks) = slide.step(ladder, touched, *levels);
        Some((stream.number, message::changes(ladder, &bids, &asks)))
    }
}

impl Tongue for Bitfinex {
    fn greeting(&mut self, _scene: Scene<'_>, out: &mut Vec<String>) {
        let server = "083bd8d4-aca7-4690-a573-eabfc8103de8";
        let info = json!({"event": "info", "version": 2, "serverId": server, "platform": {"status": 1}});
        out.push(info.to_string());
    }

    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let asked = serde_json::from_str::<Value>(text).unwrap_or_default();
        match asked["event"].as_str() {
            Some("conf") => out.push(self.set_flags(&asked["flags"]).to_string()),
            Some("subscribe") => self.enter(&asked, scene, out),
            Some("unsubscribe") => out.push(self.leave(&asked).to_string()),
            Some("ping") => {
                let ts = scene.now.nanos().div_euclid(MILLI);
                out.push(json!({"event": "pong", "ts": ts, "cid": asked["cid"]}).to_string());
            }
            _ => out.push(json!({"event": "error", "msg": "event: invalid", "code": 10_000}).to_string()),
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.streams.iter().any(|s| s.symbol == symbol && matches!(s.kind, Kind::Book { .. }))
    }

    /// All frames of a change but the last. What they show is no version: their time is odd, and those of versions are even
    /// (see [`crate::sim::face::Face::time_step_nanos`]).
    fn ahead(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        self.last = None;
        let Some((number, mut texts)) = self.moved(symbol, &change.touched, scene.ladder(symbol)) else {
            return;
        };
        self.last = texts.pop().map(|last| (number, last));
        let before = Wall::from_nanos(change.time.nanos() - MILLI);
        for text in texts {
            out.push(self.frame(number, &text, before));
        }
    }

    fn book(&mut self, _symbol: usize, change: &Change, _scene: Scene<'_>) -> Option<String> {
        let (number, text) = self.last.take()?;
        Some(self.frame(number, &text, change.time))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let ladder = scene.ladder(symbol);
        let mut said = Vec::new();
        for stream in self.streams.iter_mut().filter(|stream| stream.symbol == symbol) {
            match (&mut stream.kind, &change.trade) {
                (Kind::Book { changes, wrong, .. }, _) => {
                    if self.flags & OB_CHECKSUM != 0 && changes.is_multiple_of(SUM_EVERY) {
                        let sum = message::sum(ladder) ^ i32::from(std::mem::take(wrong));
                        said.push((stream.number, format!("\"cs\",{sum}")));
                    }
                }
                (Kind::Trades, Some(deal)) => {
                    let sold = deal.taker == TakerSide::Sell;
                    let deal = message::deal(ladder, deal.id, (deal.price, deal.size), sold);
                    // As it happens, and once more with all there is to say of it.
                    said.extend(["te", "tu"].map(|kind| (stream.number, format!("\"{kind}\",{deal}"))));
                }
                (Kind::Trades, None) => {}
            }
        }
        for (number, text) in said {
            out.push(self.frame(number, &text, change.time));
        }
    }

    fn beat(&mut self, scene: Scene<'_>, out: &mut Vec<String>) {
        let numbers: Vec<u64> = self.streams.iter().map(|stream| stream.number).collect();
        for number in numbers {
            out.push(self.frame(number, "\"hb\"", scene.now));
        }
    }

    /// Every array is numbered.
    fn shows(&self, _fault: StreamFault) -> bool {
        true
    }

    fn sums(&self, symbol: usize) -> bool {
        self.flags & OB_CHECKSUM != 0 && self.takes_books(symbol)
    }

    fn wrong_sum(&mut self, symbol: usize, text: String) -> String {
        for stream in self.streams.iter_mut().filter(|stream| stream.symbol == symbol) {
            if let Kind::Book { wrong, .. } = &mut stream.kind {
                *wrong = true;
            }
        }
        text
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        let said = if extra == Extra::UnknownSymbol { "[1.5,1,2]" } else { "\"zz\",{\"mystery\":[1]}" };
        self.frame(999_999, said, scene.now)
    }

    fn notice(&mut self, _scene: Scene<'_>) -> Option<String> {
        Some(json!({"event": "info", "code": 20_051, "msg": "Stopping. Please try to reconnect"}).to_string())
    }
}

/// Levels a side, and all options as they are answered.
/// Source: <https://docs.bitfinex.com/reference/ws-public-books>
fn book_options(asked: &Value) -> Result<(usize, Options), Refusal> {
    let option = |key, usual: &str| asked[key].as_str().unwrap_or(usual).to_owned();
    let (prec, freq, len) = (option("prec", "P0"), option("freq", "F0"), option("len", "25"));
    // Coarser books, slower ones and those of single orders are not for sale here.
    if prec != "P0" || freq != "F0" {
        return Err((10_011, "prec: invalid"));
    }
    let levels = match len.as_str() {
        "1" | "25" | "100" | "250" => len.parse().map_err(|_| (10_012, "len: invalid"))?,
        _ => return Err((10_012, "len: invalid")),
    };
    Ok((levels, [("prec", prec), ("freq", freq), ("len", len)]))
}

#[cfg(test)]
mod tests;
