//! Binance's stream payloads: numbers are strings, padded to eight decimals.

use super::Product;
use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::{Change, Deal};
use std::collections::BTreeSet;
use std::fmt::Write;

pub const SPELLING: Spelling = Spelling::Padded(8);

/// Every so many deals of a symbol one is forced: more than any market has, so that there is something to see.
const FORCED_EVERY: u64 = 4;

/// Changes of one symbol gathered for its next depth event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gathered {
    /// First and last update id; `None` while empty.
    pub span: Option<(u64, u64)>,
    touched: BTreeSet<(bool, i64)>,
    /// Changes still to come before it is sent.
    pub left: u64,
    /// The last version of the event before.
    previous: u64,
}

impl Gathered {
    /// What was gathered; gathering begins anew.
    pub fn take(&mut self) -> Gathered {
        let previous = self.span.map_or(self.previous, |(_, last)| last);
        std::mem::replace(self, Gathered { previous, ..Gathered::default() })
    }

    pub fn add(&mut self, change: &Change) {
        let first = self.span.map_or(change.id, |(first, _)| first);
        self.span = Some((first, change.id));
        self.touched.extend(change.touched.iter().map(|&(side, price)| (side == Side::Ask, price)));
        self.left = self.left.saturating_sub(1);
    }

    /// The event of everything gathered, with sizes as they are now; `None` when there is nothing.
    pub fn event(&self, ladder: &Ladder, time: Wall, product: Product) -> Option<String> {
        let (first, last) = self.span?;
        let (first, last) = (product.ids(first).0, product.ids(last).1);
        let mut out = String::with_capacity(512);
        let ms = time.nanos() / 1_000_000;
        let linked = match product {
            Product::Spot => String::new(),
            // The first event there ever was follows the first book.
            _ => format!(",\"pu\":{}", product.ids(self.previous.max(1)).1),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "{{\"e\":\"depthUpdate\",\"E\":{ms},{}\"s\":\"{}\",\"U\":{first},\"u\":{last}{linked}",
            matching(product, ms),
            product.face().spelled(ladder.spec())
        );
        for (name, side) in [("b", Side::Bid), ("a", Side::Ask)] {
            let of_side = self.touched.iter().filter(|&&(ask, _)| ask == (side == Side::Ask));
            let mut prices: Vec<i64> = of_side.map(|&(_, price)| price).collect();
            if side == Side::Bid {
                prices.reverse();
            }
            let _ = write!(out, ",\"{name}\":");
            levels(&mut out, ladder, prices.into_iter().map(|price| (price, ladder.size(side, price))));
        }
        out.push('}');
        Some(out)
    }
}

/// Appends `[["price","size"],…]`.
pub fn levels(out: &mut String, ladder: &Ladder, rungs: impl Iterator<Item = (i64, i64)>) {
    let spec = ladder.spec();
    out.push('[');
    for (i, (price, size)) in rungs.enumerate() {
        out.push_str(if i == 0 { "[\"" } else { ",[\"" });
        number::write(out, price, spec.price_scale, SPELLING);
        out.push_str("\",\"");
        number::write(out, size, spec.size_scale, SPELLING);
        out.push_str("\"]");
    }
    out.push(']');
}

pub fn book_ticker(ladder: &Ladder, product: Product) -> Option<String> {
    let ((bid, bid_size), (ask, ask_size)) = (ladder.best(Side::Bid)?, ladder.best(Side::Ask)?);
    let spec = ladder.spec();
    let ms = ladder.time().nanos() / 1_000_000;
    let head = match product {
        Product::Spot => String::new(),
        _ => format!("\"e\":\"bookTicker\",\"E\":{ms},{}", matching(product, ms)),
    };
    let mut out =
        format!("{{{head}\"u\":{},\"s\":\"{}\"", product.ids(ladder.id()).1, product.face().spelled(spec));
    let numbers = [
        ("b", bid, spec.price_scale),
        ("B", bid_size, spec.size_scale),
        ("a", ask, spec.price_scale),
        ("A", ask_size, spec.size_scale),
    ];
    for (name, units, scale) in numbers {
        let _ = write!(out, ",\"{name}\":\"");
        number::write(&mut out, units, scale, SPELLING);
        out.push('"');
    }
    out.push('}');
    Some(out)
}

/// When the matching engine did it, where the product says so.
fn matching(product: Product, ms: i64) -> String {
    if product == Product::Spot { String::new() } else { format!("\"T\":{ms},") }
}

pub fn trade(ladder: &Ladder, time: Wall, deal: &Deal, product: Product) -> String {
    let spec = ladder.spec();
    let ms = time.nanos() / 1_000_000;
    let mut out = format!(
        "{{\"e\":\"trade\",\"E\":{ms},\"s\":\"{}\",\"t\":{},\"p\":\"",
        product.face().spelled(spec),
        deal.id
    );
    number::write(&mut out, deal.price, spec.price_scale, SPELLING);
    out.push_str("\",\"q\":\"");
    number::write(&mut out, deal.size, spec.size_scale, SPELLING);
    // The buyer made the price when the seller took it.
    let _ = write!(out, "\",\"T\":{ms},\"m\":{},\"M\":true}}", deal.taker == TakerSide::Sell);
    out
}

/// The order of a forced deal, whose taker was closed down; `None` for an ordinary deal, as most are, and on spot.
/// Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Liquidation-Order-Streams>
pub fn force_order(ladder: &Ladder, time: Wall, deal: &Deal, product: Product) -> Option<String> {
    if product == Product::Spot || !deal.id.is_multiple_of(FORCED_EVERY) {
        return None;
    }
    let (spec, ms) = (ladder.spec(), time.nanos() / 1_000_000);
    let side = if deal.taker == TakerSide::Sell { "SELL" } else { "BUY" };
    let (mut price, mut size) = (String::new(), String::new());
    number::write(&mut price, deal.price, spec.price_scale, SPELLING);
    number::write(&mut size, deal.size, spec.size_scale, SPELLING);
    Some(format!(
        "{{\"e\":\"forceOrder\",\"E\":{ms},\"o\":{{\"s\":\"{}\",\"S\":\"{side}\",\"o\":\"LIMIT\",\"f\":\"IOC\",\
         \"q\":\"{size}\",\"p\":\"{price}\",\"ap\":\"{price}\",\"X\":\"FILLED\",\"l\":\"{size}\",\"z\":\"{size}\",\"T\":{ms}}}}}",
        product.face().spelled(spec)
    ))
}

/// The planned-shutdown notice.
pub fn shutdown(combined: bool, time: Wall) -> String {
    let event = format!("{{\"e\":\"serverShutdown\",\"E\":{}}}", time.nanos() / 1_000_000);
    if combined { wrapped("!serverShutdown", &event) } else { event }
}

/// As combined streams carry it.
pub fn wrapped(stream: &str, data: &str) -> String {
    format!("{{\"stream\":\"{stream}\",\"data\":{data}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::market::{Market, Move};

    #[test]
    fn an_event_covers_its_changes_and_names_sizes_as_they_are() {
        let mut market = Market::new(3, 9, Wall::from_nanos(0));
        let instrument = &mut market.instruments[2];
        let before = instrument.ladder.id();
        let mut gathered = Gathered::default();
        assert_eq!(gathered.event(&instrument.ladder, Wall::from_nanos(0), Product::Spot), None);
        for n in 0..5 {
            let change = instrument.step(Wall::from_nanos(n), Move::Ordinary);
            gathered.add(&change);
        }
        let text = gathered
            .event(&instrument.ladder, Wall::from_nanos(1_672_515_782_136_000_000), Product::Spot)
            .expect("gathered");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((json["U"].as_u64(), json["u"].as_u64()), (Some(before + 1), Some(before + 5)));
        assert_eq!(json["E"], 1_672_515_782_136u64);
        assert_eq!(json["s"], "SHIBUSDT");
        let price = json["b"][0][0].as_str().or(json["a"][0][0].as_str()).expect("a level");
        assert!(price.starts_with("0.00000000"), "{price}");
        for text in [
            book_ticker(&instrument.ladder, Product::Spot).expect("two sides"),
            trade(
                &instrument.ladder,
                Wall::from_nanos(0),
                &Deal { id: 1, price: 5, size: 9, taker: TakerSide::Buy },
                Product::Usdm,
            ),
            shutdown(true, Wall::from_nanos(0)),
            shutdown(false, Wall::from_nanos(0)),
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }
}
