//! What Bitfinex says, as text: levels, trades, sums. Numbers are bare and spelled as JavaScript does.
//!
//! Source: <https://docs.bitfinex.com/reference/ws-public-books>, <https://docs.bitfinex.com/reference/ws-public-trades>

use crate::engine::event::Side;
use crate::sim::market::ladder::Ladder;
use crate::sim::tongue::Slid;

/// Nanoseconds in a millisecond.
pub const MILLI: i64 = 1_000_000;

/// Levels a side that are summed up.
const SUMMED: usize = 25;

/// What a frame says, without the number of its stream and what follows.
pub type Text = String;

/// The best levels of a book, bids first.
pub fn whole(ladder: &Ladder, levels: usize) -> Text {
    let side =
        |side| ladder.levels(side).take(levels).map(move |(price, size)| level(ladder, side, price, size));
    let all: Vec<Text> = side(Side::Bid).chain(side(Side::Ask)).collect();
    format!("[{}]", all.join(","))
}

/// A text for each level that changed. The side that loses more goes first: the other one may be moving over its prices.
pub fn changes(ladder: &Ladder, bids: &Slid, asks: &Slid) -> Vec<Text> {
    let gone = |slid: &Slid| slid.out.len() + slid.changed.iter().filter(|(_, size)| *size == 0).count();
    let (mut first, second) = (turns(ladder, Side::Bid, bids), turns(ladder, Side::Ask, asks));
    if gone(asks) <= gone(bids) {
        first.extend(second);
        return first;
    }
    second.into_iter().chain(first).collect()
}

/// By turns a level that goes, or slid out of sight, and one that is set: a side has never more levels than were asked for,
/// and never none while there are any.
fn turns(ladder: &Ladder, side: Side, slid: &Slid) -> Vec<Text> {
    let gone = slid.changed.iter().filter(|(_, size)| *size == 0).map(|(price, _)| price);
    let mut gone = gone.chain(&slid.out).map(|&price| level(ladder, side, price, 0));
    let set = slid.changed.iter().filter(|(_, size)| *size != 0);
    let mut set = set.map(|&(price, size)| level(ladder, side, price, size));
    let mut texts = Vec::with_capacity(slid.changed.len() + slid.out.len());
    loop {
        let before = texts.len();
        texts.extend(gone.next().into_iter().chain(set.next()));
        if texts.len() == before {
            return texts;
        }
    }
}

/// `[price,count,amount]`: amounts of asks are below zero; no orders, and the amount says the side alone.
fn level(ladder: &Ladder, side: Side, price: i64, size: i64) -> Text {
    let spec = ladder.spec();
    let sign = if side == Side::Bid { "" } else { "-" };
    let price = javascript(price, spec.price_scale);
    match size {
        0 => format!("[{price},0,{sign}1]"),
        // How many orders there are is nobody's business here.
        _ => format!("[{price},{},{sign}{}]", 1 + size % 9, javascript(size, spec.size_scale)),
    }
}

/// `[id,milliseconds,amount,price]`: the amount is below zero when the taker sold.
pub fn deal(ladder: &Ladder, id: u64, (price, size): (i64, i64), sold: bool) -> Text {
    let spec = ladder.spec();
    format!(
        "[{id},{},{}{},{}]",
        ladder.time().nanos().div_euclid(MILLI),
        if sold { "-" } else { "" },
        javascript(size, spec.size_scale),
        javascript(price, spec.price_scale),
    )
}

/// Trades of before, which every subscription begins with.
pub fn past(ladder: &Ladder) -> Text {
    let sides = [ladder.best(Side::Bid), ladder.best(Side::Ask)].into_iter().flatten();
    let deals: Vec<Text> =
        sides.enumerate().map(|(i, best)| deal(ladder, 1 + i as u64, best, i == 0)).collect();
    format!("[{}]", deals.join(","))
}

/// The best levels of both sides by turns, `price:amount` as they are sent; signed.
/// Source: <https://docs.bitfinex.com/docs/ws-websocket-checksum>
pub fn sum(ladder: &Ladder) -> i32 {
    let spec = ladder.spec();
    let text = |sign: &str, (price, size)| {
        format!("{}:{sign}{}", javascript(price, spec.price_scale), javascript(size, spec.size_scale))
    };
    let (mut bids, mut asks) = (ladder.levels(Side::Bid), ladder.levels(Side::Ask));
    let mut all = Vec::new();
    for _ in 0..SUMMED {
        all.extend(bids.next().map(|level| text("", level)));
        all.extend(asks.next().map(|level| text("-", level)));
    }
    crc32fast::hash(all.join(":").as_bytes()).cast_signed()
}

/// A number above zero as JavaScript writes it, with an exponent below a millionth.
/// Source: <https://tc39.es/ecma262/#sec-numeric-types-number-tostring>
pub fn javascript(units: i64, scale: u8) -> String {
    let (mut units, mut scale) = (units, usize::from(scale));
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    let digits = units.to_string();
    if scale == 0 {
        return digits;
    }
    match digits.len().checked_sub(scale) {
        Some(0) | None if scale - digits.len() >= 6 => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            format!("{first}{point}{rest}e-{}", scale - rest.len())
        }
        Some(0) | None => format!("0.{digits:0>scale$}"),
        Some(whole) => format!("{}.{}", &digits[..whole], &digits[whole..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_javascript_does() {
        for (units, scale, want) in [
            (5, 0, "5"),
            (1_000_000_000_000_000, 0, "1000000000000000"),
            (45_610, 2, "456.1"),
            (45_600, 2, "456"),
            (7, 7, "7e-7"),
            (110, 8, "0.0000011"),
            (49, 8, "4.9e-7"),
            (1, 6, "0.000001"),
            (12, 7, "0.0000012"),
            (5, 1, "0.5"),
            (40_000_001, 18, "4.0000001e-11"),
        ] {
            assert_eq!(javascript(units, scale), want);
        }
    }
}
