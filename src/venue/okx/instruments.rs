//! The instruments of OKX: spot markets, perpetuals and dated futures. Options are listed by underlying only, so not here.
//!
//! Source: <https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments>

use crate::engine::event::DecodeError;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use crate::venue::{RestRequest, Venue};
use serde::Deserialize;
use std::borrow::Cow;

const TYPES: [&str; 3] = ["SPOT", "SWAP", "FUTURES"];

#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    data: Listed<Listing<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing<'b> {
    #[serde(borrow)]
    inst_id: Cow<'b, str>,
    #[serde(borrow)]
    state: Cow<'b, str>,
}

pub fn requests(rest_url: &str) -> Vec<RestRequest> {
    TYPES.iter().map(|kind| get(rest_url, &format!("/api/v5/public/instruments?instType={kind}"))).collect()
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    let answer: Answer<'_> = parse(body)?;
    let live = answer.data.0.into_iter().filter(|one| one.state == "live");
    Ok(Page::whole(live.filter_map(|one| Instrument::of(venue, &one.inst_id, market(&one.inst_id)))))
}

/// What an id says: it is made of the assets.
fn market(id: &str) -> Option<Canonical> {
    let (pair, kind) = match id.strip_suffix("-SWAP") {
        Some(pair) => (pair, Kind::Perpetual),
        None => (id, Kind::Spot),
    };
    pair.split_once('-').map(|(base, quote)| Canonical::new(base, quote, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::instrument::{lines_of, urls_of};
    use crate::venue::okx::Okx;

    #[test]
    fn the_lists_are_asked_for_and_read() {
        let url = |kind: &str| format!("http://h/api/v5/public/instruments?instType={kind}");
        assert_eq!(urls_of(&Okx), TYPES.map(url));
        let body = r#"{"code":"0","msg":"","data":[
            {"alias":"","baseCcy":"BTC","quoteCcy":"USDT","instId":"BTC-USDT","instType":"SPOT","state":"live","tickSz":"0.1"},
            {"alias":"","baseCcy":"","ctType":"linear","ctVal":"0.01","instId":"BTC-USDT-SWAP","instType":"SWAP",
             "settleCcy":"USDT","state":"live","uly":"BTC-USDT"},
            {"instId":"BTC-USD_UM-SWAP","instType":"SWAP","state":"live"},
            {"instId":"BTC-USD-261225","instType":"FUTURES","state":"live"},
            {"instId":"NEW-USDT","instType":"SPOT","state":"preopen"}]}"#;
        assert_eq!(
            lines_of(&Okx, body),
            ["BTC-USDT BTC-USDT", "BTC-USDT-SWAP BTC-USDT-PERP", "BTC-USD_UM-SWAP", "BTC-USD-261225"]
        );
    }
}
