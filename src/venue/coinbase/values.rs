//! Trades and best levels as both feeds write them.

use crate::engine::decimal::Decimal;
use crate::engine::event::{self, DecodeError, Level, TakerSide};
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// The fields of a trade, as they are met.
#[derive(Default)]
pub struct Trade<'t> {
    product: Option<Value<'t>>,
    id: Option<Value<'t>>,
    price: Option<Option<Decimal>>,
    size: Option<Option<Decimal>>,
    side: Option<Value<'t>>,
    time: Option<Value<'t>>,
}

impl<'t> Trade<'t> {
    /// Reads the value of a field.
    pub fn field(&mut self, key: &'t str, json: &mut Json<'t>) -> Result<()> {
        match key {
            "product_id" => put(&mut self.product, "product_id", json.value()?),
            "trade_id" => put(&mut self.id, "trade_id", json.value()?),
            "price" => put(&mut self.price, "price", field::next_decimal(json, "price")?),
            "size" => put(&mut self.size, "size", field::next_decimal(json, "size")?),
            "side" => put(&mut self.side, "side", json.value()?),
            "time" => put(&mut self.time, "time", json.value()?),
            _ => json.skip(),
        }
    }

    /// The trade and its product.
    pub fn read(self) -> Result<(&'t str, event::Trade)> {
        let product = required(self.product, "product_id")?;
        let product = required(field::text(product, "product_id")?, "product_id")?;
        let trade = event::Trade {
            id: trade_id(required(self.id, "trade_id")?)?,
            price: required(self.price.flatten(), "price")?,
            size: required(self.size.flatten(), "size")?,
            taker: taker(required(self.side, "side")?)?,
            exchange_time: self.time.map_or(Ok(None), |time| field::time(time, "time"))?,
        };
        Ok((product, trade))
    }
}

/// A number on one feed, the same as text on the other, and a UUID for some products.
fn trade_id(value: Value<'_>) -> Result<TradeId> {
    let id = match value {
        Value::Text(text)
            if !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') =>
        {
            TradeId::lower(text)
        }
        Value::Number(_) => field::whole(value, "trade_id")?.map(TradeId::number),
        _ => None,
    };
    id.ok_or(DecodeError::BadField("trade_id"))
}

/// The side of a trade is its maker's on both feeds, so the taker's is the other one.
///
/// Exchange documents it. Of Advanced Trade nothing of the kind was found, and programs read it both ways. The maker's it is
/// here because the trades are those of the same engine, and because a maintained program that had taken it for the taker's
/// now takes it for the maker's. Not confirmed against prices.
/// Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/channels> (match)
/// Source: <https://nautilustrader.io/docs/rust-api-latest/nautilus_coinbase/http/parse/fn.coinbase_side_to_aggressor.html>
fn taker(side: Value<'_>) -> Result<TakerSide> {
    match side {
        Value::Text("buy" | "BUY") => Ok(TakerSide::Sell),
        Value::Text("sell" | "SELL") => Ok(TakerSide::Buy),
        // Somebody took it, and a word for nobody is known.
        Value::Text("" | "UNKNOWN_ORDER_SIDE") => Ok(TakerSide::Unknown),
        _ => Err(DecodeError::BadField("side")),
    }
}

/// Whether a trade came after another: by time, and by number where both are of the same instant.
pub fn is_newer(trade: &event::Trade, than: &event::Trade) -> bool {
    let age = |trade: &event::Trade| (trade.exchange_time, trade.id.as_str().len());
    (age(trade), trade.id.as_str()) > (age(than), than.id.as_str())
}

/// A best level. An empty side has an empty price or none; one whose size is not said is not known.
pub fn best(price: Value<'_>, size: Option<Value<'_>>, name: &'static str) -> Result<Option<Level>> {
    let number =
        |value: Value<'_>| if value == Value::Text("") { Ok(None) } else { field::decimal(value, name) };
    let (price, size) = (number(price)?, size.map_or(Ok(None), number)?);
    Ok(price.zip(size).filter(|(price, _)| !price.is_zero()).map(|(price, size)| Level { price, size }))
}
