//! The Coinbase faces: the numbered Advanced Trade feed and the flat Exchange feed of one matching engine.

pub mod advanced;
pub mod exchange;

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::spec::Spec;
use crate::sim::market::{Change, Deal};
use crate::sim::tongue::Scene;
use serde_json::Value;

/// A deal of one symbol and when it happened.
#[derive(Clone, Copy, Debug)]
struct Dealt {
    deal: Deal,
    time: Wall,
    /// The book's version that it went with.
    id: u64,
}

impl Dealt {
    fn of(change: &Change) -> Option<Dealt> {
        change.trade.map(|deal| Dealt { deal, time: change.time, id: change.id })
    }

    /// The side of a trade is its maker's.
    fn maker<'w>(&self, buy: &'w str, sell: &'w str) -> &'w str {
        if self.deal.taker == TakerSide::Sell { buy } else { sell }
    }

    fn price(&self, spec: &Spec) -> String {
        price(self.deal.price, spec)
    }

    fn size(&self, spec: &Spec) -> String {
        size(self.deal.size, spec)
    }
}

fn price(units: i64, spec: &Spec) -> String {
    number::text(units, spec.price_scale, Spelling::Padded(2))
}

fn size(units: i64, spec: &Spec) -> String {
    number::text(units, spec.size_scale, Spelling::Short)
}

/// Price and size of the best bid, then of the best ask; empty texts for an empty side.
fn best(ladder: &Ladder) -> [String; 4] {
    let side = |side| match ladder.best(side) {
        Some((at, there)) => (price(at, ladder.spec()), size(there, ladder.spec())),
        None => Default::default(),
    };
    let (bid, ask) = (side(Side::Bid), side(Side::Ask));
    [bid.0, bid.1, ask.0, ask.1]
}

/// The places of these products, or the first name that is none.
fn products(names: &Value, scene: Scene<'_>) -> Result<Vec<usize>, String> {
    let names = names.as_array().map(Vec::as_slice).unwrap_or_default();
    let place = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        scene.symbol(name).ok_or_else(|| name.to_owned())
    };
    names.iter().map(place).collect()
}
