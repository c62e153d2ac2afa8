//! What one Binance connection is subscribed to, and its control plane.

use super::{Product, message};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a stream carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stream {
    Depth,
    Trade,
    BookTicker,
    ForceOrder,
}

/// Streams a connection may hold. Source: binance-spot-api-docs web-socket-streams.md.
const STREAMS_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub struct Session {
    /// Every subscribed name, known or not: unknown ones are acknowledged and stay silent.
    names: Vec<String>,
    /// The names by what they carry.
    wanted: BTreeMap<(Stream, usize), String>,
    /// Whether events come wrapped with their stream's name.
    pub combined: bool,
    /// Under which of the two addresses of USD-M futures it is; `None` where there is one for everything.
    market: Option<bool>,
}

impl Session {
    /// A connection to `/stream` (combined) or `/ws` with the streams of its address, under `/public` or
    /// `/market` for USD-M futures; `None` for any other path.
    pub fn open(path: &str, streams: Option<&str>, symbols: &[String], product: Product) -> Option<Session> {
        let (path, market) = match (product, path.strip_prefix("/public"), path.strip_prefix("/market")) {
            (Product::Usdm, Some(rest), _) => (rest, Some(false)),
            (Product::Usdm, _, Some(rest)) => (rest, Some(true)),
            (Product::Usdm, None, None) => return None,
            _ => (path, None),
        };
        let mut session = Session { market, ..Session::default() };
        if path == "/stream" {
            session.combined = true;
            let names: Vec<&str> = streams.unwrap_or("").split('/').filter(|n| !n.is_empty()).collect();
            session.subscribe(&names, symbols);
        } else {
            let name = path.strip_prefix("/ws")?;
            let name = name.strip_prefix('/').or((name.is_empty()).then_some(""))?;
            if !name.is_empty() {
                session.subscribe(&[name], symbols);
            }
        }
        (session.names.len() <= STREAMS_MAX).then_some(session)
    }

    fn subscribe(&mut self, names: &[&str], symbols: &[String]) {
        for &name in names {
            if self.names.iter().any(|n| n == name) {
                continue;
            }
            self.names.push(name.to_owned());
            // What is asked for at the wrong address is acknowledged and stays silent.
            let is_here = |what| self.market.is_none_or(|market| market == (what == Stream::ForceOrder));
            if let Some(key) = parse(name, symbols).filter(|(what, _)| is_here(*what)) {
                self.wanted.insert(key, name.to_owned());
            }
        }
    }

    /// The stream's name when this connection takes it.
    pub fn stream(&self, what: Stream, symbol: usize) -> Option<&str> {
        self.wanted.get(&(what, symbol)).map(String::as_str)
    }

    /// The event as this connection gets it.
    pub fn dress(&self, stream: &str, event: &str) -> String {
        if self.combined { message::wrapped(stream, event) } else { event.to_owned() }
    }

    /// Answers a request.
    pub fn control(&mut self, text: &str, symbols: &[String]) -> String {
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return error(3, "Invalid JSON: expected value", None);
        };
        let id = match &request["id"] {
            Value::Null => None,
            id @ (Value::Number(_) | Value::String(_)) => Some(id),
            _ => return error(2, "Invalid request: id must be a number or a string", None),
        };
        let names: Option<Vec<&str>> =
            request["params"].as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        let done = |result: Value| json!({"result": result, "id": id}).to_string();
        match (request["method"].as_str(), names) {
            (Some("SUBSCRIBE"), Some(names)) if self.names.len() + names.len() <= STREAMS_MAX => {
                self.subscribe(&names, symbols);
                done(Value::Null)
            }
            (Some("UNSUBSCRIBE"), Some(names)) => {
                self.names.retain(|n| !names.contains(&n.as_str()));
                self.wanted.retain(|_, n| !names.contains(&n.as_str()));
                done(Value::Null)
            }
            (Some("LIST_SUBSCRIPTIONS"), _) => done(json!(self.names)),
            (Some("SET_PROPERTY"), _) => {
                match (request["params"][0].as_str(), request["params"][1].as_bool()) {
                    (Some("combined"), Some(on)) => {
                        self.combined = on;
                        done(Value::Null)
                    }
                    (Some("combined"), None) => error(1, "Invalid value type: expected Boolean", id),
                    _ => error(0, "Unknown property", id),
                }
            }
            (Some("GET_PROPERTY"), _) => done(json!(self.combined)),
            (Some("SUBSCRIBE"), Some(_)) => error(2, "Invalid request: too many parameters", id),
            (Some("SUBSCRIBE" | "UNSUBSCRIBE"), None) => {
                error(2, "Invalid request: params must be strings", id)
            }
            _ => error(2, "Invalid request: unknown variant", id),
        }
    }
}

fn error(code: u8, message: &str, id: Option<&Value>) -> String {
    id.map_or_else(
        || json!({"code": code, "msg": message}).to_string(),
        |id| json!({"code": code, "msg": message, "id": id}).to_string(),
    )
}

/// `btcusdt@depth@100ms` and its kin; `None` for a name that carries nothing here.
fn parse(name: &str, symbols: &[String]) -> Option<(Stream, usize)> {
    let (symbol, what) = name.split_once('@')?;
    let what = match what {
        "depth" | "depth@100ms" | "depth@1000ms" => Stream::Depth,
        "trade" => Stream::Trade,
        "bookTicker" => Stream::BookTicker,
        "forceOrder" => Stream::ForceOrder,
        _ => return None,
    };
    // Stream names are lower case: any other spelling is acknowledged and stays silent.
    let index = symbols.iter().position(|s| s.to_lowercase() == symbol)?;
    Some((what, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols() -> Vec<String> {
        ["BTCUSD", "ETHUSD"].map(str::to_owned).to_vec()
    }

    #[test]
    fn addresses_say_what_is_wanted() {
        let open =
            |path: &str, streams: Option<&str>| Session::open(path, streams, &symbols(), Product::Spot);
        let session =
            open("/stream", Some("btcusd@depth@100ms/ethusd@trade/BTCUSD@trade/x@depth")).expect("open");
        assert_eq!(session.stream(Stream::Depth, 0), Some("btcusd@depth@100ms"));
        assert_eq!(session.stream(Stream::Trade, 1), Some("ethusd@trade"));
        assert_eq!(session.stream(Stream::Trade, 0), None);
        assert_eq!(session.names.len(), 4);
        let raw = open("/ws/btcusd@bookTicker", None).expect("open");
        assert!(!raw.combined && raw.stream(Stream::BookTicker, 0).is_some());
        assert!(open("/ws", None).is_some() && open("/stream", None).is_some());
        assert!(open("/v1/", None).is_none() && open("/wsx", None).is_none());
    }

    #[test]
    fn each_address_of_the_dollar_futures_serves_its_own() {
        let wanted = "btcusd@depth/btcusd@forceOrder";
        for (path, depth, forced) in [("/public/stream", true, false), ("/market/stream", false, true)] {
            let session = Session::open(path, Some(wanted), &symbols(), Product::Usdm).expect("open");
            assert_eq!(session.stream(Stream::Depth, 0).is_some(), depth, "{path}");
            assert_eq!(session.stream(Stream::ForceOrder, 0).is_some(), forced, "{path}");
        }
        assert!(Session::open("/stream", Some(wanted), &symbols(), Product::Usdm).is_none());
        let all = Session::open("/stream", Some(wanted), &symbols(), Product::Coinm).expect("open");
        assert!(all.stream(Stream::Depth, 0).is_some() && all.stream(Stream::ForceOrder, 0).is_some());
    }

    #[test]
    fn requests_are_answered_as_documented() {
        let mut session = Session::open("/ws", None, &symbols(), Product::Spot).expect("open");
        let mut say = |text: &str| session.control(text, &symbols());
        assert_eq!(
            say(r#"{"method":"SUBSCRIBE","params":["btcusd@depth","nope@depth"],"id":1}"#),
            r#"{"id":1,"result":null}"#
        );
        assert_eq!(
            say(r#"{"method":"LIST_SUBSCRIPTIONS","id":"a"}"#),
            r#"{"id":"a","result":["btcusd@depth","nope@depth"]}"#
        );
        assert_eq!(
            say(r#"{"method":"UNSUBSCRIBE","params":["btcusd@depth"],"id":2}"#),
            r#"{"id":2,"result":null}"#
        );
        assert_eq!(
            say(r#"{"method":"SET_PROPERTY","params":["combined",true],"id":5}"#),
            r#"{"id":5,"result":null}"#
        );
        assert!(say("{").contains("\"code\":3"));
        assert!(say(r#"{"method":"JUMP","id":3}"#).contains("\"code\":2"));
        assert!(say(r#"{"method":"SUBSCRIBE","params":[1],"id":3}"#).contains("\"code\":2"));
        assert!(session.combined && session.stream(Stream::Depth, 0).is_none());
    }
}
