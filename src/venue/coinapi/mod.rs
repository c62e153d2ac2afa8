//! CoinAPI market data: WebSocket V1 and REST.

pub mod limits;

pub use limits::PROFILE;
