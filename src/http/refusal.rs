//! The answers the gate gives itself, and the shape of every error body.

use std::fmt::Write;

/// Why a request goes no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Not HTTP, or HTTP that two readers could read in two ways.
    Malformed,
    /// Neither GET nor HEAD.
    Method,
    /// The head did not come in time.
    TooSlow,
    /// A request with a body.
    Body,
    TargetTooLong,
    HeadTooLarge,
    TransferEncoding,
    Version,
    /// No free slot, or no room for an answer.
    Full,
    /// This source holds enough connections.
    PerSource,
    /// The answering side did not answer in time.
    NoAnswer,
    /// The answering side failed.
    Failed,
}

impl Refusal {
    pub const ALL: [Refusal; 12] = [
        Refusal::Malformed,
        Refusal::Method,
        Refusal::TooSlow,
        Refusal::Body,
        Refusal::TargetTooLong,
        Refusal::HeadTooLarge,
        Refusal::TransferEncoding,
        Refusal::Version,
        Refusal::Full,
        Refusal::PerSource,
        Refusal::NoAnswer,
        Refusal::Failed,
    ];

    pub const fn status(self) -> u16 {
        match self {
            Refusal::Malformed => 400,
            Refusal::Method => 405,
            Refusal::TooSlow => 408,
            Refusal::Body => 413,
            Refusal::TargetTooLong => 414,
            Refusal::HeadTooLarge => 431,
            Refusal::Failed => 500,
            Refusal::TransferEncoding => 501,
            Refusal::Full | Refusal::PerSource => 503,
            Refusal::NoAnswer => 504,
            Refusal::Version => 505,
        }
    }

    const fn code_and_message(self) -> (&'static str, &'static str) {
        match self {
            Refusal::Malformed => ("malformed_request", "this is not a request HTTP/1.1 allows"),
            Refusal::Method => ("method_not_allowed", "only GET and HEAD are answered here"),
            Refusal::TooSlow => ("request_timeout", "the request did not arrive within 2 seconds"),
            Refusal::Body => ("body_refused", "no request here takes a body"),
            Refusal::TargetTooLong => ("target_too_long", "the path and query exceed 512 bytes"),
            Refusal::HeadTooLarge => ("head_too_large", "the request head exceeds 4 KiB or 64 lines"),
            Refusal::TransferEncoding => {
                ("transfer_encoding", "requests with Transfer-Encoding are not taken")
            }
            Refusal::Version => ("version", "only HTTP/1.0 and HTTP/1.1 are spoken here"),
            Refusal::Full => ("busy", "all connections are taken, try again in a moment"),
            Refusal::PerSource => {
                ("too_many_connections", "this address holds as many connections as it may")
            }
            Refusal::NoAnswer => ("timeout", "no answer was ready in time"),
            Refusal::Failed => ("internal", "the answer could not be made"),
        }
    }

    /// The whole response.
    pub fn response(self) -> Vec<u8> {
        let (code, message) = self.code_and_message();
        let body = error_body(code, message);
        let reason = reason(self.status());
        let extra = match self {
            Refusal::Method => "Allow: GET, HEAD\r\n",
            Refusal::Full | Refusal::PerSource => "Retry-After: 1\r\n",
            _ => "",
        };
        format!(
            "HTTP/1.1 {} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Cache-Control: no-store\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            self.status(),
            body.len()
        )
        .into_bytes()
    }
}

/// The body of every error. `message` may quote a client: it is escaped.
pub fn error_body(code: &str, message: &str) -> String {
    let mut body = String::with_capacity(64 + code.len() + message.len());
    // A string always serializes and a String takes every write.
    let quoted = serde_json::to_string(message).unwrap_or_else(|_| "\"\"".to_owned());
    let _ = write!(body, r#"{{"success":false,"error":{{"code":"{code}","message":{quoted}}}}}"#);
    body
}

const fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_whole_response() {
        for refusal in Refusal::ALL {
            let bytes = refusal.response();
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut parsed = httparse::Response::new(&mut headers);
            let Ok(httparse::Status::Complete(head)) = parsed.parse(&bytes) else { panic!("{refusal:?}") };
            let length = parsed.headers.iter().find(|h| h.name == "Content-Length").expect("a length").value;
            assert_eq!(std::str::from_utf8(length).unwrap().parse(), Ok(bytes.len() - head), "{refusal:?}");
            assert_ne!(parsed.reason, Some("Error"), "{refusal:?}");
            let body: serde_json::Value = serde_json::from_slice(&bytes[head..]).expect("JSON");
            assert_eq!(body["success"], false);
        }
    }

    #[test]
    fn messages_are_escaped() {
        let body: serde_json::Value =
            serde_json::from_str(&error_body("x", "a\"b\\c\n<\u{1}>")).expect("JSON");
        assert_eq!(body["error"]["message"], "a\"b\\c\n<\u{1}>");
    }
}
