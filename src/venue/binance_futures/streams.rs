//! What the futures call their streams and events, and where they serve them.
//!
//! Since 2026-04-23 USD-M serves books, best prices and trades under `/public` and everything else under `/market`; what is
//! asked for at the wrong place is acknowledged and stays silent. COIN-M kept the old address, for everything.
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Important-WebSocket-Change-Notice>

use crate::engine::event::Channel;
use crate::venue::binance::route::Names;
use crate::venue::binance::subscribe::Streams;

pub const USDM: Streams = Streams { path: "/public/stream", kind: usdm_kind };
/// Where USD-M tells of liquidated orders.
pub const USDM_MARKET: Streams = Streams { path: "/market/stream", kind: usdm_kind };
pub const COINM: Streams = Streams { path: "/stream", kind: coinm_kind };

/// Single trades have no page of their own, but they are served, and beside the book; aggregated ones are not (`/market`).
fn usdm_kind(channel: Channel) -> Option<&'static str> {
    match channel {
        Channel::Trade => Some("trade"),
        other => common_kind(other),
    }
}

/// Here everything comes from one address, so the stream that the venue documents and thus vouches for is taken: what is
/// merely served may end without a word. It sums up what one order took at one price; nothing else is lost.
fn coinm_kind(channel: Channel) -> Option<&'static str> {
    match channel {
        Channel::Trade => Some("aggTrade"),
        other => common_kind(other),
    }
}

fn common_kind(channel: Channel) -> Option<&'static str> {
    match channel {
        // The fastest of the documented speeds.
        Channel::Book => Some("depth@100ms"),
        Channel::Quote => Some("bookTicker"),
        Channel::Liquidation => Some("forceOrder"),
        _ => None,
    }
}

/// Names of USD-M frames.
pub struct Usdm;

impl Names for Usdm {
    fn stream(kind: &str) -> Option<Channel> {
        match kind {
            "trade" => Some(Channel::Trade),
            other => stream(other),
        }
    }

    fn event(kind: &str) -> Option<Channel> {
        match kind {
            "trade" => Some(Channel::Trade),
            other => event(other),
        }
    }
}

/// Names of COIN-M frames.
pub struct Coinm;

impl Names for Coinm {
    fn stream(kind: &str) -> Option<Channel> {
        match kind {
            "aggTrade" => Some(Channel::Trade),
            other => stream(other),
        }
    }

    fn event(kind: &str) -> Option<Channel> {
        match kind {
            "aggTrade" => Some(Channel::Trade),
            other => event(other),
        }
    }
}

/// All speeds of the changes are one stream's. `depth20` and its like are not changes, though their events look the same.
fn stream(kind: &str) -> Option<Channel> {
    match kind {
        "depth@100ms" | "depth" | "depth@0ms" | "depth@250ms" | "depth@500ms" => Some(Channel::Book),
        "bookTicker" => Some(Channel::Quote),
        "forceOrder" => Some(Channel::Liquidation),
        _ => None,
    }
}

/// Of events that come without a stream's name. Nothing but changes is ever asked for, so a depth event is one of those.
/// Liquidated orders are not among them: their symbol lies deeper, and what depthd asks for comes with the name.
fn event(kind: &str) -> Option<Channel> {
    match kind {
        "depthUpdate" => Some(Channel::Book),
        "bookTicker" => Some(Channel::Quote),
        _ => None,
    }
}
