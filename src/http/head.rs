//! Reads request heads. Pure: bytes in, a verdict out, for any bytes at all.
//!
//! Stricter than HTTP asks for where two readers could disagree about where a request ends, since tiny_http behind
//! us is lenient there. What passes is written anew by [`Request::rewritten`]; no byte of a header is handed on.

use crate::http::limits::{HEAD_BYTES_MAX, HEADER_LINES_MAX, TARGET_BYTES_MAX};
use crate::http::refusal::Refusal;

/// A request worth answering.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// HEAD: the same answer without its body.
    pub head_only: bool,
    /// Path and query, printable ASCII, starting with `/`.
    pub target: String,
}

impl Request {
    /// The request as tiny_http gets it.
    pub fn rewritten(&self) -> String {
        let method = if self.head_only { "HEAD" } else { "GET" };
        format!("{method} {} HTTP/1.1\r\nHost: depthd\r\nConnection: close\r\n\r\n", self.target)
    }
}

/// Reads what has arrived so far. `Ok(None)`: not all of it is here yet.
///
/// # Errors
/// The [`Refusal`] to answer with, as early as it is certain.
pub fn parse(bytes: &[u8]) -> Result<Option<Request>, Refusal> {
    let mut lines = [httparse::EMPTY_HEADER; HEADER_LINES_MAX];
    let mut head = httparse::Request::new(&mut lines);
    let within = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    let status = head.parse(within).map_err(|e| match e {
        httparse::Error::TooManyHeaders => Refusal::HeadTooLarge,
        httparse::Error::Version => Refusal::Version,
        _ => Refusal::Malformed,
    });
    // A target that is too long is told as such even when the head never ends.
    if head.path.is_some_and(|p| p.len() > TARGET_BYTES_MAX) {
        return Err(Refusal::TargetTooLong);
    }
    if status?.is_partial() {
        return match bytes.len() < HEAD_BYTES_MAX {
            true => Ok(None),
            false if head.path.is_none() => Err(Refusal::TargetTooLong),
            false => Err(Refusal::HeadTooLarge),
        };
    }
    let head_only = match head.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err(Refusal::Method),
    };
    check_framing(head.headers, head.version)?;
    match head.path {
        Some(target) if target.starts_with('/') && target.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(Request { head_only, target: target.to_owned() }))
        }
        _ => Err(Refusal::Malformed),
    }
}

/// Where the request ends must be beyond doubt: right after its head.
fn check_framing(headers: &[httparse::Header<'_>], version: Option<u8>) -> Result<(), Refusal> {
    let named = |name: &'static str| headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name));
    if named("Transfer-Encoding").next().is_some() {
        return Err(Refusal::TransferEncoding);
    }
    let mut lengths = named("Content-Length").map(|h| h.value);
    if let Some(first) = lengths.next() {
        if first.is_empty() || !first.iter().all(u8::is_ascii_digit) || lengths.any(|other| other != first) {
            return Err(Refusal::Malformed);
        }
        if first.iter().any(|b| *b != b'0') {
            return Err(Refusal::Body);
        }
    }
    // HTTP/1.1 demands exactly one; more than one has fooled proxies.
    match named("Host").count() {
        1 => Ok(()),
        0 if version == Some(0) => Ok(()),
        _ => Err(Refusal::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, want: Result<&str, Refusal>) {
        let got = parse(head.as_bytes()).map(|r| r.expect("a whole head").target);
        assert_eq!(got, want.map(str::to_owned), "{head:?}");
    }

    #[test]
    fn what_is_asked_plainly_passes() {
        check("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Ok("/"));
        check("GET /health?a=%20b HTTP/1.0\r\n\r\n", Ok("/health?a=%20b"));
        check("HEAD /x HTTP/1.1\r\nhost: x\r\nContent-Length: 0\r\n\r\nGET /y HTTP/1.1\r\n", Ok("/x"));
        let request = parse(b"HEAD /x HTTP/1.1\r\nHost: evil\r\nX: y\r\n\r\n").unwrap().unwrap();
        assert_eq!(request.rewritten(), "HEAD /x HTTP/1.1\r\nHost: depthd\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        use Refusal::{Body, HeadTooLarge, Malformed, Method, TargetTooLong, TransferEncoding, Version};
        let get = |lines: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        check(&get("Content-Length: 200000000000\r\n"), Err(Body));
        check(&get("Content-Length: 18446744073709551616\r\n"), Err(Body));
        check(&get("Content-Length: -5\r\n"), Err(Malformed));
        check(&get("Content-Length: +5\r\n"), Err(Malformed));
        check(&get("Content-Length: 0, 0\r\n"), Err(Malformed));
        check(&get("Content-Length: 0\r\nContent-Length: 5\r\n"), Err(Malformed));
        check(&get("Content-Length:\r\n"), Err(Malformed));
        check(&get("Transfer-Encoding: chunked\r\n"), Err(TransferEncoding));
        check(&get("transfer-encoding: identity\r\n"), Err(TransferEncoding));
        check(&get("Host: y\r\n"), Err(Malformed));
        check(&get(" folded\r\n"), Err(Malformed));
        check(&get("no colon\r\n"), Err(Malformed));
        check(&get("Transfer-Encoding : chunked\r\n"), Err(Malformed));
        check("GET / HTTP/1.1\r\n\r\n", Err(Malformed));
        check("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", Err(Malformed));
        check("GET /\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n", Err(Malformed));
        check("GET / HTTP/2.0\r\nHost: x\r\n\r\n", Err(Version));
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Err(Version));
        check("GET / HTTP/1.9\r\nHost: x\r\n\r\n", Err(Version));
        check("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000000\r\n\r\n", Err(Method));
        check("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", Err(Method));
        check("\u{16}\u{3}\u{1}", Err(Malformed));
        check(&get(&"a: b\r\n".repeat(64)), Err(HeadTooLarge));
        check(&get(&format!("a: {}\r\n", "b".repeat(5000))), Err(HeadTooLarge));
        check(&format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(512)), Err(TargetTooLong));
        check(&format!("GET /{}", "a".repeat(5000)), Err(TargetTooLong));
        check(&"\r\n".repeat(3000), Err(TargetTooLong));
    }

    #[test]
    fn any_prefix_of_a_head_is_not_all_of_it_yet() {
        let head = get_with_cookie();
        for cut in 0..head.len() {
            assert_eq!(parse(&head.as_bytes()[..cut]), Ok(None), "{cut}");
        }
        assert!(parse(head.as_bytes()).unwrap().is_some());
    }

    fn get_with_cookie() -> String {
        format!("GET /api/books HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "c".repeat(1000))
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_get_a_verdict(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..6000)) {
            let _ = parse(&bytes);
        }

        /// A head with one byte changed may pass or not, and whatever passes can be written anew on one line.
        #[test]
        fn a_spoiled_head_injects_nothing(at in 0usize..1060, byte in proptest::num::u8::ANY) {
            let mut bytes = get_with_cookie().into_bytes();
            let at = at.min(bytes.len() - 1);
            bytes[at] = byte;
            if let Ok(Some(request)) = parse(&bytes) {
                proptest::prop_assert_eq!(request.rewritten().matches("\r\n").count(), 4);
                proptest::prop_assert!(request.target.len() <= TARGET_BYTES_MAX);
            }
        }
    }
}
