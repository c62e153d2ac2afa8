//! The little HTTP a venue needs: reads a bounded request head, writes an answer. Pure.

use std::fmt::Write;
use std::time::Duration;

/// Longest request head: the longest honest one (a Binance address with 4 KiB of stream names) fits twice.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// A request without its body: no call of these venues' market data has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    pub method: String,
    /// Path only, percent-encoding undone.
    pub path: String,
    /// Names and values in order, percent-encoding undone.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The client's WebSocket key, when this asks for an upgrade.
    pub fn websocket_key(&self) -> Option<&str> {
        let upgrade = self.header("upgrade")?.eq_ignore_ascii_case("websocket");
        self.header("sec-websocket-key").filter(|_| upgrade)
    }
}

/// What the bytes so far are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parsed {
    Partial,
    /// A head of this many bytes.
    Whole(Head, usize),
    /// Not HTTP, or too long.
    Bad,
}

pub fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if bytes.len() <= HEAD_BYTES_MAX => return Parsed::Partial,
        _ => return Parsed::Bad,
    };
    let (path, query) = target(request.path.unwrap_or("/"));
    let headers = request
        .headers
        .iter()
        .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).trim().to_owned()))
        .collect();
    Parsed::Whole(Head { method: request.method.unwrap_or("").to_owned(), path, query, headers }, length)
}

fn target(target: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect();
    (decoded(path), pairs)
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |c: u8| (c as char).to_digit(16);
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if hex(*a).is_some() && hex(*b).is_some() => {
                out.push((hex(*a).unwrap_or(0) * 16 + hex(*b).unwrap_or(0)) as u8);
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An answer to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Send only so much of the body, then end the connection.
    pub cut_at: Option<usize>,
    /// Send a few bytes at a time.
    pub trickle: Option<Duration>,
}

impl Response {
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Response {
        let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Response { status, headers, body: body.into(), cut_at: None, trickle: None }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Response {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The bytes on the wire.
    pub fn encode(&self, keep_alive: bool) -> Vec<u8> {
        // Writing to a String cannot fail, so the results carry nothing.
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let connection = if keep_alive { "keep-alive" } else { "close" };
        let _ = write!(head, "Content-Length: {}\r\nConnection: {connection}\r\n\r\n", self.body.len());
        let mut out = head.into_bytes();
        let sent = self.cut_at.unwrap_or(self.body.len()).min(self.body.len());
        out.extend_from_slice(&self.body[..sent]);
        out
    }
}

/// The answer that opens a WebSocket.
pub fn switching(key: &str) -> Vec<u8> {
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        550 => "No Data",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_in_any_pieces() {
        let text = b"GET /v1/order%62ooks/A_B%24/current?limit_levels=20&x&=y HTTP/1.1\r\nHost: h\r\n\
                     X-CoinAPI-Key:  k \r\n\r\nrest";
        for cut in 0..text.len() - 4 {
            assert_eq!(parse(&text[..cut]), Parsed::Partial, "{cut}");
        }
        let Parsed::Whole(head, length) = parse(text) else { panic!("whole") };
        assert_eq!(length, text.len() - 4);
        assert_eq!(head.path, "/v1/orderbooks/A_B$/current");
        assert_eq!(head.param("limit_levels"), Some("20"));
        assert_eq!(head.header("x-coinapi-key"), Some("k"));
        assert_eq!(head.websocket_key(), None);
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%c3%a9"), "%zzé");
    }

    #[test]
    fn what_is_no_http_or_endless_is_bad() {
        assert_eq!(parse(b"\x16\x03\x01\x00"), Parsed::Bad);
        let mut endless = b"GET / HTTP/1.1\r\nX: ".to_vec();
        endless.resize(HEAD_BYTES_MAX + 1, b'a');
        assert_eq!(parse(&endless), Parsed::Bad);
    }

    #[test]
    fn a_cut_answer_promises_more_than_it_sends() {
        let mut response = Response::json(200, "0123456789").with("X-A", 7);
        let whole = String::from_utf8(response.encode(true)).expect("text");
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\n") && whole.ends_with("\r\n\r\n0123456789"));
        assert!(whole.contains("X-A: 7\r\n") && whole.contains("Connection: keep-alive\r\n"));
        response.cut_at = Some(4);
        let cut = String::from_utf8(response.encode(false)).expect("text");
        assert!(cut.contains("Content-Length: 10\r\n") && cut.ends_with("\r\n\r\n0123"));
    }
}
