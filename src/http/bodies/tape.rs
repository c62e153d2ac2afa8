//! Trades and liquidated orders: the newest of a symbol's.

use super::{Text, wall};
use crate::engine::decimal::Decimal;
use crate::engine::event::TakerSide;
use crate::engine::time::Wall;
use crate::engine::view::{LiquidationView, TradeView};
use serde::Serialize;

#[derive(Serialize)]
struct Trades<'a> {
    feed: &'a str,
    symbol: &'a str,
    trades: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Liquidations<'a> {
    feed: &'a str,
    symbol: &'a str,
    liquidations: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Liquidated orders have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    price: Decimal,
    size: Decimal,
    /// The taker's, or the liquidated order's: `buy`, `sell`, or null where the venue does not say.
    side: Option<&'static str>,
    exchange_time: Option<Text<Wall>>,
    receive_time: Option<Text<Wall>>,
}

/// `GET /api/trades/{feed}/{symbol}`, newest last.
pub fn trades<'a>(feed: &'a str, symbol: &'a str, trades: &'a [TradeView]) -> impl Serialize + 'a {
    let line = |t: &'a TradeView| Line {
        id: Some(t.id.as_str()),
        price: t.price,
        size: t.size,
        side: side(t.taker),
        exchange_time: t.exchange_time.map(Text),
        receive_time: wall(t.received),
    };
    Trades { feed, symbol, trades: trades.iter().map(line).collect() }
}

/// `GET /api/liquidations/{feed}/{symbol}`, newest last.
pub fn liquidations<'a>(
    feed: &'a str,
    symbol: &'a str,
    orders: &'a [LiquidationView],
) -> impl Serialize + 'a {
    let line = |order: &'a LiquidationView| Line {
        id: None,
        price: order.price,
        size: order.size,
        side: side(order.side),
        exchange_time: order.exchange_time.map(Text),
        receive_time: wall(order.received),
    };
    Liquidations { feed, symbol, liquidations: orders.iter().map(line).collect() }
}

fn side(side: TakerSide) -> Option<&'static str> {
    match side {
        TakerSide::Buy => Some("buy"),
        TakerSide::Sell => Some("sell"),
        TakerSide::Unknown => None,
    }
}
