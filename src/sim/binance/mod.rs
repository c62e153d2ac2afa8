//! The Binance faces: diff depth, trades, best bid and ask, and the REST depth with its weights.
//!
//! Pure. Spot's update ids are the market's own versions, dense per symbol, and outlive connections. Futures share one count among
//! many symbols, so theirs have holes, and each event names the one before it. Events come as often as the asked
//! rate needs, not only every 100 ms.
//! Source: <https://github.com/binance/binance-spot-api-docs> (web-socket-streams.md, rest-api.md), commit a5e0bc3.
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams>

pub mod message;
pub mod rest;
pub mod session;

use super::face::Face;

/// Which of its products.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Product {
    Spot,
    Usdm,
    Coinm,
}

impl Product {
    pub fn of(face: Face) -> Product {
        match face {
            Face::BinanceUsdm => Product::Usdm,
            Face::BinanceCoinm => Product::Coinm,
            _ => Product::Spot,
        }
    }

    const fn face(self) -> Face {
        match self {
            Product::Spot => Face::Binance,
            Product::Usdm => Face::BinanceUsdm,
            Product::Coinm => Face::BinanceCoinm,
        }
    }

    /// The numbers of a version, first and last: all of futures' are used up by something.
    const fn ids(self, version: u64) -> (u64, u64) {
        match self {
            Product::Spot => (version, version),
            Product::Usdm | Product::Coinm => (version * 3 - 2, version * 3),
        }
    }
}
