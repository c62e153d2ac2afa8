//! What faces that send whole books in the stream have in common: one connection's share of a venue.
//!
//! A tongue knows what its client subscribed to and writes what the venue would. It is told every change of the market and has
//! no clock, no sockets and no limits: the exchange has those. It shares no code with the decoders it is to test.

use super::bitfinex::Bitfinex;
use super::bybit::{self, Bybit};
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

    /// Whether clients are sent sums of this symbol's book.
    fn sums(&self, _symbol: usize) -> bool {
        false
    }

    /// Spoils the sum of a book message, or where sums are messages of their own the next one of the book.
    fn wrong_sum(&mut self, _symbol: usize, text: String) -> String {
        text
    }

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
        (Face::Bybit | Face::BybitFull | Face::BybitLinear | Face::BybitInverse, _) => {
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
        Face::BybitFull => bybit::rest::call(head),
        _ => None,
    }
}

/// The answer to it: the book of one version; `crossed` puts a bid above the best ask.
pub fn rest_body(face: Face, ladder: &Ladder, frozen: &Frozen, levels: usize, crossed: bool) -> String {
    match face {
        Face::Okx => okx::rest_body(ladder, frozen, levels, crossed),
        Face::BybitFull => bybit::rest::body(ladder, frozen, &face.spelled(ladder.spec()), levels, crossed),
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

    /// Moves on to the book as it is now: how bids and asks changed. Costs as much as was touched, not as much as there is.
    pub fn step(&mut self, ladder: &Ladder, touched: &[(Side, i64)], depth: usize) -> (Slid, Slid) {
        let bids = slid(&mut self.bids, Side::Bid, ladder, touched, depth);
        (bids, slid(&mut self.asks, Side::Ask, ladder, touched, depth))
    }
}

fn slid(
    told: &mut BTreeMap<i64, i64>,
    side: Side,
    ladder: &Ladder,
    touched: &[(Side, i64)],
    depth: usize,
) -> Slid {
    let worst = |told: &BTreeMap<i64, i64>| match side {
        Side::Bid => told.first_key_value().map(|(&price, _)| price),
        Side::Ask => told.last_key_value().map(|(&price, _)| price),
    };
    // Whatever is better than this was told; without it all there is was.
    let edge = worst(told).filter(|_| told.len() >= depth);
    let inside =
        |price: i64| edge.is_none_or(|edge| if side == Side::Bid { price > edge } else { price < edge });
    // What is set, and what it was before; and what is gone.
    let (mut set, mut gone, mut out) = (BTreeMap::new(), Vec::new(), Vec::new());
    for &(_, price) in touched.iter().filter(|(of, _)| *of == side) {
        match (ladder.size(side, price), told.get(&price).copied()) {
            (0, Some(_)) => {
                told.remove(&price);
                gone.push((price, 0));
            }
            (size, before) if size != 0 && before != Some(size) && (before.is_some() || inside(price)) => {
                told.insert(price, size);
                set.insert(price, (size, before));
            }
            _ => {}
        }
    }
    while told.len() > depth {
        let Some(price) = worst(told) else { break };
        told.remove(&price);
        // One that came and went was never there.
        if set.remove(&price).is_none_or(|(_, before)| before.is_some()) {
            out.push(price);
        }
    }
    if let Some(edge) = edge {
        for (price, size) in ladder.beyond(side, edge).take(depth.saturating_sub(told.len())) {
            told.insert(price, size);
            set.insert(price, (size, None));
        }
    }
    gone.sort_unstable();
    out.sort_unstable();
    let mut changed: Vec<(i64, i64)> = set.into_iter().map(|(price, (size, _))| (price, size)).collect();
    changed.extend(gone);
    Slid { changed, out }
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
        let mut slide = Slide::of(&instrument.ladder, 5_000);
        let (mut told, mut slid_out) = (slide.clone(), 0);
        for n in 0..3_000 {
            let how = if n % 97 == 0 { Move::Jump } else { Move::Ordinary };
            let change = instrument.step(Wall::from_nanos(n), how);
            // All there is at first, later a part of it.
            let depth = if n < 500 { 5_000 } else { 10 };
            if n == 500 {
                slide = Slide::of(&instrument.ladder, depth);
                told = slide.clone();
            }
            let (bids, asks) = slide.step(&instrument.ladder, &change.touched, depth);
            for (side, slid) in [(&mut told.bids, bids), (&mut told.asks, asks)] {
                for &(price, size) in &slid.changed {
                    side.insert(price, size);
                }
                slid_out += slid.out.len();
                side.retain(|price, size| *size > 0 && !slid.out.contains(price));
            }
            assert_eq!((&told.bids, &told.asks), (&slide.bids, &slide.asks));
            let whole = Slide::of(&instrument.ladder, depth);
            assert_eq!((&slide.bids, &slide.asks), (&whole.bids, &whole.asks), "at {n}");
        }
        assert!(slid_out > 10);
    }
}
