//! CoinAPI's REST book: no sequence, 20 levels at most, stamped with the change it shows last.

use super::message::{Rung, time_coinapi, time_text};
use crate::engine::event::Side;
use crate::sim::market::ladder::Frozen;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::spec::Spec;
use crate::sim::net::http::Head;
use crate::sim::random::Random;

/// Most levels a side. Source: <https://old.docs.coinapi.io/market-data/rest-api/order-book> (stored copy).
pub const LEVELS_MAX: usize = 20;

/// What a call asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub symbol: String,
    pub levels: usize,
}

/// Reads `/v1/orderbooks/{symbol}/current?limit_levels=N`; `None` for any other path.
pub fn call(head: &Head) -> Option<Call> {
    let symbol = head.path.strip_prefix("/v1/orderbooks/")?.strip_suffix("/current")?;
    let asked = head.param("limit_levels").and_then(|n| n.parse().ok()).unwrap_or(LEVELS_MAX);
    Some(Call { symbol: symbol.to_owned(), levels: asked.min(LEVELS_MAX) })
}

/// How a body is made; what is not asked for is false.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Twist {
    /// Some levels come as two entries of one price.
    pub split: bool,
    pub crossed: bool,
}

pub fn body(
    spec: &Spec,
    symbol: &str,
    frozen: &Frozen,
    levels: usize,
    twist: Twist,
    random: &mut Random,
) -> String {
    let mut out = format!(
        "{{\"symbol_id\":\"{symbol}\",\"time_exchange\":\"{}\",\"time_coinapi\":\"{}\"",
        time_text(frozen.time),
        time_text(time_coinapi(frozen.time))
    );
    for (name, side) in [("asks", Side::Ask), ("bids", Side::Bid)] {
        let mut rungs: Vec<Rung> = frozen.levels(side).take(levels).collect();
        if twist.crossed && side == Side::Bid {
            let best_ask = frozen.levels(Side::Ask).next().map_or(1, |l| l.0);
            rungs.insert(0, (best_ask + spec.tick, spec.size_max));
        }
        out.push_str(&format!(",\"{name}\":["));
        let mut first = true;
        for (price, size) in rungs {
            let part =
                if twist.split && size > 1 && random.percent(40) { random.between(1, size - 1) } else { 0 };
            for size in [part, size - part].into_iter().filter(|&s| s != 0) {
                out.push_str(if first { "{\"price\":" } else { ",{\"price\":" });
                first = false;
                number::write(&mut out, price, spec.price_scale, Spelling::Short);
                out.push_str(",\"size\":");
                number::write(&mut out, size, spec.size_scale, Spelling::Short);
                out.push('}');
            }
        }
        out.push(']');
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decimal::Decimal;
    use crate::engine::time::Wall;
    use crate::sim::market::Market;
    use std::collections::BTreeMap;

    #[test]
    fn the_body_has_the_best_twenty_and_split_levels_sum_up() {
        let market = Market::new(1, 1, Wall::from_nanos(0));
        let ladder = &market.instruments[0].ladder;
        let frozen = ladder.at_id(ladder.id()).expect("now");
        let mut random = Random::new(2);
        for split in [false, true] {
            let text = body(ladder.spec(), "S", &frozen, 20, Twist { split, crossed: false }, &mut random);
            assert!(!text.contains("sequence"));
            let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let mut sums: BTreeMap<Decimal, Decimal> = BTreeMap::new();
            let entries = json["bids"].as_array().expect("bids");
            for entry in entries {
                let parse = |v: &serde_json::Value| Decimal::parse(v.to_string().as_bytes()).expect("number");
                let sum = sums.entry(parse(&entry["price"])).or_default();
                let size = parse(&entry["size"]);
                let scale = ladder.spec().size_scale;
                let total = sum.at_scale(scale).expect("fits") + size.at_scale(scale).expect("fits");
                *sum = Decimal::new(total, scale).expect("fits");
            }
            assert_eq!((sums.len(), entries.len() > 20), (20, split));
            for (price, size) in frozen.levels(Side::Bid).take(20) {
                let price = number::decimal(price, ladder.spec().price_scale).expect("fits");
                assert_eq!(sums[&price], number::decimal(size, ladder.spec().size_scale).expect("fits"));
            }
        }
    }
}
