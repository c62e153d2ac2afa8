//! Trades, quotes and a pair's decimals, as frames or as parts of them.
//!
//! A frame lists entries in its `data`; a part is one such entry alone.
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/ticker> and .../instrument
//! Source: <https://github.com/api-evangelist/kraken> (asyncapi/kraken-asyncapi.yml, trades)

use crate::engine::decimal::{Decimal, SCALE_MAX};
use crate::engine::event::{DecodeError, Level, Precision, Quote, TakerSide, Trade};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// The fields of one entry.
trait Entry<'t>: Default {
    /// What the entry says.
    type Item;
    const CHANNEL: &'static str;

    fn field(&mut self, key: &'t str, json: &mut Json<'t>) -> Result<()>;

    /// The symbol and the rest.
    fn item(self) -> Result<(&'t str, Self::Item)>;
}

/// Reads a frame or a part of one; `each` takes its entries in order. All are of one symbol.
fn entries<'t, E: Entry<'t>>(text: &'t str, mut each: impl FnMut(E::Item) -> Result<()>) -> Result<()> {
    let (mut name, mut kind, mut data, mut routed) = (None, None, None, None);
    let mut part = E::default();
    let mut take = |entry: E| {
        let (symbol, item) = entry.item()?;
        if *routed.get_or_insert(symbol) != symbol {
            return Err(DecodeError::WrongSymbol);
        }
        each(item)
    };
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "channel" => put(&mut name, "channel", json.value()?),
        "type" => put(&mut kind, "type", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            json.array(|json| {
                let mut entry = E::default();
                json.object(|key, json| entry.field(key, json))?;
                take(entry)
            })
        }
        _ => part.field(key, json),
    })?;
    json.end()?;
    match (name, kind, data) {
        (None, None, None) => take(part),
        (Some(Value::Text(name)), Some(Value::Text("snapshot" | "update")), Some(()))
            if name == E::CHANNEL =>
        {
            Ok(())
        }
        (None, ..) => Err(DecodeError::MissingField("channel")),
        (_, None, _) => Err(DecodeError::MissingField("type")),
        (.., None) => Err(DecodeError::MissingField("data")),
        (Some(Value::Text(name)), ..) if name == E::CHANNEL => Err(DecodeError::BadField("type")),
        _ => Err(DecodeError::BadField("channel")),
    }
}

#[derive(Default)]
struct TradeEntry<'t> {
    symbol: Option<Value<'t>>,
    side: Option<Value<'t>>,
    price: Option<Option<Decimal>>,
    size: Option<Option<Decimal>>,
    id: Option<Value<'t>>,
    time: Option<Option<Wall>>,
}

impl<'t> Entry<'t> for TradeEntry<'t> {
    type Item = Trade;
    const CHANNEL: &'static str = "trade";

    fn field(&mut self, key: &'t str, json: &mut Json<'t>) -> Result<()> {
        match key {
            "symbol" => put(&mut self.symbol, "symbol", json.value()?),
            "side" => put(&mut self.side, "side", json.value()?),
            "price" => put(&mut self.price, "price", field::next_decimal(json, "price")?),
            "qty" => put(&mut self.size, "qty", field::next_decimal(json, "qty")?),
            "trade_id" => put(&mut self.id, "trade_id", json.value()?),
            "timestamp" => put(&mut self.time, "timestamp", field::time(json.value()?, "timestamp")?),
            _ => json.skip(),
        }
    }

    fn item(self) -> Result<(&'t str, Trade)> {
        let trade = Trade {
            id: TradeId::number(required(
                field::whole(required(self.id, "trade_id")?, "trade_id")?,
                "trade_id",
            )?),
            price: required(self.price.flatten(), "price")?,
            size: required(self.size.flatten(), "qty")?,
            taker: match required(self.side, "side")? {
                Value::Text("buy") => TakerSide::Buy,
                Value::Text("sell") => TakerSide::Sell,
                _ => return Err(DecodeError::BadField("side")),
            },
            exchange_time: self.time.flatten(),
        };
        Ok((symbol(self.symbol)?, trade))
    }
}

#[derive(Default)]
struct QuoteEntry<'t> {
    symbol: Option<Value<'t>>,
    bid: Option<Option<Decimal>>,
    bid_size: Option<Option<Decimal>>,
    ask: Option<Option<Decimal>>,
    ask_size: Option<Option<Decimal>>,
    time: Option<Option<Wall>>,
}

impl<'t> Entry<'t> for QuoteEntry<'t> {
    type Item = Quote;
    const CHANNEL: &'static str = "ticker";

    fn field(&mut self, key: &'t str, json: &mut Json<'t>) -> Result<()> {
        match key {
            "symbol" => put(&mut self.symbol, "symbol", json.value()?),
            "bid" => put(&mut self.bid, "bid", field::next_decimal(json, "bid")?),
            "bid_qty" => put(&mut self.bid_size, "bid_qty", field::next_decimal(json, "bid_qty")?),
            "ask" => put(&mut self.ask, "ask", field::next_decimal(json, "ask")?),
            "ask_qty" => put(&mut self.ask_size, "ask_qty", field::next_decimal(json, "ask_qty")?),
            "timestamp" => put(&mut self.time, "timestamp", field::time(json.value()?, "timestamp")?),
            _ => json.skip(),
        }
    }

    fn item(self) -> Result<(&'t str, Quote)> {
        let quote = Quote {
            sequence: None,
            bid: best(required(self.bid, "bid")?, required(self.bid_size, "bid_qty")?),
            ask: best(required(self.ask, "ask")?, required(self.ask_size, "ask_qty")?),
            exchange_time: self.time.flatten(),
        };
        Ok((symbol(self.symbol)?, quote))
    }
}

/// An empty side has no price, or one of zero.
fn best(price: Option<Decimal>, size: Option<Decimal>) -> Option<Level> {
    let price = price.filter(|price| !price.is_zero())?;
    Some(Level { price, size: size? })
}

fn symbol(value: Option<Value<'_>>) -> Result<&str> {
    required(field::text(required(value, "symbol")?, "symbol")?, "symbol")
}

/// Appends all trades of a frame, oldest first as they are sent.
pub fn trades(text: &str, into: &mut Vec<Trade>) -> Result<()> {
    entries::<TradeEntry>(text, |trade| {
        into.push(trade);
        Ok(())
    })
}

pub fn quote(text: &str) -> Result<Quote> {
    let mut quote = None;
    entries::<QuoteEntry>(text, |entry| put(&mut quote, "data", entry))?;
    required(quote, "data")
}

/// Reads one pair of the `instrument` channel.
pub fn precision(text: &str) -> Result<Precision> {
    let (mut name, mut price, mut size) = (None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "symbol" => put(&mut name, "symbol", json.value()?),
        "price_precision" => put(&mut price, "price_precision", json.value()?),
        "qty_precision" => put(&mut size, "qty_precision", json.value()?),
        _ => json.skip(),
    })?;
    json.end()?;
    symbol(name)?;
    Ok(Precision { price: decimals(price, "price_precision")?, size: decimals(size, "qty_precision")? })
}

fn decimals(value: Option<Value<'_>>, name: &'static str) -> Result<u8> {
    let count = required(field::whole(required(value, name)?, name)?, name)?;
    u8::try_from(count).ok().filter(|count| *count <= SCALE_MAX).ok_or(DecodeError::BadField(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADE: &str = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.2,"qty":0.00027625,"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#;
    const TICKER: &str = r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":63297.7,"bid_qty":5.45673101,"ask":63297.8,"ask_qty":0.36974422,"last":63297.8,"volume":1020.88391276,"vwap":63685.7,"low":63250,"high":64409.2,"change":0.7,"change_pct":0,"trades":47536,"timestamp":"2026-08-12T19:29:02.066592Z"}]}"#;
    const PAIR: &str = r#"{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,"qty_increment":0.00000001,"price_precision":1,"cost_precision":5,"price_increment":0.1,"qty_min":0.0001}"#;

    fn read_trades(text: &str) -> Result<Vec<Trade>> {
        let mut into = Vec::new();
        trades(text, &mut into).map(|()| into)
    }

    /// A frame's only entry, as a part.
    fn part(text: &str) -> &str {
        text.split_once('[').unwrap().1.strip_suffix("]}").unwrap()
    }

    #[test]
    fn the_documented_trade_is_read_as_frame_and_as_part() {
        let spaced = TRADE.replace(",", " , ");
        let first = r#"{"channel":"trade","type":"update","data":"#;
        let turned = format!(
            "{}}}",
            TRADE.replace(first, r#"{"data":"#).replace("]}", r#"],"type":"update","channel":"trade""#)
        );
        for text in [TRADE, &spaced, &turned, part(TRADE)] {
            let trades = read_trades(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let [trade] = trades[..] else { panic!("one trade") };
            assert_eq!((trade.id.as_str(), trade.taker), ("10218208", TakerSide::Buy));
            assert_eq!(
                (trade.price.to_string(), trade.size.to_string()),
                ("105944.2".into(), "0.00027625".into())
            );
            assert_eq!(trade.exchange_time, Wall::parse("2023-10-06T17:35:55.440295Z"));
        }
        let sold = TRADE.replace("\"buy\"", "\"sell\"").replace("0.00027625", "2.7625e-4");
        let trade = read_trades(&sold).unwrap()[0];
        assert_eq!((trade.taker, trade.size.to_string()), (TakerSide::Sell, "0.00027625".into()));
    }

    #[test]
    fn trades_keep_their_order_and_are_of_one_symbol() {
        let second = part(TRADE).replace("10218208", "10218209");
        let two = TRADE.replace("]}", &format!(",{second}]}}"));
        let ids: Vec<_> = read_trades(&two).unwrap().iter().map(|t| t.id.as_str().to_owned()).collect();
        assert_eq!(ids, ["10218208", "10218209"]);
        let other = second.replace("BTC/USD", "ETH/USD");
        let mixed = TRADE.replace("]}", &format!(",{other}]}}"));
        assert_eq!(read_trades(&mixed).err(), Some(DecodeError::WrongSymbol));
    }

    #[test]
    fn the_documented_ticker_is_read_as_frame_and_as_part() {
        for text in [TICKER, part(TICKER), &TICKER.replace("update", "snapshot")] {
            let quote = quote(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let (bid, ask) = (quote.bid.unwrap(), quote.ask.unwrap());
            assert_eq!(
                (bid.price.to_string(), bid.size.to_string()),
                ("63297.7".into(), "5.45673101".into())
            );
            assert_eq!(
                (ask.price.to_string(), ask.size.to_string()),
                ("63297.8".into(), "0.36974422".into())
            );
            assert_eq!(
                (quote.sequence, quote.exchange_time),
                (None, Wall::parse("2026-08-12T19:29:02.066592Z"))
            );
        }
        for empty in ["0", "0.0", "null"] {
            let quote = quote(&TICKER.replace("63297.7", empty)).unwrap();
            assert!(quote.bid.is_none() && quote.ask.is_some(), "{empty}");
        }
    }

    #[test]
    fn a_pairs_decimals_are_read() {
        assert_eq!(precision(PAIR), Ok(Precision { price: 1, size: 8 }));
        use DecodeError::*;
        for (from, to, want) in [
            (r#""qty_precision":8,"#, "", MissingField("qty_precision")),
            (r#""qty_precision":8"#, r#""qty_precision":29"#, BadField("qty_precision")),
            (r#""price_precision":1"#, r#""price_precision":-1"#, BadField("price_precision")),
            (
                r#""price_precision":1"#,
                r#""price_precision":1,"price_precision":2"#,
                BadField("price_precision"),
            ),
            (r#""price_precision":1"#, r#""price_precision":null"#, MissingField("price_precision")),
            (r#""symbol":"BTC/USD","#, "", MissingField("symbol")),
        ] {
            let text = PAIR.replacen(from, to, 1);
            assert_ne!(text, PAIR, "{from} is in the sample");
            assert_eq!(precision(&text), Err(want), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        use DecodeError::*;
        for (sample, from, to, want) in [
            (TRADE, r#""buy""#, r#""hold""#, BadField("side")),
            (TRADE, r#""side":"buy","#, "", MissingField("side")),
            (TRADE, "10218208", "1.5", BadField("trade_id")),
            (TRADE, "10218208", "null", MissingField("trade_id")),
            (TRADE, "105944.2", "null", MissingField("price")),
            (TRADE, "105944.2", "1e99", DoesNotFit("price")),
            (TRADE, "105944.2", r#"1,"price":1"#, BadField("price")),
            (TRADE, r#""symbol":"BTC/USD","#, "", MissingField("symbol")),
            (TRADE, r#""trade""#, r#""ticker""#, BadField("channel")),
            (TRADE, r#""update""#, r#""more""#, BadField("type")),
            (TRADE, r#""type":"update","#, "", MissingField("type")),
            (TRADE, r#""channel":"trade","#, "", MissingField("channel")),
            (TRADE, r#"{"channel""#, r#"{"data":[],"channel""#, BadField("data")),
            (TICKER, r#""bid":63297.7,"#, "", MissingField("bid")),
            (TICKER, "0.36974422", "[]", BadField("ask_qty")),
            (TICKER, r#""data":["#, r#""data":[],"old":["#, MissingField("data")),
            (TICKER, "[{", "[7,{", Json),
        ] {
            let text = sample.replacen(from, to, 1);
            assert_ne!(text, sample, "{from} is in the sample");
            let error = if sample == TRADE { read_trades(&text).err() } else { quote(&text).err() };
            assert_eq!(error, Some(want), "{text}");
        }
        let two = TICKER.replace("]}", &format!(",{}]}}", part(TICKER)));
        assert_eq!(quote(&two).err(), Some(BadField("data")), "two quotes are two events");
    }

    #[test]
    fn a_cut_text_is_refused_wherever_it_is_cut() {
        for text in [TRADE, TICKER, PAIR, part(TRADE), part(TICKER)] {
            for cut in 0..text.len() {
                let cut = &text[..cut];
                assert!(read_trades(cut).is_err() && quote(cut).is_err() && precision(cut).is_err(), "{cut}");
            }
        }
    }
}
