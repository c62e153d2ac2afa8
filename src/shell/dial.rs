//! Opens a WebSocket: addresses, TCP, TLS and upgrade under one deadline, interruptible in every phase.

use crate::engine::time::{Mono, Wall};
use crate::shell::clock::Clock;
use crate::shell::link::{Link, OpenError, Target};
use crate::shell::wake::Wake;
use crate::venue::{Dial, RestReply, UpgradeRefusal, Venue};
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::{HeaderName, HeaderValue, Uri};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, WebSocket};

/// Best over quiet and busy feeds: every read clears a buffer of this size, and one of 128 KiB (the default) costs
/// three times as much on a quiet feed, while 8 KiB makes large frames move about.
const READ_BUFFER_BYTES: usize = 32 * 1024;
/// What we write are subscriptions; the largest is a few KiB, and an unlimited buffer has no place here.
const WRITE_BUFFER_MAX_BYTES: usize = 1024 * 1024;

/// Why there is no connection.
#[derive(Debug)]
pub enum DialError {
    Open(OpenError),
    /// The venue answered, but not with an upgrade.
    Refused {
        status: u16,
        refusal: UpgradeRefusal,
    },
    /// The peer does not speak WebSocket as it should.
    Protocol(String),
    /// The address or a header is not one. Configuration lets none of these through.
    BadRequest(String),
}

/// Splits an address into what the resolver and TLS need. `None` when it is no `ws`, `wss`, `http` or `https` address.
pub fn target(url: &str) -> Option<Target> {
    let uri: Uri = url.parse().ok()?;
    let tls = match uri.scheme_str()? {
        "wss" | "https" => true,
        "ws" | "http" => false,
        _ => return None,
    };
    // An IPv6 address stands in brackets in an address, and without them everywhere else.
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return None;
    }
    Some(Target { host, port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }), tls })
}

/// What every attempt needs.
pub struct Dialer<'a> {
    pub venue: &'a dyn Venue,
    pub dial: &'a Dial,
    pub target: &'a Target,
    pub tls: &'a Arc<ClientConfig>,
    pub wake: &'a Arc<Wake>,
    pub clock: &'a Clock,
    pub message_bytes_max: usize,
}

impl Dialer<'_> {
    /// Connects, shakes hands and upgrades before `deadline`. `opened` is given the link before the upgrade, so that its
    /// owner can shut the socket from outside.
    ///
    /// # Errors
    /// See [`DialError`]; nothing is left open.
    pub fn open(
        &self,
        addresses: &[SocketAddr],
        deadline: Mono,
        opened: impl FnOnce(&Link),
    ) -> Result<WebSocket<Link>, DialError> {
        let link = Link::open(self.target, addresses, self.tls, self.wake, self.clock, deadline)
            .map_err(DialError::Open)?;
        opened(&link);
        let mut request =
            self.dial.url.as_str().into_client_request().map_err(|e| DialError::BadRequest(e.to_string()))?;
        for (name, value) in &self.dial.headers {
            // The value may be a key: the error must not show it.
            let value = HeaderValue::from_str(value).map_err(|_| {
                DialError::BadRequest(format!("the value of header {name} has a forbidden character"))
            })?;
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|e| DialError::BadRequest(e.to_string()))?;
            request.headers_mut().insert(name, value);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_MAX_BYTES)
            .max_message_size(Some(self.message_bytes_max))
            .max_frame_size(Some(self.message_bytes_max));
        match tungstenite::client::client_with_config(request, link, Some(config)) {
            Ok((socket, _)) => Ok(socket),
            Err(HandshakeError::Failure(e)) => Err(self.failure(e)),
            // The wire waits by itself until the deadline, so an unfinished handshake is a passed deadline.
            Err(HandshakeError::Interrupted(_)) => Err(DialError::Open(OpenError::TimedOut)),
        }
    }

    fn failure(&self, error: Error) -> DialError {
        match error {
            Error::Http(response) => {
                let status = response.status().as_u16();
                let headers = pairs(response.headers());
                let body = response.body().as_deref().unwrap_or_default();
                refused(self.venue, &RestReply { status, headers: &headers, body }, self.now())
            }
            Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => DialError::Open(OpenError::TimedOut),
            Error::Io(_) if self.wake.is_stopped() => DialError::Open(OpenError::Stopped),
            Error::Io(e) => DialError::Open(OpenError::Connect(e)),
            other => DialError::Protocol(other.to_string()),
        }
    }

    fn now(&self) -> Wall {
        self.clock.stamp().wall
    }
}

/// The upgrade was answered with something else.
pub fn refused(venue: &dyn Venue, reply: &RestReply<'_>, now: Wall) -> DialError {
    DialError::Refused { status: reply.status, refusal: venue.upgrade_refused(reply, now) }
}

/// Headers as lower-case pairs; what is not text is left out.
pub fn pairs(headers: &tungstenite::http::HeaderMap) -> Vec<(String, String)> {
    headers.iter().filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let check = |url: &str, want: Option<(&str, u16, bool)>| {
            let got = target(url);
            assert_eq!(got.as_ref().map(|t| (t.host.as_str(), t.port, t.tls)), want, "{url}");
        };
        check("wss://ws.coinapi.io/v1/", Some(("ws.coinapi.io", 443, true)));
        check("wss://stream.binance.com:9443/stream?streams=a", Some(("stream.binance.com", 9443, true)));
        check("ws://127.0.0.1:4000", Some(("127.0.0.1", 4000, false)));
        check("http://[::1]:80/x", Some(("::1", 80, false)));
        check("ftp://host/", None);
        check("nonsense", None);
        check("", None);
    }
}
