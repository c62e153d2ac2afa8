//! Reads a REST order book: no sequence, no more than 20 levels a side, the operator's own time.
//!
//! An answer may list single orders, several at one price (the reference's own example does): they are passed on as
//! they come, and the book sums them.
//! Source: <https://docs.coinapi.io/market-data/rest-api/order-book>

use super::limits::REST_LEVELS;
use crate::engine::event::{DecodeError, Level, Snapshot};
use crate::venue::field::{level_objects, put, required, text, time};
use crate::venue::json::{Json, Value};

/// # Errors
/// [`DecodeError::WrongSymbol`] when the answer is about another symbol than `symbol`.
pub fn read(symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
    let body = std::str::from_utf8(body).map_err(|_| DecodeError::Json)?;
    let (mut id, mut bids, mut asks) = (None, None, None);
    let (mut time_exchange, mut time_coinapi) = (None, None);
    let mut json = Json::new(body);
    json.object(|key, json| match key {
        "symbol_id" => put(&mut id, "symbol_id", json.value()?),
        "time_exchange" => put(&mut time_exchange, "time_exchange", json.value()?),
        "time_coinapi" => put(&mut time_coinapi, "time_coinapi", json.value()?),
        "bids" => put(&mut bids, "bids", side(json, "bids")?),
        "asks" => put(&mut asks, "asks", side(json, "asks")?),
        _ => json.skip(),
    })?;
    json.end()?;
    if required(text(required(id, "symbol_id")?, "symbol_id")?, "symbol_id")? != symbol {
        return Err(DecodeError::WrongSymbol);
    }
    Ok(Snapshot {
        cross: None,
        sequence: None,
        exchange_time: time(time_exchange.unwrap_or(Value::Null), "time_exchange")?,
        venue_time: time(required(time_coinapi, "time_coinapi")?, "time_coinapi")?,
        bids: required(bids, "bids")?,
        asks: required(asks, "asks")?,
        depth_limit: Some(REST_LEVELS),
    })
}

/// A side is declared nullable: null is an empty one.
fn side(json: &mut Json<'_>, name: &'static str) -> Result<Vec<Level>, DecodeError> {
    let mut levels = Vec::new();
    level_objects(json, name, &mut levels)?;
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Wall;

    const SYMBOL: &str = "COINBASE_SPOT_BTC_USD";
    const BODY: &str = r#"{"symbol_id":"COINBASE_SPOT_BTC_USD","time_exchange":"2026-09-24T09:10:36.0854790Z","time_coinapi":"2026-09-24T09:10:36.1734713Z","asks":[{"price":83556.6,"size":0.01675362}],"bids":[{"price":83556.59,"size":0.02515277}]}"#;

    #[test]
    fn the_recorded_answer_is_read() {
        let snapshot = read(SYMBOL, BODY.as_bytes()).unwrap();
        assert_eq!((snapshot.sequence, snapshot.depth_limit), (None, Some(20)));
        assert_eq!(snapshot.venue_time, Wall::parse("2026-09-24T09:10:36.1734713Z"));
        assert_eq!(snapshot.exchange_time, Wall::parse("2026-09-24T09:10:36.0854790Z"));
        assert_eq!(snapshot.bids[0].price.to_string(), "83556.59");
        assert_eq!(snapshot.asks[0].size.to_string(), "0.01675362");
    }

    #[test]
    fn single_orders_are_passed_on() {
        let orders = r#"[{"id":"a","price":1,"size":2},{"id":"b","price":1,"size":3}]"#;
        let body = BODY.replace(r#"[{"price":83556.59,"size":0.02515277}]"#, orders);
        assert_eq!(read(SYMBOL, body.as_bytes()).unwrap().bids.len(), 2);
        let body = BODY.replace(r#"[{"price":83556.59,"size":0.02515277}]"#, "null");
        assert_eq!(read(SYMBOL, body.as_bytes()).unwrap().bids.len(), 0);
    }

    #[test]
    fn other_answers_are_refused() {
        use DecodeError::*;
        assert_eq!(read("COINBASE_SPOT_ETH_USD", BODY.as_bytes()), Err(WrongSymbol));
        for (body, want) in [
            ("", Json),
            ("<html><body>502</body></html>", Json),
            ("[]", Json),
            ("{}", MissingField("symbol_id")),
            (
                r#"{"error":"You requested specific single item and it's not available."}"#,
                MissingField("symbol_id"),
            ),
            (
                &BODY.replace(r#""time_coinapi":"2026-09-24T09:10:36.1734713Z","#, ""),
                MissingField("time_coinapi"),
            ),
            (
                &BODY.replace(r#""symbol_id":"COINBASE_SPOT_BTC_USD""#, r#""symbol_id":null"#),
                MissingField("symbol_id"),
            ),
            (&BODY.replace("asks", "sales"), MissingField("asks")),
            (&BODY.replace("83556.6,", "\"x\","), BadField("asks")),
        ] {
            assert_eq!(read(SYMBOL, body.as_bytes()), Err(want), "{body}");
        }
        assert_eq!(read(SYMBOL, b"\xff"), Err(Json));
        for cut in 0..BODY.len() {
            assert!(read(SYMBOL, &BODY.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }
}
