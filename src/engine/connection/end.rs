//! Why one life of a connection ended, and what that means for the next. A closed set: these are metric labels.

use std::time::Duration;

use crate::engine::backoff::ASKED_WAIT_MAX;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// DNS, TCP, TLS, upgrade and first frame together took too long.
    ConnectTimeout,
    /// No frame of any kind for too long: the socket is half open, or the venue is stuck.
    IdleTimeout,
    /// A close frame, or the end of the stream.
    PeerClosed { code: Option<u16> },
    /// The socket broke.
    PeerReset,
    /// No connection: nobody listens there, say. The text is the system's.
    Refused(String),
    /// The venue said that it will close soon.
    Notice,
    /// We left before the venue's own limit on a connection's age.
    AgeLimit,
    /// The venue refuses for good: a bad key, no subscription. The text is the venue's.
    Fatal(String),
    /// The venue reported an error after which another connection may work. The text is the venue's.
    VenueError(String),
    /// A subscription was not answered in time.
    AckTimeout,
    /// The peer stopped reading.
    WriteTimeout,
    /// The peer broke the WebSocket protocol, or sent a frame over the bound. The text says how.
    Protocol(String),
    /// The text is the TLS library's.
    TlsFailed(String),
    /// The upgrade was answered with something else.
    UpgradeRefused { status: u16, wait: Option<Duration>, fatal: bool },
    /// The name did not resolve.
    NameNotFound,
    /// Our own control budget does not allow to subscribe before `wait` is over.
    BudgetSpent { wait: Duration },
    /// The planner or a person asked for a fresh connection.
    Requested,
    /// The thread could not be started.
    NoThread,
    /// The daemon, or this feed, stops.
    Stop,
    /// The thread panicked.
    Panic,
}

impl EndReason {
    /// A word for a metric label.
    pub const fn name(&self) -> &'static str {
        match self {
            EndReason::ConnectTimeout => "connect_timeout",
            EndReason::IdleTimeout => "idle_timeout",
            EndReason::PeerClosed { .. } => "peer_closed",
            EndReason::PeerReset => "peer_reset",
            EndReason::Refused(_) => "refused",
            EndReason::Notice => "notice",
            EndReason::AgeLimit => "age_limit",
            EndReason::Fatal(_) => "fatal",
            EndReason::VenueError(_) => "venue_error",
            EndReason::AckTimeout => "ack_timeout",
            EndReason::WriteTimeout => "write_timeout",
            EndReason::Protocol(_) => "protocol",
            EndReason::TlsFailed(_) => "tls_failed",
            EndReason::UpgradeRefused { .. } => "upgrade_refused",
            EndReason::NameNotFound => "name_not_found",
            EndReason::BudgetSpent { .. } => "budget_spent",
            EndReason::Requested => "requested",
            EndReason::NoThread => "no_thread",
            EndReason::Stop => "stop",
            EndReason::Panic => "panic",
        }
    }

    /// Nothing went wrong: the next life may begin at once.
    pub const fn is_planned(&self) -> bool {
        matches!(self, EndReason::Notice | EndReason::AgeLimit)
    }

    /// Only a person can help; tried again all the same, slowly.
    pub const fn is_fatal(&self) -> bool {
        matches!(self, EndReason::Fatal(_) | EndReason::UpgradeRefused { fatal: true, .. })
    }

    /// No attempt before this is over; bounded by [`ASKED_WAIT_MAX`].
    pub fn min_wait(&self) -> Duration {
        match self {
            EndReason::UpgradeRefused { wait: Some(wait), .. } | EndReason::BudgetSpent { wait } => {
                (*wait).min(ASKED_WAIT_MAX)
            }
            _ => Duration::ZERO,
        }
    }
}

/// For the log: the label, and what is known beside it.
impl std::fmt::Display for EndReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        match self {
            EndReason::Fatal(text)
            | EndReason::VenueError(text)
            | EndReason::Refused(text)
            | EndReason::Protocol(text)
            | EndReason::TlsFailed(text) => write!(f, ": {text}"),
            EndReason::PeerClosed { code: Some(code) } => write!(f, ": code {code}"),
            EndReason::UpgradeRefused { status, wait: Some(wait), .. } => {
                write!(f, ": status {status}, not before {} ms", wait.as_millis())
            }
            EndReason::UpgradeRefused { status, .. } => write!(f, ": status {status}"),
            EndReason::BudgetSpent { wait } => write!(f, ": not before {} ms", wait.as_millis()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_bounded_and_labels_are_words() {
        let wait = Some(Duration::MAX);
        let refused = EndReason::UpgradeRefused { status: 401, wait, fatal: true };
        assert_eq!(refused.min_wait(), ASKED_WAIT_MAX);
        assert!(refused.is_fatal() && !refused.is_planned());
        assert_eq!(EndReason::PeerReset.min_wait(), Duration::ZERO);
        assert_eq!(EndReason::Fatal("bad key".into()).to_string(), "fatal: bad key");
        assert_eq!(EndReason::PeerClosed { code: Some(1008) }.to_string(), "peer_closed: code 1008");
        let refused = EndReason::UpgradeRefused { status: 503, wait: None, fatal: false };
        assert_eq!(refused.to_string(), "upgrade_refused: status 503");
        assert!(EndReason::Notice.is_planned() && EndReason::AgeLimit.is_planned());
    }
}
