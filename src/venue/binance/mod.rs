//! Binance spot: combined streams and REST depth.

pub mod limits;

pub use limits::PROFILE;
