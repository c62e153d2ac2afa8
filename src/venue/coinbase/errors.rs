//! What an error frame of Coinbase means: `{"type":"error","message":"…","reason":"…"}`, the reason on one feed only.
//!
//! The texts are not documented. Those known are from users' logs; what is not known leads to another attempt.
//! Source: <https://github.com/thrasher-corp/gocryptotrader/pull/1421>
//! Source: <https://docs.cloud.coinbase.com/exchange/docs/websocket-overview> (errors before a hang-up)

use crate::venue::{Control, text};

/// Words that say that it was too much at once, or too slow: another connection may do better. All in lower case.
const TRANSIENT: [&str; 6] =
    ["errslow", "slow consume", "slow read", "rate limit", "too many", "message too big"];

/// Words that say that asking again brings the same.
const LASTING: [&str; 5] = ["authenticat", "unauthorized", "jwt", "subscribe", "malformed"];

/// `message` and `reason` as written, with their escapes.
pub fn meaning(message: &str, reason: &str) -> Control {
    let said = if reason.is_empty() {
        text::message(message)
    } else {
        text::message(&format!("{message}: {reason}"))
    };
    // One that is not a product leaves the others in peace.
    if let Some((before, _)) = said.split_once(" is not a valid product") {
        let named = before.rsplit([' ', ':', '"', '\'']).next().filter(|product| !product.is_empty());
        return Control::Refused { symbol: named.map(str::to_owned), message: said };
    }
    let lower = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if !says(&TRANSIENT) && says(&LASTING) {
        return Control::Fatal { message: said };
    }
    Control::Error { message: said }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vector V7 of the dossier is the first: a channel refused for good is not asked for again soon.
    #[test]
    fn errors_are_told_apart_by_what_helps() {
        let fatal = |message: &str| Control::Fatal { message: message.into() };
        let error = |message: &str| Control::Error { message: message.into() };
        let refused = |symbol: Option<&str>, message: &str| Control::Refused {
            symbol: symbol.map(str::to_owned),
            message: message.into(),
        };
        let keyed = "level2, level3, and full channels now require authentication. See the docs";
        for (message, reason, want) in [
            ("Failed to subscribe", keyed, fatal(&format!("Failed to subscribe: {keyed}"))),
            (
                "Failed to subscribe",
                "No channels provided",
                fatal("Failed to subscribe: No channels provided"),
            ),
            (
                "Failed to subscribe",
                "FOO-BAR is not a valid product",
                refused(Some("FOO-BAR"), "Failed to subscribe: FOO-BAR is not a valid product"),
            ),
            (
                "Failed to subscribe",
                " is not a valid product",
                refused(None, "Failed to subscribe:  is not a valid product"),
            ),
            ("authentication failure", "", fatal("authentication failure")),
            ("ErrSlowConsume", "", error("ErrSlowConsume")),
            ("ErrSlowRead", "", error("ErrSlowRead")),
            ("Message too big", "", error("Message too big")),
            ("Failed to subscribe", "rate limit exceeded", error("Failed to subscribe: rate limit exceeded")),
            ("something \\u00e9lse", "", error("something élse")),
            ("", "", error("")),
        ] {
            assert_eq!(meaning(message, reason), want, "{message}: {reason}");
        }
        let Control::Error { message } = meaning(&"x".repeat(1 << 20), "") else { panic!("an error") };
        assert_eq!(message.len(), text::MESSAGE_BYTES_MAX);
    }
}
