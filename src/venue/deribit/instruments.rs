//! The instruments of Deribit, options included.
//!
//! Source: <https://docs.deribit.com/api-reference/market-data/public-get_instruments>

use crate::engine::event::DecodeError;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use crate::venue::{RestRequest, Venue};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    result: Listed<Listing<'b>>,
}

#[derive(Deserialize)]
struct Listing<'b> {
    #[serde(borrow)]
    instrument_name: Cow<'b, str>,
    #[serde(borrow)]
    kind: Cow<'b, str>,
    is_active: bool,
    #[serde(borrow)]
    base_currency: Cow<'b, str>,
    #[serde(borrow)]
    quote_currency: Cow<'b, str>,
}

pub fn requests(rest_url: &str) -> Vec<RestRequest> {
    vec![get(rest_url, "/api/v2/public/get_instruments?currency=any")]
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    let answer: Answer<'_> = parse(body)?;
    let active = answer.result.0.into_iter().filter(|one| one.is_active);
    // A dated contract has no canonical name: that of its pair leads to the perpetual.
    Ok(Page::whole(active.filter_map(|one| {
        let kind = if one.kind == "spot" { Kind::Spot } else { Kind::Perpetual };
        let market = Canonical::new(&one.base_currency, &one.quote_currency, kind);
        Instrument::of(venue, &one.instrument_name, Some(market))
    })))
}

#[cfg(test)]
mod tests {
    use crate::venue::deribit::Deribit;
    use crate::venue::instrument::{lines_of, urls_of};

    #[test]
    fn the_list_is_asked_for_and_read() {
        assert_eq!(urls_of(&Deribit), ["http://h/api/v2/public/get_instruments?currency=any"]);
        let body = r#"{"jsonrpc":"2.0","id":1,"result":[
            {"tick_size":2.5,"tick_size_steps":[],"settlement_period":"month","quote_currency":"USD","kind":"future",
             "is_active":true,"instrument_name":"BTC-25DEC26","instrument_type":"reversed","base_currency":"BTC","state":"open"},
            {"settlement_period":"perpetual","quote_currency":"USD","kind":"future","is_active":true,
             "instrument_name":"BTC-PERPETUAL","base_currency":"BTC"},
            {"quote_currency":"USDC","kind":"future","is_active":true,"instrument_name":"SOL_USDC-PERPETUAL",
             "base_currency":"SOL"},
            {"quote_currency":"USDC","kind":"spot","is_active":true,"instrument_name":"BTC_USDC","base_currency":"BTC"},
            {"quote_currency":"BTC","kind":"option","is_active":true,"instrument_name":"BTC-25DEC26-60000-C",
             "base_currency":"BTC"},
            {"quote_currency":"BTC","kind":"option","is_active":false,"instrument_name":"BTC-24APR26-60000-C",
             "base_currency":"BTC"},
            {"quote_currency":"USD","kind":"future_combo","is_active":true,"instrument_name":"BTC-FS-25DEC26_PERP",
             "base_currency":"BTC"}],"usIn":1,"usOut":2,"usDiff":1,"testnet":false}"#;
        assert_eq!(
            lines_of(&Deribit, body),
            [
                "BTC-25DEC26",
                "BTC-PERPETUAL BTC-USD-PERP",
                "SOL_USDC-PERPETUAL SOL-USDC-PERP",
                "BTC_USDC BTC-USDC",
                "BTC-25DEC26-60000-C",
            ]
        );
    }
}
