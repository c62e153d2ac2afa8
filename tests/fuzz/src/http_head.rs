//! Request heads: the gate's verdict against a strict reader by lines, and an answer to whatever is let through.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::Level;
use depthd::engine::evidence::Evidence;
use depthd::engine::state::State;
use depthd::engine::stats::Stats;
use depthd::engine::time::{Mono, Stamp};
use depthd::engine::view::{BookTop, BookView, LiquidationView, TradeView};
use depthd::http::counters::Counters;
use depthd::http::head::{self, Request};
use depthd::http::limits::{HEAD_BYTES_MAX, HEADER_LINES_MAX, TARGET_BYTES_MAX};
use depthd::http::refusal::Refusal;
use depthd::http::routes::Router;
use depthd::http::{Ask, Source};
use std::sync::{Arc, LazyLock};

pub fn run(data: &[u8]) {
    let verdict = head::parse(data);
    grows(data, &verdict);
    let within = &data[..data.len().min(HEAD_BYTES_MAX)];
    match verdict {
        Ok(None) => assert!(data.len() < HEAD_BYTES_MAX, "a full buffer and no verdict"),
        Ok(Some(request)) => {
            let (target, head_only) = strict(within).expect("let through, so it is beyond doubt");
            assert_eq!((request.target.as_str(), request.head_only), (target, head_only));
            assert!(target.len() <= TARGET_BYTES_MAX);
            rewritten(&request);
            answer(&request);
        }
        Err(refusal) => {
            assert!(
                strict(within).is_none() || refusal != Refusal::Malformed || is_odd(within),
                "refused: {refusal:?}"
            );
            let response = String::from_utf8(refusal.response()).expect("text");
            assert!(response.starts_with(&format!("HTTP/1.1 {} ", refusal.status())));
        }
    }
}

/// As a gate does that gets a head in a few pieces, and answers it.
pub fn work(data: &[u8]) {
    if let Ok(Some(request)) = head::parse(data) {
        drop(ROUTER.answer(&request.target));
    }
}

/// As a gate does that gets a head a byte at a time: all that one connection may cost.
pub fn work_slowly(data: &[u8]) {
    for end in 1..=data.len().min(HEAD_BYTES_MAX) {
        if !matches!(head::parse(&data[..end]), Ok(None)) {
            return;
        }
    }
}

/// A verdict on the beginning is a verdict on the whole.
fn grows(data: &[u8], whole: &Result<Option<Request>, Refusal>) {
    for part in 1..4 {
        let beginning = &data[..data.len() * part / 4];
        match head::parse(beginning) {
            Ok(None) => {}
            Ok(Some(request)) => assert_eq!(Ok(Some(request)), *whole, "more bytes, another request"),
            Err(_) => assert!(whole.is_err(), "refused, then let through"),
        }
    }
}

/// tiny_http must see one request without a body, and the same target.
fn rewritten(request: &Request) {
    let text = request.rewritten();
    assert_eq!(head::parse(text.as_bytes()), Ok(Some(request.clone())));
    assert_eq!((text.find("\r\n\r\n"), text.matches('\n').count()), (Some(text.len() - 4), 4));
}

/// The target and whether only the head is asked for, when there is no doubt at all about a head.
fn strict(data: &[u8]) -> Option<(&str, bool)> {
    // Empty lines before a request are nothing; the first one after its first line ends it.
    let mut data = data;
    while let Some(rest) = data.strip_prefix(b"\r\n").or_else(|| data.strip_prefix(b"\n")) {
        data = rest;
    }
    let plain = data.windows(2).position(|two| two == b"\n\n");
    let proper = data.windows(3).position(|three| three == b"\n\r\n");
    let text = &data[..plain.into_iter().chain(proper).min()?];
    let mut lines = text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.by_ref().find(|line| !line.is_empty())?;
    let mut words = std::str::from_utf8(first).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let head_only = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return None,
    };
    let old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return None,
    };
    let plain = target.starts_with('/') && target.bytes().all(|b| b.is_ascii_graphic());
    if words.next().is_some() || !plain || target.len() > TARGET_BYTES_MAX {
        return None;
    }
    let (mut hosts, mut lengths, mut count) = (0, Vec::new(), 0);
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|b| *b == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        count += 1;
        match name.to_ascii_lowercase().as_slice() {
            b"host" => hosts += 1,
            b"transfer-encoding" => return None,
            b"content-length" => lengths.push(value),
            _ => {}
        }
    }
    let none = lengths.iter().all(|length| !length.is_empty() && length.iter().all(|b| *b == b'0'));
    let one = lengths.windows(2).all(|two| two[0] == two[1]);
    let sure = none && one && (hosts == 1 || (hosts == 0 && old)) && count <= HEADER_LINES_MAX;
    sure.then_some((target, head_only))
}

/// Bytes that the reader by lines does not look at and a careful one may refuse: controls, names that are no tokens.
fn is_odd(data: &[u8]) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let name = |line: &[u8]| {
        line.split(|b| *b == b':')
            .next()
            .is_some_and(|name| !name.is_empty() && name.iter().all(|b| is_token(*b)))
    };
    let controls = data.iter().any(|b| (*b < 0x20 && *b != b'\r' && *b != b'\n') || *b == 0x7f);
    let returns = data
        .iter()
        .enumerate()
        .any(|(i, b)| *b == b'\r' && data.get(i + 1).is_some_and(|next| *next != b'\n'));
    let lines = data.split(|b| *b == b'\n').filter(|line| !line.is_empty() && *line != b"\r");
    controls
        || returns
        || lines.skip(1).any(|line| !name(line))
        || data.starts_with(b"\n")
        || data.starts_with(b"\r")
}

static ROUTER: LazyLock<Router> = LazyLock::new(|| Router {
    source: Arc::new(One),
    counters: Arc::new(Counters::default()),
    clock: Arc::new(|| Stamp { mono: Mono::from_nanos(10), ..Stamp::ZERO }),
    thresholds: Default::default(),
    connections_max: 8,
});

/// Whatever is asked: an answer with a known status, within its bound, JSON where it says so.
fn answer(request: &Request) {
    let answer = ROUTER.answer(&request.target);
    assert!([200, 400, 404, 409, 503, 504].contains(&answer.status), "{}: {}", request.target, answer.status);
    if answer.content_type == "application/json" {
        let text = std::str::from_utf8(&answer.body).expect("text");
        assert!(crate::slow::is_json(text), "{text}");
        assert!(
            answer.status == 200 || text.len() < 4 * TARGET_BYTES_MAX,
            "{} bytes of an error",
            text.len()
        );
    }
}

/// One feed with one book.
struct One;

impl One {
    fn top() -> BookTop {
        let level =
            Level { price: Decimal::new(5, 1).expect("fits"), size: Decimal::new(1, 0).expect("fits") };
        BookTop { state: State::Live, bid: Some(level), ..BookTop::EMPTY }
    }

    fn known(feed: &str, symbol: &str) -> Result<(), Ask> {
        match (feed, symbol) {
            ("a", "BNBBTC") => Ok(()),
            ("a", "BUSY") => Err(Ask::Busy),
            ("a", _) => Err(Ask::UnknownBook),
            _ => Err(Ask::UnknownFeed),
        }
    }
}

impl Source for One {
    fn evidence(&self) -> Vec<(String, Evidence)> {
        Vec::new()
    }

    fn stats(&self) -> Stats {
        Stats::default()
    }

    fn books(&self) -> Vec<(String, String, BookTop)> {
        vec![("a".to_owned(), "BNBBTC".to_owned(), One::top())]
    }

    fn book(&self, feed: &str, symbol: &str, depth: usize) -> Result<BookView, Ask> {
        One::known(feed, symbol)?;
        assert!((1..=5_000).contains(&depth), "{depth} levels asked for");
        let (bids, asks) = (One::top().bid.into_iter().collect(), Vec::new());
        let (feed, symbol) = (feed.to_owned(), symbol.to_owned());
        Ok(BookView { feed, symbol, top: One::top(), exact_low: None, exact_high: None, bids, asks })
    }

    fn trades(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<TradeView>, Ask> {
        assert!((1..=1_000).contains(&limit), "{limit} trades asked for");
        One::known(feed, symbol).map(|()| Vec::new())
    }
    fn liquidations(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<LiquidationView>, Ask> {
        assert!((1..=1_000).contains(&limit), "{limit} liquidations asked for");
        One::known(feed, symbol).map(|()| Vec::new())
    }
}
