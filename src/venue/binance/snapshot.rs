//! Reads a REST depth answer. It names no symbol: the caller knows which one it asked for.
//!
//! Source: rest-api.md, "Order book".

use super::limits::REST_LEVELS;
use crate::engine::event::{DecodeError, Snapshot};
use crate::venue::field::{level_pairs, put, required, side, whole};
use crate::venue::json::Json;

pub fn read(body: &[u8]) -> Result<Snapshot, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::Json)?;
    let (mut id, mut bids, mut asks) = (None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "lastUpdateId" => put(&mut id, "lastUpdateId", json.value()?),
        "bids" => put(&mut bids, "bids", side(json, "bids", level_pairs)?),
        "asks" => put(&mut asks, "asks", side(json, "asks", level_pairs)?),
        _ => json.skip(),
    })?;
    json.end()?;
    let id = whole(required(id, "lastUpdateId")?, "lastUpdateId")?;
    Ok(Snapshot {
        cross: None,
        sequence: Some(required(id, "lastUpdateId")?),
        exchange_time: None,
        venue_time: None,
        bids: required(bids, "bids")?,
        asks: required(asks, "asks")?,
        depth_limit: Some(REST_LEVELS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answer_is_read() {
        let body = br#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}"#;
        let snapshot = read(body).unwrap();
        assert_eq!((snapshot.sequence, snapshot.depth_limit), (Some(160), Some(1_000)));
        assert_eq!(snapshot.bids[0].price.to_string(), "0.0024");
        assert_eq!(snapshot.asks[0].size.to_string(), "100");
    }

    #[test]
    fn other_answers_are_refused() {
        use DecodeError::*;
        for (body, want) in [
            (&b""[..], Json),
            (b"<html><body>502</body></html>", Json),
            (b"\xff\xfe", Json),
            (b"[]", Json),
            (b"{}", MissingField("lastUpdateId")),
            (br#"{"code":-1121,"msg":"Invalid symbol."}"#, MissingField("lastUpdateId")),
            (br#"{"lastUpdateId":1,"bids":[]}"#, MissingField("asks")),
            (br#"{"lastUpdateId":1,"bids":null,"asks":[]}"#, BadField("bids")),
            (br#"{"lastUpdateId":null,"bids":[],"asks":[]}"#, MissingField("lastUpdateId")),
            (br#"{"lastUpdateId":1.5,"bids":[],"asks":[]}"#, BadField("lastUpdateId")),
            (br#"{"lastUpdateId":1,"bids":[],"asks":[],"bids":[]}"#, BadField("bids")),
            (br#"{"lastUpdateId":1,"bids":[],"asks":[]}x"#, Json),
        ] {
            assert_eq!(read(body), Err(want), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_cut_body_is_refused_wherever_it_is_cut() {
        let body = br#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}"#;
        for cut in 0..body.len() {
            assert!(read(&body[..cut]).is_err(), "{cut}");
        }
    }
}
