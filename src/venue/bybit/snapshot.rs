//! Reads a whole book of REST.
//!
//! `u` is on the scale of the full topic, and `seq` is the count that both have beside it; without either an answer joins
//! nothing. Source: <https://bybit-exchange.github.io/docs/v5/market/full-ob>

use super::limits::REST_LEVELS;
use crate::engine::event::{DecodeError, Snapshot};
use crate::venue::field::{level_pairs, millis, put, required, side, text, whole};
use crate::venue::json::{Json, Value};

/// # Errors
/// [`DecodeError::WrongSymbol`] when the answer is about another symbol than `symbol`.
pub fn read(symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
    let body = std::str::from_utf8(body).map_err(|_| DecodeError::Json)?;
    let (mut code, mut book) = (None, None);
    let mut json = Json::new(body);
    json.object(|key, json| match key {
        "retCode" => put(&mut code, "retCode", json.value()?),
        "result" => put(&mut book, "result", result(symbol, json)?),
        _ => json.skip(),
    })?;
    json.end()?;
    if required(code, "retCode")? != Value::Number("0") {
        return Err(DecodeError::BadField("retCode"));
    }
    required(book, "result")
}

fn result(symbol: &str, json: &mut Json<'_>) -> Result<Snapshot, DecodeError> {
    let (mut named, mut update, mut cross, mut time) = (None, None, None, None);
    let (mut bids, mut asks) = (None, None);
    json.object(|key, json| match key {
        "s" => put(&mut named, "s", json.value()?),
        "u" => put(&mut update, "u", json.value()?),
        "seq" => put(&mut cross, "seq", json.value()?),
        "cts" => put(&mut time, "cts", json.value()?),
        "b" => put(&mut bids, "b", side(json, "b", level_pairs)?),
        "a" => put(&mut asks, "a", side(json, "a", level_pairs)?),
        _ => json.skip(),
    })?;
    if text(required(named, "s")?, "s")? != Some(symbol) {
        return Err(DecodeError::WrongSymbol);
    }
    let number = |value, name| required(whole(required(value, name)?, name)?, name);
    Ok(Snapshot {
        sequence: Some(number(update, "u")?),
        cross: Some(number(cross, "seq")?),
        exchange_time: time.map_or(Ok(None), |time| millis(time, "cts"))?,
        venue_time: None,
        bids: required(bids, "b")?,
        asks: required(asks, "a")?,
        depth_limit: Some(REST_LEVELS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Wall;

    const BODY: &str = r#"{"retCode":0,"retMsg":"OK","result":{"s":"BTCUSDT","b":[["63982.5","0.003"],["63980.6","0.004"]],"a":[["63990.5","0.008"]],"ts":1786540345150,"u":101,"seq":905,"cts":1786540345147},"retExtInfo":{},"time":1786540345151}"#;

    #[test]
    fn an_answer_is_read() {
        let snapshot = read("BTCUSDT", BODY.as_bytes()).unwrap();
        assert_eq!((snapshot.sequence, snapshot.cross), (Some(101), Some(905)));
        assert_eq!(snapshot.exchange_time, Wall::from_millis(1_786_540_345_147));
        assert_eq!((snapshot.bids.len(), snapshot.asks.len()), (2, 1));
        assert_eq!(snapshot.bids[1].price.to_string(), "63980.6");
        assert_eq!(snapshot.depth_limit, Some(10_000));
        assert_eq!(read("ETHUSDT", BODY.as_bytes()), Err(DecodeError::WrongSymbol));
        let empty = BODY.replace(r#"[["63990.5","0.008"]]"#, "[]");
        assert!(read("BTCUSDT", empty.as_bytes()).unwrap().asks.is_empty());
    }

    #[test]
    fn other_answers_are_refused() {
        use DecodeError::*;
        for (body, want) in [
            (String::new(), Json),
            ("<html><body>502</body></html>".into(), Json),
            ("[]".into(), Json),
            ("{}".into(), MissingField("retCode")),
            (BODY.replace(r#""retCode":0"#, r#""retCode":10001"#), BadField("retCode")),
            (r#"{"retCode":10001,"retMsg":"params error","result":{}}"#.into(), MissingField("s")),
            (r#"{"retCode":0}"#.into(), MissingField("result")),
            (BODY.replace(r#""s":"BTCUSDT","#, ""), MissingField("s")),
            (BODY.replace(r#""u":101,"#, ""), MissingField("u")),
            (BODY.replace(r#""seq":905,"#, ""), MissingField("seq")),
            (BODY.replace("905", "-905"), BadField("seq")),
            (BODY.replace(":101", ":1.5"), BadField("u")),
            (BODY.replace(r#""a":"#, r#""c":"#), MissingField("a")),
            (BODY.replace(r#"[["63990.5","0.008"]]"#, "null"), BadField("a")),
            (BODY.replace("63990.5", "x"), BadField("a")),
            (BODY.replace(r#""ts":1786540345150"#, r#""u":102"#), BadField("u")),
            (format!("{BODY}x"), Json),
        ] {
            assert_eq!(read("BTCUSDT", body.as_bytes()), Err(want), "{body}");
        }
        assert_eq!(read("BTCUSDT", b"\xff"), Err(Json));
        for cut in 0..BODY.len() {
            assert!(read("BTCUSDT", &BODY.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }
}
