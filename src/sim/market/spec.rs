//! What the simulated exchange lists: names, tick sizes and scales, chosen to be awkward.
//!
//! Among the first eight: a symbol that is a prefix of another (a forgotten `$` shows at once), a book deeper than a
//! depth-limited snapshot, prices near 1e-9 and at 1e-18 with sizes of 1e15, whole-number prices, a tick of five.

use crate::sim::random::Random;

/// One listed symbol. Prices and sizes are whole numbers of `10^-scale`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    pub base: String,
    pub quote: String,
    pub price_scale: u8,
    /// Every price is a multiple of it.
    pub tick: i64,
    /// Where the price starts, and what it comes back to.
    pub anchor: i64,
    pub size_scale: u8,
    pub size_max: i64,
    /// Levels a side at the start, and about what it keeps.
    pub levels: usize,
}

/// The table's row: base, quote, price scale, tick, anchor, size scale, largest size, levels.
type Row = (&'static str, &'static str, u8, i64, i64, u8, i64, usize);

const ROWS: [Row; 8] = [
    ("BTC", "USD", 2, 1, 6_512_345, 8, 500_000_000, 600),
    ("ETH", "USD", 2, 1, 341_278, 8, 20_000_000_000, 1_400),
    ("SHIB", "USDT", 15, 1, 1_234_567, 0, 2_000_000_000_000, 450),
    ("BTC", "USDT", 2, 10, 6_512_340, 5, 900_000, 800),
    ("XRP", "USD", 5, 5, 52_345, 1, 1_000_000, 300),
    ("BTC", "JPY", 0, 1, 9_812_345, 4, 70_000, 350),
    ("DUST", "ETH", 18, 1, 40_000_000, 0, 1_000_000_000_000_000, 400),
    ("SOL", "USDT", 3, 5, 151_235, 3, 900_000, 500),
];

/// The first `count` listings; past the table they are drawn.
pub fn specs(count: usize, random: &mut Random) -> Vec<Spec> {
    (0..count).map(|i| ROWS.get(i).map_or_else(|| drawn(i, random), listed)).collect()
}

fn listed(row: &Row) -> Spec {
    let &(base, quote, price_scale, tick, anchor, size_scale, size_max, levels) = row;
    let (base, quote) = (base.to_owned(), quote.to_owned());
    Spec { base, quote, price_scale, tick, anchor: anchor / tick * tick, size_scale, size_max, levels }
}

fn drawn(index: usize, random: &mut Random) -> Spec {
    let tick = [1, 1, 5, 10, 25][random.below(5) as usize];
    Spec {
        base: format!("COIN{index}"),
        quote: "USDT".to_owned(),
        price_scale: random.below(9) as u8,
        tick,
        // At least 50,000 ticks from zero: no walk gets there.
        anchor: random.between(50_000, 900_000) * tick,
        size_scale: random.below(9) as u8,
        size_max: random.between(1_000, 1_000_000_000),
        levels: random.between(300, 1_000) as usize,
    }
}
