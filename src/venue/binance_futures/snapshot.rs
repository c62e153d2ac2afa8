//! Reads a REST depth answer. COIN-M says whose book it is; USD-M does not.
//!
//! Source: <https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data/rest-api/Order-Book>

use crate::engine::event::{DecodeError, Snapshot};
use crate::venue::binance::limits::REST_LEVELS;
use crate::venue::field::{level_pairs, millis, put, required, side, text, whole};
use crate::venue::json::Json;

pub fn read(symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
    let body = std::str::from_utf8(body).map_err(|_| DecodeError::Json)?;
    let (mut id, mut bids, mut asks, mut time, mut whose) = (None, None, None, None, None);
    let mut json = Json::new(body);
    json.object(|key, json| match key {
        "lastUpdateId" => put(&mut id, "lastUpdateId", json.value()?),
        "T" => put(&mut time, "T", json.value()?),
        "symbol" => put(&mut whose, "symbol", json.value()?),
        "bids" => put(&mut bids, "bids", side(json, "bids", level_pairs)?),
        "asks" => put(&mut asks, "asks", side(json, "asks", level_pairs)?),
        _ => json.skip(),
    })?;
    json.end()?;
    let whose = whose.map_or(Ok(None), |whose| text(whose, "symbol"))?;
    if whose.is_some_and(|whose| whose != symbol) {
        return Err(DecodeError::WrongSymbol);
    }
    let id = whole(required(id, "lastUpdateId")?, "lastUpdateId")?;
    Ok(Snapshot {
        cross: None,
        sequence: Some(required(id, "lastUpdateId")?),
        exchange_time: time.map_or(Ok(None), |time| millis(time, "T"))?,
        venue_time: None,
        bids: required(bids, "bids")?,
        asks: required(asks, "asks")?,
        depth_limit: Some(REST_LEVELS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Wall;

    const COINM: &[u8] = br#"{"lastUpdateId":16769853,"symbol":"BTCUSD_PERP","pair":"BTCUSD","E":1591250106370,"T":1591250106368,"bids":[["9638.0","431"]],"asks":[["9638.2","12"]]}"#;

    #[test]
    fn the_documented_answers_are_read() {
        let snapshot = read("BTCUSD_PERP", COINM).unwrap();
        assert_eq!((snapshot.sequence, snapshot.depth_limit), (Some(16_769_853), Some(1_000)));
        assert_eq!(snapshot.exchange_time, Wall::from_millis(1_591_250_106_368));
        assert_eq!(
            (snapshot.bids[0].price.to_string(), snapshot.asks[0].size.to_string()),
            ("9638".into(), "12".into())
        );
        let usdm = br#"{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"bids":[["4.00000000","431.00000000"]],"asks":[]}"#;
        let snapshot = read("BTCUSDT", usdm).unwrap();
        assert_eq!((snapshot.sequence, snapshot.bids.len(), snapshot.asks.len()), (Some(1_027_024), 1, 0));
    }

    #[test]
    fn other_answers_are_refused() {
        use DecodeError::*;
        for (body, want) in [
            (&b""[..], Json),
            (b"\xff", Json),
            (b"[]", Json),
            (br#"{"code":-1121,"msg":"Invalid symbol."}"#, MissingField("lastUpdateId")),
            (br#"{"lastUpdateId":-1,"bids":[],"asks":[]}"#, BadField("lastUpdateId")),
            (br#"{"lastUpdateId":1,"bids":null,"asks":[]}"#, BadField("bids")),
            (br#"{"lastUpdateId":1,"bids":[]}"#, MissingField("asks")),
            (br#"{"lastUpdateId":1,"T":1,"T":1,"bids":[],"asks":[]}"#, BadField("T")),
            (br#"{"lastUpdateId":1,"symbol":7,"bids":[],"asks":[]}"#, BadField("symbol")),
            (br#"{"lastUpdateId":1,"symbol":"ETHUSD_PERP","bids":[],"asks":[]}"#, WrongSymbol),
        ] {
            assert_eq!(read("BTCUSD_PERP", body), Err(want), "{}", String::from_utf8_lossy(body));
        }
        for cut in 0..COINM.len() {
            assert!(read("BTCUSD_PERP", &COINM[..cut]).is_err(), "{cut}");
        }
    }
}
