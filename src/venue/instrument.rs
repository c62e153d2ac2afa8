//! What a venue has to subscribe to, as its own list says.
//!
//! Read when a person asks (`depthd symbols`), never while books are kept. Each venue's `instruments` file reads its own list;
//! here is what they share: bounds, and what may be called by a name that means the same everywhere.

use super::canonical::Canonical;
use super::{RestRequest, Venue};
use crate::engine::event::DecodeError;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Something that can be subscribed and is trading.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Instrument {
    /// The venue's own spelling, as a configuration takes it.
    pub symbol: String,
    /// The name that leads to it on this venue.
    pub canonical: Option<Canonical>,
}

/// One answer to [`Venue::instruments_requests`].
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Page {
    pub instruments: Vec<Instrument>,
    /// The list goes on: the same address with `&cursor=` and this, as it stands in an address, brings the next page.
    pub cursor: Option<String>,
}

impl Page {
    /// A list that comes in one answer.
    pub fn whole(instruments: impl IntoIterator<Item = Instrument>) -> Page {
        Page { instruments: instruments.into_iter().collect(), cursor: None }
    }
}

impl Instrument {
    /// One of `venue`'s list; `None` where a configuration would not take its symbol.
    ///
    /// A canonical name is kept only if it is one and leads back to this symbol: two contracts on one pair have one name, and
    /// it is that of the first.
    pub fn of(venue: &dyn Venue, symbol: &str, market: Option<Canonical>) -> Option<Instrument> {
        venue.check_symbol(symbol).ok()?;
        let leads_back = |market: &Canonical| {
            Canonical::parse(&market.to_string()).as_ref() == Some(market)
                && venue.native(market).as_deref() == Some(symbol)
        };
        Some(Instrument { symbol: symbol.to_owned(), canonical: market.filter(leads_back) })
    }
}

/// The call for a list. It has a budget of its own: a person's patience.
pub fn get(rest_url: &str, path: &str) -> RestRequest {
    RestRequest {
        url: format!("{}{path}", rest_url.trim_end_matches('/')),
        headers: vec![("Accept", "application/json".to_owned())],
        cost: 1,
    }
}

/// Reads a list's JSON, borrowing from it.
pub fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(body).map_err(|_| DecodeError::Json)
}

/// The elements of an array, no more than a page may have.
pub struct Listed<T>(pub Vec<T>);

/// The values of an object, no more than a page may have.
pub struct Values<T>(pub Vec<T>);

/// The longest list known has some ten thousand; a body of the shortest elements would hold millions.
const LISTED_MAX: usize = 100_000;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Bounded(PhantomData)).map(Listed)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Values<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Bounded(PhantomData)).map(Values)
    }
}

struct Bounded<T>(PhantomData<T>);

fn push<T, E: Error>(list: &mut Vec<T>, element: T) -> Result<(), E> {
    if list.len() == LISTED_MAX {
        return Err(E::custom("too long a list"));
    }
    list.push(element);
    Ok(())
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            push(&mut list, element)?;
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some((IgnoredAny, element)) = map.next_entry()? {
            push(&mut list, element)?;
        }
        Ok(list)
    }
}

/// Reads `body` with `venue`, and that cut anywhere or of another shape it is an error; the lines as a person sees them.
#[cfg(test)]
pub fn lines_of(venue: &dyn Venue, body: &str) -> Vec<String> {
    for cut in 0..body.len() {
        assert!(venue.instruments(&body.as_bytes()[..cut]).is_err(), "cut at {cut}");
    }
    for other in
        ["", "null", "1", "\"\"", "[1]", "{}", "[[1],[2]]", "[{\"symbol\":1}]", "<html>", "\u{feff}{}"]
    {
        assert!(venue.instruments(other.as_bytes()).is_err(), "{other}");
    }
    assert!(venue.instruments(b"\xff\xfe").is_err());
    assert!(venue.instruments("[".repeat(100_000).as_bytes()).is_err());
    let page = venue.instruments(body.as_bytes()).expect("the documented shape");
    let line = |one: Instrument| match one.canonical {
        Some(canonical) => format!("{} {canonical}", one.symbol),
        None => one.symbol,
    };
    page.instruments.into_iter().map(line).collect()
}

/// The addresses of `venue`'s list.
#[cfg(test)]
pub fn urls_of(venue: &dyn Venue) -> Vec<String> {
    let requests = venue.instruments_requests("http://h/", None, None).expect("it has a list");
    requests.into_iter().map(|request| request.url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::binance::Binance;
    use crate::venue::canonical::Kind;
    use crate::venue::catalog;

    #[test]
    fn lists_are_bounded() {
        let listed = |n: usize| parse::<Listed<u8>>(format!("[0{}]", ",0".repeat(n - 1)).as_bytes());
        assert_eq!(listed(LISTED_MAX).ok().map(|list| list.0.len()), Some(LISTED_MAX));
        assert!(listed(LISTED_MAX + 1).is_err());
        let values = |text: &str| parse::<Values<u8>>(text.as_bytes()).map(|list| list.0);
        assert_eq!(values(r#"{"a":1,"b":2}"#), Ok(vec![1, 2]));
        assert!(values("[1]").is_err());
        let many: Vec<_> = (0..=LISTED_MAX).map(|n| format!("\"{n}\":0")).collect();
        assert!(values(&format!("{{{}}}", many.join(","))).is_err());
    }

    #[test]
    fn only_names_that_lead_back_are_kept() {
        let of = |symbol: &str, base: &str| {
            let market = Canonical::new(base, "USDT", Kind::Spot);
            Instrument::of(&Binance, symbol, Some(market)).map(|one| one.canonical.map(|c| c.to_string()))
        };
        assert_eq!(of("BTCUSDT", "BTC"), Some(Some("BTC-USDT".to_owned())));
        assert_eq!(of("BTCUSDT", "XBT"), Some(None));
        assert_eq!(of("币USDT", "币"), Some(None), "no name that a configuration would read");
        assert_eq!(of("BTC\u{1b}[2J", "BTC"), None, "nothing that steers a terminal");
    }

    #[test]
    fn canonical_names_do_not_take_the_place_of_a_venues_own() {
        for (venue, own) in [
            ("deribit", "BTC-PERPETUAL"),
            ("deribit", "BTC-27DEC26"),
            ("bybit-linear", "BTC-26DEC25"),
            ("bybit-inverse", "BTC-26DEC25"),
            ("hyperliquid", "BTC"),
            ("okx", "BTC-USDT"),
            ("okx", "BTC-USD-220527"),
            ("coinbase", "BTC-USD"),
            ("coinbase", "BTC-PERP-INTX"),
        ] {
            let venue = catalog::by_name(venue).expect("a venue");
            let native = Canonical::parse(own).and_then(|market| venue.native(&market));
            assert!(native.as_deref().is_none_or(|native| native == own), "{own} became {native:?}");
        }
    }
}
