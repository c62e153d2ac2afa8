//! CoinAPI's messages, spelled in every way a client must accept.

use crate::engine::event::{Channel, Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::face::Face;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::spec::Spec;
use crate::sim::market::{Change, Deal};
use crate::sim::random::Random;
use std::fmt::Write;

/// How one connection spells things: drawn once, for no document settles it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// An unchanged side of a delta: `[]`, `null`, or left out.
    pub empty_side: EmptySide,
    pub heartbeat: &'static str,
    /// `type` comes first, or last.
    pub type_last: bool,
    /// A space after every colon and comma.
    pub spaced: bool,
    pub numbers: Spelling,
    /// A field no document names.
    pub extra_field: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmptySide {
    List,
    Null,
    Absent,
}

impl Style {
    pub fn draw(random: &mut Random) -> Style {
        Style {
            empty_side: *random
                .pick(&[EmptySide::List, EmptySide::Null, EmptySide::Absent])
                .unwrap_or(&EmptySide::List),
            heartbeat: if random.percent(50) { "hearbeat" } else { "heartbeat" },
            type_last: random.percent(25),
            spaced: random.percent(25),
            numbers: match random.below(8) {
                0..5 => Spelling::Short,
                5..7 => Spelling::Padded(9),
                _ => Spelling::Exponent,
            },
            extra_field: random.percent(25),
        }
    }
}

/// A level in the spec's units; size 0 removes it.
pub type Rung = (i64, i64);

/// What a book message says, apart from its levels.
#[derive(Clone, Copy, Debug)]
pub struct BookHead<'a> {
    pub channel: Channel,
    pub symbol: &'a str,
    pub sequence: Option<u64>,
    pub time: Wall,
    /// `None` leaves the field out, as `book5` and its kin do.
    pub is_snapshot: Option<bool>,
}

/// CoinAPI receives what the exchange says a little later, always by as much: the order of stamps is the order of versions.
const DELAY_NANOS: i64 = 1_234_500;

pub fn time_coinapi(time: Wall) -> Wall {
    Wall::from_nanos(time.nanos() + DELAY_NANOS)
}

/// Seven fractional digits, as every sample has.
pub fn time_text(time: Wall) -> String {
    let mut text = time.to_string();
    text.truncate(27);
    text.push('Z');
    text
}

/// The levels a change names, best first, with their sizes now.
pub fn changed(ladder: &Ladder, change: &Change, side: Side) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = change
        .touched
        .iter()
        .filter(|(s, _)| *s == side)
        .map(|&(_, price)| (price, ladder.size(side, price)))
        .collect();
    if side == Side::Bid {
        rungs.reverse();
    }
    rungs
}

/// The best levels of a book, all of them for `usize::MAX`.
pub fn best(ladder: &Ladder, side: Side, count: usize) -> Vec<Rung> {
    ladder.levels(side).take(count).collect()
}

pub fn book(style: &Style, spec: &Spec, head: &BookHead<'_>, asks: &[Rung], bids: &[Rung]) -> String {
    let mut json = Object::new(style);
    json.kind(head.channel.name());
    json.text("symbol_id", head.symbol);
    if let Some(sequence) = head.sequence {
        json.raw("sequence", format_args!("{sequence}"));
    }
    json.times(head.time);
    if let Some(is_snapshot) = head.is_snapshot {
        json.raw("is_snapshot", format_args!("{is_snapshot}"));
    }
    let whole = head.is_snapshot != Some(false);
    json.levels("asks", spec, asks, whole);
    json.levels("bids", spec, bids, whole);
    json.finish(head.channel.name())
}

pub fn trade(style: &Style, spec: &Spec, sequence: u64, time: Wall, deal: &Deal, uuid: &str) -> String {
    let mut json = Object::new(style);
    json.kind("trade");
    json.text("symbol_id", &Face::CoinApi.spelled(spec));
    json.raw("sequence", format_args!("{sequence}"));
    json.times(time);
    json.text("uuid", uuid);
    json.number("price", deal.price, spec.price_scale);
    json.number("size", deal.size, spec.size_scale);
    json.text(
        "taker_side",
        match deal.taker {
            TakerSide::Buy => "BUY",
            TakerSide::Sell => "SELL",
            TakerSide::Unknown => "UNKNOWN",
        },
    );
    json.finish("trade")
}

pub fn quote(style: &Style, ladder: &Ladder, sequence: u64, time: Wall) -> String {
    let spec = ladder.spec();
    let mut json = Object::new(style);
    json.kind("quote");
    json.text("symbol_id", &Face::CoinApi.spelled(spec));
    json.raw("sequence", format_args!("{sequence}"));
    json.times(time);
    for (side, price, size) in [(Side::Ask, "ask_price", "ask_size"), (Side::Bid, "bid_price", "bid_size")] {
        if let Some((p, s)) = ladder.best(side) {
            json.number(price, p, spec.price_scale);
            json.number(size, s, spec.size_scale);
        }
    }
    json.finish("quote")
}

pub fn heartbeat(style: &Style) -> String {
    format!("{{\"type\":\"{}\"}}", style.heartbeat)
}

pub fn error(message: &str) -> String {
    format!("{{\"type\":\"error\",\"message\":\"{message}\"}}")
}

pub fn reconnect(within_seconds: u64, before: Wall) -> String {
    format!(
        "{{\"type\":\"reconnect\",\"within_seconds\":{within_seconds},\"before_time\":\"{}\"}}",
        time_text(before)
    )
}

/// A UUIDv4 in upper case, as the socket's samples have it.
pub fn uuid(random: &mut Random) -> String {
    let (a, b) = (random.next(), random.next());
    format!(
        "{:08X}-{:04X}-4{:03X}-{:04X}-{:012X}",
        a >> 32,
        a >> 16 & 0xFFFF,
        a & 0xFFF,
        0x8000 | (b >> 48 & 0x3FFF),
        b & 0xFFFF_FFFF_FFFF
    )
}

/// Builds one JSON object in a connection's style.
struct Object<'s> {
    style: &'s Style,
    out: String,
}

impl<'s> Object<'s> {
    fn new(style: &'s Style) -> Object<'s> {
        Object { style, out: String::with_capacity(512) }
    }

    fn key(&mut self, name: &str) {
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        if self.style.spaced {
            self.out.push(' ');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str(if self.style.spaced { "\" : " } else { "\":" });
    }

    fn kind(&mut self, kind: &str) {
        if !self.style.type_last {
            self.text("type", kind);
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, format_args!("\"{value}\""));
    }

    fn raw(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        self.key(name);
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(value);
    }

    fn number(&mut self, name: &str, units: i64, scale: u8) {
        self.key(name);
        number::write(&mut self.out, units, scale, self.style.numbers);
    }

    fn times(&mut self, time: Wall) {
        self.text("time_exchange", &time_text(time));
        self.text("time_coinapi", &time_text(time_coinapi(time)));
    }

    fn levels(&mut self, name: &str, spec: &Spec, rungs: &[Rung], whole: bool) {
        if rungs.is_empty() && !whole {
            match self.style.empty_side {
                EmptySide::List => {}
                EmptySide::Null => return self.raw(name, format_args!("null")),
                EmptySide::Absent => return,
            }
        }
        self.key(name);
        self.out.push('[');
        for (i, &(price, size)) in rungs.iter().enumerate() {
            self.out.push_str(if i == 0 { "{\"price\":" } else { ",{\"price\":" });
            number::write(&mut self.out, price, spec.price_scale, self.style.numbers);
            self.out.push_str(",\"size\":");
            number::write(&mut self.out, size, spec.size_scale, self.style.numbers);
            self.out.push('}');
        }
        self.out.push(']');
    }

    fn finish(mut self, kind: &str) -> String {
        if self.style.extra_field {
            self.raw("x_new", format_args!("{{\"symbol_id\":[1,\"}}\"]}}"));
        }
        if self.style.type_last {
            self.text("type", kind);
        }
        self.out.push('}');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::market::{Market, Move};

    #[test]
    fn every_style_is_json_with_the_same_content() {
        let mut random = Random::new(4);
        let mut market = Market::new(8, 4, Wall::from_nanos(1_700_000_000_000_000_000));
        for n in 0..400 {
            let style = Style::draw(&mut random);
            let instrument = &mut market.instruments[n % 8];
            let change = instrument.step(Wall::from_nanos(1_700_000_000_000_000_000), Move::Ordinary);
            let symbol = Face::CoinApi.spelled(instrument.spec());
            let head = BookHead {
                channel: Channel::Book,
                symbol: &symbol,
                sequence: Some(7),
                time: change.time,
                is_snapshot: Some(false),
            };
            let (asks, bids) = (
                changed(&instrument.ladder, &change, Side::Ask),
                changed(&instrument.ladder, &change, Side::Bid),
            );
            let text = book(&style, instrument.spec(), &head, &asks, &bids);
            let json: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!(json["type"], "book");
            assert_eq!(json["sequence"], 7);
            let stamp = json["time_exchange"].as_str().expect("text");
            assert_eq!((stamp.len(), Wall::parse(stamp)), (28, Some(change.time)));
            assert!(Wall::parse(json["time_coinapi"].as_str().expect("text")) > Some(change.time));
            let count = |name: &str| json[name].as_array().map_or(0, Vec::len);
            assert_eq!((count("asks"), count("bids")), (asks.len(), bids.len()));
            for text in [
                quote(&style, &instrument.ladder, 3, change.time),
                trade(
                    &style,
                    instrument.spec(),
                    3,
                    change.time,
                    &Deal { id: 1, price: 5, size: 9, taker: TakerSide::Buy },
                    &uuid(&mut random),
                ),
                heartbeat(&style),
                error("no"),
                reconnect(10, change.time),
            ] {
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            }
        }
    }
}
