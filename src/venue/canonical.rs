//! Names of markets that mean the same on every venue: `BTC-USDT` is the spot market, `BTC-USDT-PERP` the perpetual.
//!
//! Each venue says how it spells them ([`crate::venue::Venue::native`]). Its own spelling is always accepted too, and is what
//! depthd shows.

use std::fmt;

/// What is traded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    Spot,
    /// A future without an end.
    Perpetual,
}

/// A market by its name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Canonical {
    pub base: String,
    pub quote: String,
    pub kind: Kind,
}

/// Longest part of a name, bytes: meme tokens carry a factor of a million before a long name.
const PART_BYTES_MAX: usize = 24;

impl Canonical {
    pub fn new(base: &str, quote: &str, kind: Kind) -> Canonical {
        Canonical { base: base.to_owned(), quote: quote.to_owned(), kind }
    }

    /// Reads `BASE-QUOTE` or `BASE-QUOTE-PERP`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Canonical> {
        let (pair, kind) = match text.strip_suffix("-PERP") {
            Some(pair) => (pair, Kind::Perpetual),
            None => (text, Kind::Spot),
        };
        let (base, quote) = pair.split_once('-')?;
        let good = |part: &str| {
            (1..=PART_BYTES_MAX).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        (good(base) && good(quote)).then(|| Canonical::new(base, quote, kind))
    }

    /// The two assets put together, where this is of the kind asked for.
    pub fn of_kind(&self, kind: Kind) -> Option<(&str, &str)> {
        (self.kind == kind).then_some((&self.base, &self.quote))
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.kind == Kind::Perpetual { "-PERP" } else { "" };
        write!(f, "{}-{}{end}", self.base, self.quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        assert_eq!(Canonical::parse("BTC-USDT"), Some(Canonical::new("BTC", "USDT", Kind::Spot)));
        let perpetual = Canonical::new("1000PEPE", "USDT", Kind::Perpetual);
        assert_eq!(Canonical::parse("1000PEPE-USDT-PERP"), Some(perpetual.clone()));
        assert_eq!(perpetual.to_string(), "1000PEPE-USDT-PERP");
        for other in
            ["", "BTC", "BTCUSDT", "-USDT", "BTC-", "BTC-USDT-220527", "BTC-USDT-SWAP", "A/B-C", "-PERP"]
        {
            assert_eq!(Canonical::parse(other), None, "{other}");
        }
    }
}
