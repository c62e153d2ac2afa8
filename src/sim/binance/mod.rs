//! The Binance spot face: diff depth, trades, best bid and ask, and the REST depth with its weights.
//!
//! Pure. Update ids are the market's own versions, dense per symbol, and outlive connections. Events come as often as the asked
//! rate needs, not only every 100 ms.
//! Source: <https://github.com/binance/binance-spot-api-docs> (web-socket-streams.md, rest-api.md), commit a5e0bc3.

pub mod message;
pub mod rest;
pub mod session;
