//! What faces that send whole books in the stream have in common: one connection's share of a venue.
//!
//! A tongue knows what its client subscribed to and writes what the venue would. It is told every change of the market and has
//! no clock, no sockets and no limits: the exchange has those. It shares no code with the decoders it is to test.

use super::bitfinex::Bitfinex;
use super::bybit::Bybit;
use super::coinbase::advanced::Advanced;
use super::coinbase::exchange::Exchange;
use super::deribit::Deribit;
use super::face::Face;
use super::hyperliquid::Hyperliquid;
use super::kraken::Kraken;
use super::market::ladder::{Frozen, Ladder};
use super::market::{Change, Market};
use super::net::http::Head;
use super::okx::{self, Okx};
use crate::engine::event::Side;
use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What a tongue is told with everything.
#[derive(Clone, Copy)]
pub struct Scene<'m> {
    pub market: &'m Market,
    /// Of every listed symbol, as this venue spells it.
    pub symbols: &'m [String],
    pub now: Wall,
}

impl<'m> Scene<'m> {
    pub fn ladder(&self, symbol: usize) -> &'m Ladder {
        &self.market.instruments[symbol].ladder
    }

    /// The symbol of this spelling.
    pub fn symbol(&self, name: &str) -> Option<usize> {
        self.symbols.iter().position(|symbol| symbol == name)
    }
}

/// One connection.
pub trait Tongue: Debug + Send {
    /// What is sent before the client has said anything.
    fn greeting(&mut self, _scene: Scene<'_>, _out: &mut Vec<String>) {}

    /// Acts on a client's message: answers, whole books and whatever else follows from it go to `out`, in order.
    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>);

    /// Whether the client takes books of this symbol.
    fn takes_books(&self, symbol: usize) -> bool;

    /// What comes before the book message of a change, where the venue tells a change in several: all but the last.
    fn ahead(&mut self, _symbol: usize, _change: &Change, _scene: Scene<'_>, _out: &mut Vec<String>) {}

    /// The book message for a change; it has used up its number whether or not it is ever sent.
    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String>;

    /// Everything else a change causes, after its book: best bid and offer, trades.
    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>);

    /// What is sent once a second whatever the market does: heartbeats.
    fn beat(&mut self, _scene: Scene<'_>, _out: &mut Vec<String>) {}

    /// Whether a client can find out when this happens to a book message. What it cannot find out does not happen: TCP
    /// loses and repeats nothing.
    fn shows(&self, fault: StreamFault) -> bool;

    /// A message of a kind nobody knows, or a book of a symbol nobody asked for.
    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String;

    /// The notice before a planned end; `None` where the venue gives none.
    fn notice(&mut self, _scene: Scene<'_>) -> Option<String> {
        None
    }
}

/// A connection to this address; `None` for one the venue does not have. Faces with a tongue only.
pub fn open(face: Face, path: &str, symbols: usize) -> Option<Box<dyn Tongue>> {
    match (face, path) {
        (Face::Bybit | Face::BybitLinear | Face::BybitInverse, _) => {
            Bybit::open(face, path, symbols).map(|bybit| Box::new(bybit) as Box<dyn Tongue>)
        }
        (Face::Okx, "/ws/v5/public") => Some(Box::new(Okx::new(symbols))),
        (Face::Coinbase, "/") => Some(Box::new(Advanced::new(symbols))),
        (Face::CoinbaseExchange, "/") => Some(Box::new(Exchange::new(symbols))),
        (Face::Deribit, "/ws/api/v2") => Some(Box::new(Deribit::new(symbols))),
        (Face::Hyperliquid, "/ws") => Some(Box::new(Hyperliquid::new(symbols))),
        (Face::Bitfinex, "/ws/2") => Some(Box::new(Bitfinex::new())),
        (Face::Kraken, "/v2") => Some(Box::new(Kraken::new(symbols))),
        _ => None,
    }
}

/// The symbol and the levels a side that a REST call asks for; `None` for one this venue does not have.
pub fn rest_call(face: Face, head: &Head) -> Option<(String, usize)> {
    match face {
        Face::Okx => okx::rest_call(head),
        _ => None,
    }
}

/// The answer to it: the book of one version; `crossed` puts a bid above the best ask.
pub fn rest_body(face: Face, ladder: &Ladder, frozen: &Frozen, levels: usize, crossed: bool) -> String {
    match face {
        Face::Okx => okx::rest_body(ladder, frozen, levels, crossed),
        // They have no calls.
        _ => String::new(),
    }
}

/// Which symbols a client takes of one kind of stream.
#[derive(Clone, Default, Debug)]
pub struct Wanted(Vec<bool>);

impl Wanted {
    pub fn none(symbols: usize) -> Wanted {
        Wanted(vec![false; symbols])
    }

    /// Says whether it was so before.
    pub fn set(&mut self, symbol: usize, wanted: bool) -> bool {
        self.0.get_mut(symbol).is_some_and(|now| std::mem::replace(now, wanted))
    }

    pub fn has(&self, symbol: usize) -> bool {
        self.0.get(symbol).copied().unwrap_or(false)
    }
}

/// Milliseconds since 1970, as most faces tell times.
pub fn millis(time: Wall) -> i64 {
    time.nanos() / 1_000_000
}

/// RFC 3339, to the microsecond.
pub fn micros(time: Wall) -> String {
    let mut text = time.to_string();
    text.truncate(text.len() - "000Z".len());
    text.push('Z');
    text
}

/// The best levels of one symbol as its client has been told them: prices to sizes.
#[derive(Clone, Default, Debug)]
pub struct Slide {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
}

/// How the best levels of a side changed: `(price, size)`, the size 0 of those that are gone from the market, and prices of
/// those that only slid out of sight.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Slid {
    pub changed: Vec<(i64, i64)>,
    pub out: Vec<i64>,
}

impl Slid {
    /// Best first; what slid out is deleted, and sent again should it come back.
    pub fn best_first(mut self, side: Side) -> impl Iterator<Item = (i64, i64)> {
        self.changed.extend(self.out.into_iter().map(|price| (price, 0)));
        self.changed.sort_unstable_by_key(|&(price, _)| if side == Side::Bid { -price } else { price });
        self.changed.into_iter()
    }
}

impl Slide {
    /// The best `depth` levels of a book as it is now.
    pub fn of(ladder: &Ladder, depth: usize) -> Slide {
        let side = |side| ladder.levels(side).take(depth).collect();
        Slide { bids: side(Side::Bid), asks: side(Side::Ask) }
    }

    /// Moves on to the book as it is now: how bids and asks changed.
    pub fn step(&mut self, ladder: &Ladder, depth: usize) -> (Slid, Slid) {
        let next = Slide::of(ladder, depth);
        let bids = slid(&self.bids, &next.bids, |price| ladder.size(Side::Bid, price));
        let asks = slid(&self.asks, &next.asks, |price| ladder.size(Side::Ask, price));
        *self = next;
        (bids, asks)
    }
}

fn slid(before: &BTreeMap<i64, i64>, after: &BTreeMap<i64, i64>, size: impl Fn(i64) -> i64) -> Slid {
    let mut slid = Slid::default();
    let changed = after.iter().filter(|(price, size)| before.get(price) != Some(size));
    slid.changed.extend(changed.map(|(&price, &size)| (price, size)));
    for &price in before.keys().filter(|price| !after.contains_key(price)) {
        match size(price) {
            0 => slid.changed.push((price, 0)),
            _ => slid.out.push(price),
        }
    }
    slid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::market::Move;

    /// A client that follows what it is told has the best levels at every moment.
    #[test]
    fn what_slides_out_and_in_is_told() {
        let mut market = Market::new(3, 5, Wall::from_nanos(0));
        let instrument = &mut market.instruments[0];
        let mut slide = Slide::of(&instrument.ladder, 10);
        let (mut told, mut slid_out) = (slide.clone(), 0);
        for n in 0..3_000 {
            instrument.step(Wall::from_nanos(n), Move::Ordinary);
            let (bids, asks) = slide.step(&instrument.ladder, 10);
            for (side, slid) in [(&mut told.bids, bids), (&mut told.asks, asks)] {
                for &(price, size) in &slid.changed {
                    side.insert(price, size);
                }
                slid_out += slid.out.len();
                side.retain(|price, size| *size > 0 && !slid.out.contains(price));
            }
            assert_eq!((&told.bids, &told.asks), (&slide.bids, &slide.asks));
        }
        assert!(slid_out > 10);
    }
}
