//! The CoinAPI face: market data WebSocket V1 and the REST book, as far as a client can tell.
//!
//! Pure. Faithful where the documents speak; where they are silent each connection gets one of the possible behaviors.
//! Source: <https://docs.coinapi.io/market-data/websocket/>, text of 2025-08-12.

pub mod message;
pub mod rest;
pub mod session;
