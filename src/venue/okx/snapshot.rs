//! Reads a REST book. It need not name its symbol: the caller knows which one it asked for.
//!
//! `seqId` is on the scale of the `books` channel; without it an answer joins nothing.
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-order-book>

use super::levels;
use super::limits::BOOK_LEVELS;
use crate::engine::event::{DecodeError, Snapshot};
use crate::venue::field::{millis, put, required, side, whole};
use crate::venue::json::{Json, Value};

/// # Errors
/// [`DecodeError::WrongSymbol`] when the answer says that it is about another symbol than `symbol`.
pub fn read(symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::Json)?;
    let (mut code, mut data, mut book) = (None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "code" => put(&mut code, "code", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            json.array(|json| put(&mut book, "data", one(symbol, json)?))
        }
        _ => json.skip(),
    })?;
    json.end()?;
    if required(code, "code")? != Value::Text("0") {
        return Err(DecodeError::BadField("code"));
    }
    required(book, "data")
}

fn one(symbol: &str, json: &mut Json<'_>) -> Result<Snapshot, DecodeError> {
    let (mut id, mut time, mut named) = (None, None, None);
    let (mut bids, mut asks) = (None, None);
    json.object(|key, json| match key {
        "seqId" => put(&mut id, "seqId", json.value()?),
        "ts" => put(&mut time, "ts", json.value()?),
        "instId" => put(&mut named, "instId", json.value()?),
        "bids" => put(&mut bids, "bids", side(json, "bids", levels::read)?),
        "asks" => put(&mut asks, "asks", side(json, "asks", levels::read)?),
        _ => json.skip(),
    })?;
    if named.is_some_and(|named| named != Value::Text(symbol)) {
        return Err(DecodeError::WrongSymbol);
    }
    let id = whole(required(id, "seqId")?, "seqId")?;
    Ok(Snapshot {
        cross: None,
        sequence: Some(required(id, "seqId")?),
        exchange_time: time.map_or(Ok(None), |time| millis(time, "ts"))?,
        venue_time: None,
        bids: required(bids, "bids")?,
        asks: required(asks, "asks")?,
        depth_limit: Some(BOOK_LEVELS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Wall;

    const BODY: &str = r#"{"code":"0","msg":"","data":[{"asks":[["41006.8","0.60038921","0","1"]],"bids":[["41006.3","0.30178218","0","2"]],"ts":"1629966436396","seqId":3235851742}]}"#;

    #[test]
    fn the_documented_answer_is_read() {
        let snapshot = read("BTC-USDT", BODY.as_bytes()).unwrap();
        assert_eq!((snapshot.sequence, snapshot.depth_limit), (Some(3_235_851_742), Some(400)));
        assert_eq!(snapshot.exchange_time, Wall::from_millis(1_629_966_436_396));
        assert_eq!(snapshot.bids[0].price.to_string(), "41006.3");
        assert_eq!(snapshot.asks[0].size.to_string(), "0.60038921");
        let named = BODY.replace(r#""ts""#, r#""instId":"BTC-USDT","ts""#);
        assert_eq!(read("BTC-USDT", named.as_bytes()), Ok(snapshot));
        assert_eq!(read("ETH-USDT", named.as_bytes()), Err(DecodeError::WrongSymbol));
    }

    #[test]
    fn other_answers_are_refused() {
        use DecodeError::*;
        let book = &BODY[BODY.find("[{").unwrap() + 1..BODY.len() - 2];
        for (body, want) in [
            (String::new(), Json),
            ("<html><body>502</body></html>".into(), Json),
            ("[]".into(), Json),
            ("{}".into(), MissingField("code")),
            (r#"{"code":"51001","msg":"Instrument ID does not exist","data":[]}"#.into(), BadField("code")),
            (r#"{"code":"0","data":[]}"#.into(), MissingField("data")),
            (BODY.replace(book, &format!("{book},{book}")), BadField("data")),
            (BODY.replace(r#","seqId":3235851742"#, ""), MissingField("seqId")),
            (BODY.replace("3235851742", "null"), MissingField("seqId")),
            (BODY.replace("3235851742", "-1"), BadField("seqId")),
            (BODY.replace("3235851742", "1.5"), BadField("seqId")),
            (BODY.replace("asks", "sales"), MissingField("asks")),
            (BODY.replace(r#"[["41006.3","0.30178218","0","2"]]"#, "null"), BadField("bids")),
            (BODY.replace("41006.3", "x"), BadField("bids")),
            (BODY.replace(r#""ts""#, r#""asks":[],"ts""#), BadField("asks")),
            (format!("{BODY}x"), Json),
        ] {
            assert_eq!(read("BTC-USDT", body.as_bytes()), Err(want), "{body}");
        }
        assert_eq!(read("BTC-USDT", b"\xff"), Err(Json));
        for cut in 0..BODY.len() {
            assert!(read("BTC-USDT", &BODY.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }
}
