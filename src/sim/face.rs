//! Which venue a simulated one speaks for: its name, its spelling of symbols, and how one version of a book is told from another.

use super::config::UnknownWord;
use super::market::spec::Spec;
use std::fmt;
use std::str::FromStr;

/// Which venue's messages and rules it speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Face {
    CoinApi,
    Binance,
    BinanceUsdm,
    BinanceCoinm,
    Kraken,
    Coinbase,
    CoinbaseExchange,
    Bybit,
    BybitFull,
    BybitLinear,
    BybitInverse,
    Okx,
    Bitfinex,
    Deribit,
    Hyperliquid,
}

/// By what a client's book says which version of the true one it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// By its number, which is so many times the version.
    Sequence(u64),
    /// By its exchange time: no two versions of a symbol have the same.
    Time,
}

impl Face {
    pub const ALL: [Face; 15] = [
        Face::CoinApi,
        Face::Binance,
        Face::BinanceUsdm,
        Face::BinanceCoinm,
        Face::Kraken,
        Face::Coinbase,
        Face::CoinbaseExchange,
        Face::Bybit,
        Face::BybitFull,
        Face::BybitLinear,
        Face::BybitInverse,
        Face::Okx,
        Face::Bitfinex,
        Face::Deribit,
        Face::Hyperliquid,
    ];

    /// As `venue = "…"` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Face::CoinApi => "coinapi",
            Face::Binance => "binance",
            Face::BinanceUsdm => "binance-usdm",
            Face::BinanceCoinm => "binance-coinm",
            Face::Kraken => "kraken",
            Face::Coinbase => "coinbase",
            Face::CoinbaseExchange => "coinbase-exchange",
            Face::Bybit => "bybit",
            Face::BybitFull => "bybit-full",
            Face::BybitLinear => "bybit-linear",
            Face::BybitInverse => "bybit-inverse",
            Face::Okx => "okx",
            Face::Bitfinex => "bitfinex",
            Face::Deribit => "deribit",
            Face::Hyperliquid => "hyperliquid",
        }
    }

    /// Binance in any of its products.
    pub const fn is_binance(self) -> bool {
        matches!(self, Face::Binance | Face::BinanceUsdm | Face::BinanceCoinm)
    }

    /// The path of a feed's `url`: where a client does not add its own.
    pub const fn path(self) -> &'static str {
        match self {
            Face::CoinApi => "/v1/",
            _ => "",
        }
    }

    /// A symbol as this venue spells it.
    pub fn spelled(self, spec: &Spec) -> String {
        let Spec { base, quote, .. } = spec;
        match self {
            Face::CoinApi => format!("SIMEX_SPOT_{base}_{quote}"),
            Face::Binance
            | Face::BinanceUsdm
            | Face::Bybit
            | Face::BybitFull
            | Face::BybitLinear
            | Face::BybitInverse => format!("{base}{quote}"),
            Face::BinanceCoinm => format!("{base}{quote}_PERP"),
            Face::Kraken | Face::Hyperliquid => format!("{base}/{quote}"),
            Face::Coinbase | Face::CoinbaseExchange | Face::Okx => format!("{base}-{quote}"),
            Face::Deribit => format!("{base}_{quote}"),
            // Names of more than three letters are set apart.
            Face::Bitfinex if base.len() > 3 || quote.len() > 3 => format!("t{base}:{quote}"),
            Face::Bitfinex => format!("t{base}{quote}"),
        }
    }

    pub const fn identity(self) -> Identity {
        match self {
            Face::Binance
            | Face::Bybit
            | Face::BybitFull
            | Face::BybitLinear
            | Face::BybitInverse
            | Face::Okx
            | Face::Deribit => Identity::Sequence(1),
            // Their numbers are shared by many symbols, and so have holes.
            Face::BinanceUsdm | Face::BinanceCoinm => Identity::Sequence(3),
            Face::CoinApi
            | Face::Kraken
            | Face::Coinbase
            | Face::CoinbaseExchange
            | Face::Bitfinex
            | Face::Hyperliquid => Identity::Time,
        }
    }

    /// The finest time this venue tells; two versions of a symbol are at least so many nanoseconds apart.
    pub const fn time_step_nanos(self) -> i64 {
        match self {
            Face::Kraken | Face::Coinbase | Face::CoinbaseExchange => 1_000,
            // Its changes are of several frames, and all but the last are of a moment between two versions.
            Face::Bitfinex => 2_000_000,
            Face::Hyperliquid => 1_000_000,
            _ => 100,
        }
    }
}

impl FromStr for Face {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Face, UnknownWord> {
        let known = Face::ALL.into_iter().find(|face| face.name() == word);
        known.ok_or_else(|| UnknownWord {
            word: word.to_owned(),
            expected: Face::ALL.map(Face::name).join(", "),
        })
    }
}

impl fmt::Display for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for face in Face::ALL {
            assert_eq!(face.to_string().parse(), Ok(face));
        }
        let error = "nasdaq".parse::<Face>().expect_err("no such venue");
        assert!(error.to_string().starts_with("\"nasdaq\" is none of coinapi, binance, "), "{error}");
    }
}
