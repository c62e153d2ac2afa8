//! What a reader's life needs of its WebSocket: the real one, or a simulator's.

use crate::engine::connection::end::EndReason;
use crate::shell::link::Link;
use tungstenite::{Error, Message, WebSocket};

/// What a life needs of its WebSocket. Nothing here waits.
pub trait Socket {
    /// # Errors
    /// As tungstenite's; `WouldBlock` when nothing is there.
    fn read(&mut self) -> Result<Message, Error>;
    /// # Errors
    /// As tungstenite's; `WouldBlock` when the message is kept and has to be flushed.
    fn send(&mut self, message: Message) -> Result<(), Error>;
    /// # Errors
    /// As tungstenite's; `WouldBlock` when something is still kept.
    fn flush(&mut self) -> Result<(), Error>;
    /// A round of reading begins: from here on so much is read before the owner looks at its deadlines again.
    fn begin_round(&mut self) {}
    /// Whether `WouldBlock` means that the round is over: there may be more.
    fn is_round_over(&self) -> bool {
        false
    }
}

impl Socket for WebSocket<Link> {
    fn read(&mut self) -> Result<Message, Error> {
        WebSocket::read(self)
    }

    fn send(&mut self, message: Message) -> Result<(), Error> {
        WebSocket::send(self, message)
    }

    fn flush(&mut self) -> Result<(), Error> {
        WebSocket::flush(self)
    }

    fn begin_round(&mut self) {
        self.get_mut().wire_mut().begin_round();
    }

    fn is_round_over(&self) -> bool {
        self.get_ref().wire().is_round_over()
    }
}

/// Why a life is over whose WebSocket said this.
pub(super) fn end_of_socket(error: &Error) -> EndReason {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => EndReason::PeerClosed { code: None },
        Error::Io(_) | Error::Tls(_) => EndReason::PeerReset,
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            EndReason::PeerReset
        }
        other => EndReason::Protocol(other.to_string()),
    }
}
