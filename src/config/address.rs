//! Checks the addresses of a venue: scheme, host, port, and nothing in them that may not be logged.

use std::net::IpAddr;

/// Longer than any endpoint, short enough for a log line.
const URL_BYTES_MAX: usize = 512;

/// What is noteworthy about an address that is otherwise right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Privacy {
    Encrypted,
    /// In the clear, and never leaves this machine.
    Loopback,
    /// In the clear.
    Open,
}

/// Checks `text` against a pair of schemes: in the clear, encrypted.
///
/// # Errors
/// A sentence saying what is expected. It never repeats what may hold a key.
pub(super) fn check(text: &str, schemes: [&str; 2]) -> Result<Privacy, String> {
    let [open, encrypted] = schemes;
    let expected = |what: &str| format!("{what}: write {encrypted}://host[:port][/path]");
    if text.len() > URL_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(expected("not an address"));
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(|| expected("no scheme"))?;
    let is_encrypted = scheme == encrypted;
    if !is_encrypted && scheme != open {
        return Err(expected("another scheme than this address needs"));
    }
    if rest.contains(['?', '#', '@']) {
        // Addresses are logged and shown; keys come by the ways that are not.
        return Err("must hold no query, fragment or user: a key does not belong in an address".to_owned());
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = host(authority).ok_or_else(|| expected("no host, or a port that is none"))?;
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    Ok(match (is_encrypted, loopback) {
        (true, _) => Privacy::Encrypted,
        (false, true) => Privacy::Loopback,
        (false, false) => Privacy::Open,
    })
}

/// The host of `host`, `host:port` or `[v6]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if let Some(port) = port {
        let _ = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    (!host.is_empty() && host.len() <= 253 && host.bytes().all(legal)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [&str; 2] = ["ws", "wss"];

    #[test]
    fn addresses_are_judged() {
        for (text, privacy) in [
            ("wss://ws.coinapi.io/v1/", Privacy::Encrypted),
            ("wss://stream.binance.com:9443", Privacy::Encrypted),
            ("ws://127.0.0.1:4000/x", Privacy::Loopback),
            ("ws://[::1]:4000", Privacy::Loopback),
            ("ws://localhost", Privacy::Loopback),
            ("ws://example.org", Privacy::Open),
        ] {
            assert_eq!(check(text, SCHEMES), Ok(privacy), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "wss://",
            "wss:///path",
            "https://example.org",
            "example.org",
            "wss://host:0",
            "wss://host:70000",
            "wss://host:",
            "wss://[::1",
            "wss://[zz]:1",
            "wss://ho st",
            "wss://host\r\nX: y",
        ] {
            assert!(check(text, SCHEMES).is_err(), "{text}");
        }
        for text in ["wss://host/?apikey=hunter2", "wss://hunter2@host/"] {
            let why = check(text, SCHEMES).expect_err(text);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
