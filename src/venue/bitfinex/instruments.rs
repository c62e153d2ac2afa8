//! The pairs of Bitfinex and its perpetuals, in one answer. Both lists hold what is valid now and say no more.
//!
//! Source: <https://docs.bitfinex.com/reference/rest-public-conf>

use super::symbols;
use crate::engine::event::DecodeError;
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use crate::venue::{RestRequest, Venue};
use std::borrow::Cow;

pub fn requests(rest_url: &str) -> Vec<RestRequest> {
    vec![get(rest_url, "/v2/conf/pub:list:pair:exchange,pub:list:pair:futures")]
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    let lists: Listed<Listed<Cow<'_, str>>> = parse(body)?;
    let pairs = lists.0.iter().flat_map(|list| &list.0);
    Ok(Page::whole(
        pairs.filter_map(|pair| Instrument::of(venue, &format!("t{pair}"), symbols::market(pair))),
    ))
}

#[cfg(test)]
mod tests {
    use crate::venue::bitfinex::Bitfinex;
    use crate::venue::instrument::{lines_of, urls_of};

    #[test]
    fn the_lists_are_asked_for_and_read() {
        assert_eq!(urls_of(&Bitfinex), ["http://h/v2/conf/pub:list:pair:exchange,pub:list:pair:futures"]);
        let body = r#"[["1INCH:USD","BTCUSD","BTCUST","DOGE:UST"],["BTCF0:USTF0","ETHF0:BTCF0"]]"#;
        assert_eq!(
            lines_of(&Bitfinex, body),
            [
                "t1INCH:USD 1INCH-USD",
                "tBTCUSD BTC-USD",
                "tBTCUST BTC-USDT",
                "tDOGE:UST DOGE-USDT",
                "tBTCF0:USTF0 BTC-USDT-PERP",
                "tETHF0:BTCF0 ETH-BTC-PERP",
            ]
        );
    }
}
