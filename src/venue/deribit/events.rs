//! Trades and quotes.
//!
//! Source: <https://docs.deribit.com/specifications/deribit_asyncapi.json>
//! Source: <https://docs.deribit.com/subscriptions/market-data/quoteinstrument_name>

use super::frames::{check_symbol, notification};
use crate::engine::decimal::Decimal;
use crate::engine::event::{Channel, DecodeError, Level, Quote, TakerSide, Trade};
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// Appends all trades of a notification, oldest first as they are sent.
pub fn trades(text: &str, into: &mut Vec<Trade>) -> Result<()> {
    let mut inside = None;
    let routed = notification(text, Channel::Trade, |json| {
        json.array(|json| {
            let (symbol, trade) = trade(json)?;
            into.push(trade);
            if *inside.get_or_insert(symbol) == symbol { Ok(()) } else { Err(DecodeError::WrongSymbol) }
        })
    })?;
    match inside {
        Some(_) => check_symbol(inside, routed),
        None => Ok(()),
    }
}

/// Reads one trade: its instrument and the rest. The direction is the taker's, the amount what books count in.
fn trade<'t>(json: &mut Json<'t>) -> Result<(Value<'t>, Trade)> {
    let (mut symbol, mut id, mut price, mut amount) = (None, None, None, None);
    let (mut direction, mut time) = (None, None);
    json.object(|key, json| match key {
        "instrument_name" => put(&mut symbol, "instrument_name", json.value()?),
        "trade_id" => put(&mut id, "trade_id", json.value()?),
        "price" => put(&mut price, "price", field::next_decimal(json, "price")?),
        "amount" => put(&mut amount, "amount", field::next_decimal(json, "amount")?),
        "direction" => put(&mut direction, "direction", json.value()?),
        "timestamp" => put(&mut time, "timestamp", field::millis(json.value()?, "timestamp")?),
        _ => json.skip(),
    })?;
    let trade = Trade {
        id: match required(id, "trade_id")? {
            Value::Text(id) | Value::Number(id) => TradeId::lower(id),
            _ => None,
        }
        .ok_or(DecodeError::BadField("trade_id"))?,
        price: required(price.flatten(), "price")?,
        size: required(amount.flatten(), "amount")?,
        taker: match required(direction, "direction")? {
            Value::Text("buy") => TakerSide::Buy,
            Value::Text("sell") => TakerSide::Sell,
            _ => return Err(DecodeError::BadField("direction")),
        },
        exchange_time: time.flatten(),
    };
    Ok((required(symbol, "instrument_name")?, trade))
}

pub fn quote(text: &str) -> Result<Quote> {
    let (mut symbol, mut time) = (None, None);
    let (mut bid, mut bid_size, mut ask, mut ask_size) = (None, None, None, None);
    let routed = notification(text, Channel::Quote, |json| {
        json.object(|key, json| match key {
            "instrument_name" => put(&mut symbol, "instrument_name", json.value()?),
            "timestamp" => put(&mut time, "timestamp", field::millis(json.value()?, "timestamp")?),
            "best_bid_price" => put(&mut bid, "best_bid_price", field::next_decimal(json, "best_bid_price")?),
            "best_bid_amount" => {
                put(&mut bid_size, "best_bid_amount", field::next_decimal(json, "best_bid_amount")?)
            }
            "best_ask_price" => put(&mut ask, "best_ask_price", field::next_decimal(json, "best_ask_price")?),
            "best_ask_amount" => {
                put(&mut ask_size, "best_ask_amount", field::next_decimal(json, "best_ask_amount")?)
            }
            _ => json.skip(),
        })
    })?;
    check_symbol(symbol, routed)?;
    let (bid, bid_size) = (required(bid, "best_bid_price")?, required(bid_size, "best_bid_amount")?);
    let (ask, ask_size) = (required(ask, "best_ask_price")?, required(ask_size, "best_ask_amount")?);
    Ok(Quote {
        sequence: None,
        bid: best(bid, bid_size),
        ask: best(ask, ask_size),
        exchange_time: time.flatten(),
    })
}

/// An empty side has no price, or one of zero.
fn best(price: Option<Decimal>, size: Option<Decimal>) -> Option<Level> {
    let price = price.filter(|price| !price.is_zero())?;
    Some(Level { price, size: size? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Wall;

    const TRADES: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.100ms","data":[{"timestamp":1786563104514,"price":63344.5,"direction":"buy","index_price":63325.19,"trade_id":"440192723","instrument_name":"BTC-PERPETUAL","trade_seq":296152987,"amount":20,"mark_price":63341.87,"tick_direction":1,"contracts":2}]}}"#;
    const QUOTE: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL","data":{"timestamp":1765541767174,"instrument_name":"BTC-PERPETUAL","best_ask_price":92288.5,"best_bid_price":92288.0,"best_ask_amount":99470.0,"best_bid_amount":133440.0}}}"#;

    fn read_trades(text: &str) -> Result<Vec<Trade>> {
        let mut into = Vec::new();
        trades(text, &mut into).map(|()| into)
    }

    #[test]
    fn recorded_trades_are_read() {
        for text in [TRADES, &TRADES.replace(",", " , ").replace("63344.5", "6.33445e4")] {
            let trades = read_trades(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let [trade] = trades[..] else { panic!("one trade") };
            assert_eq!((trade.id.as_str(), trade.taker), ("440192723", TakerSide::Buy));
            assert_eq!((trade.price.to_string(), trade.size.to_string()), ("63344.5".into(), "20".into()));
            assert_eq!(trade.exchange_time, Wall::from_millis(1_786_563_104_514));
        }
        let sold = TRADES.replace("buy", "sell").replace(r#""440192723""#, "440192723");
        assert_eq!(read_trades(&sold).unwrap()[0].taker, TakerSide::Sell);
    }

    /// Vector V7 of the dossier, as far as it concerns frames: trades of one frame keep their order.
    #[test]
    fn trades_keep_their_order_and_are_of_one_instrument() {
        let first = TRADES.split_once('[').unwrap().1.strip_suffix("]}}").unwrap();
        let second = first.replace("440192723", "440192724").replace("296152987", "296152988");
        let two = TRADES.replace("]}}", &format!(",{second}]}}}}"));
        let ids: Vec<_> = read_trades(&two).unwrap().iter().map(|t| t.id.as_str().to_owned()).collect();
        assert_eq!(ids, ["440192723", "440192724"]);
        let other = second.replace("BTC-", "ETH-");
        let mixed = TRADES.replace("]}}", &format!(",{other}]}}}}"));
        assert_eq!(read_trades(&mixed).err(), Some(DecodeError::WrongSymbol));
        let none = TRADES.replace(first, "");
        assert_eq!(read_trades(&none), Ok(vec![]));
    }

    #[test]
    fn recorded_quotes_are_read() {
        let read = quote(QUOTE).unwrap();
        let (bid, ask) = (read.bid.unwrap(), read.ask.unwrap());
        assert_eq!((bid.price.to_string(), bid.size.to_string()), ("92288".into(), "133440".into()));
        assert_eq!((ask.price.to_string(), ask.size.to_string()), ("92288.5".into(), "99470".into()));
        assert_eq!((read.sequence, read.exchange_time), (None, Wall::from_millis(1_765_541_767_174)));
        for empty in ["0.0", "0", "null"] {
            let read = quote(&QUOTE.replace("92288.5", empty).replace("99470.0", empty)).unwrap();
            assert!(read.ask.is_none() && read.bid.is_some(), "{empty}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        use DecodeError::*;
        let long = "9".repeat(40);
        for (sample, from, to, want) in [
            (TRADES, r#""buy""#, r#""zero""#, BadField("direction")),
            (TRADES, r#""direction":"buy","#, "", MissingField("direction")),
            (TRADES, r#""440192723""#, "null", BadField("trade_id")),
            (TRADES, "440192723", &long, BadField("trade_id")),
            (TRADES, "63344.5", "null", MissingField("price")),
            (TRADES, "63344.5", "[]", BadField("price")),
            (TRADES, r#""amount":20"#, r#""amount":1e40"#, DoesNotFit("amount")),
            (TRADES, r#""amount":20"#, r#""amount":20,"amount":20"#, BadField("amount")),
            (TRADES, r#""amount":20,"#, "", MissingField("amount")),
            (TRADES, r#""instrument_name":"BTC-PERPETUAL","#, "", MissingField("instrument_name")),
            (TRADES, r#""instrument_name":"BTC"#, r#""instrument_name":"ETH"#, WrongSymbol),
            (TRADES, "trades.BTC", "book.BTC", BadField("channel")),
            (TRADES, "[{", "[7,{", Json),
            (QUOTE, r#""best_ask_price":92288.5,"#, "", MissingField("best_ask_price")),
            (QUOTE, "99470.0", "{}", BadField("best_ask_amount")),
            (QUOTE, r#""instrument_name":"BTC"#, r#""instrument_name":"ETH"#, WrongSymbol),
            (QUOTE, "quote.BTC", "ticker.BTC", BadField("channel")),
        ] {
            let text = sample.replacen(from, to, 1);
            assert_ne!(text, sample, "{from} is in the sample");
            let error = if sample == TRADES { read_trades(&text).err() } else { quote(&text).err() };
            assert_eq!(error, Some(want), "{text}");
        }
    }

    #[test]
    fn a_cut_text_is_refused_wherever_it_is_cut() {
        for text in [TRADES, QUOTE] {
            for cut in 0..text.len() {
                let cut = &text[..cut];
                assert!(read_trades(cut).is_err() && quote(cut).is_err(), "{cut}");
            }
        }
    }
}
