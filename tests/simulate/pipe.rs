//! One WebSocket in memory: what is on its way to the reader with the time it arrives, and what the reader sent.

use depthd::engine::time::Mono;
use depthd::shell::clock::Hand;
use depthd::shell::reader::Socket;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Bytes, Error, Message};

/// What arrives.
#[derive(Debug)]
pub enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Ping,
    Pong,
    Close(u16),
    /// The stream ends without a close frame.
    Fin,
    Reset,
    BadUtf8,
    ReservedBit,
    Oversize,
}

#[derive(Default, Debug)]
pub struct Pipe {
    pub inbox: VecDeque<(Mono, Frame)>,
    /// Bytes of texts not read yet.
    pub unread_bytes: usize,
    pub outbox: Vec<Message>,
    /// Until then the link takes no bytes from the reader.
    pub blocked_until: Mono,
    kept: Vec<Message>,
    /// Text and binary messages read, and the texts of the present turn.
    pub read: u64,
    pub turn: Vec<tungstenite::Utf8Bytes>,
}

impl Pipe {
    pub fn push(&mut self, at: Mono, frame: Frame) {
        if let Frame::Text(text) = &frame {
            self.unread_bytes += text.len();
        }
        self.inbox.push_back((at, frame));
    }
}

/// The reader's end.
pub struct MemorySocket {
    pub pipe: Rc<RefCell<Pipe>>,
    pub hand: Rc<Hand>,
}

fn would_block() -> Error {
    Error::Io(io::Error::from(ErrorKind::WouldBlock))
}

impl Socket for MemorySocket {
    fn read(&mut self) -> Result<Message, Error> {
        let mut pipe = self.pipe.borrow_mut();
        let now = self.hand.now();
        if pipe.inbox.front().is_none_or(|(at, _)| *at > now) {
            return Err(would_block());
        }
        let Some((_, frame)) = pipe.inbox.pop_front() else { return Err(would_block()) };
        match frame {
            Frame::Text(text) => {
                pipe.unread_bytes -= text.len();
                pipe.read += 1;
                let message = Message::text(text);
                if let Message::Text(text) = &message {
                    pipe.turn.push(text.clone());
                }
                Ok(message)
            }
            Frame::Binary(bytes) => {
                pipe.read += 1;
                Ok(Message::binary(bytes))
            }
            Frame::Ping => {
                pipe.outbox.push(Message::Pong(Bytes::new()));
                Ok(Message::Ping(Bytes::new()))
            }
            Frame::Pong => Ok(Message::Pong(Bytes::new())),
            Frame::Close(code) => {
                Ok(Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() })))
            }
            Frame::Fin => Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)),
            Frame::Reset => Err(Error::Io(io::Error::from(ErrorKind::ConnectionReset))),
            Frame::BadUtf8 => Err(Error::Utf8("invalid utf-8 sequence".to_owned())),
            Frame::ReservedBit => Err(Error::Protocol(ProtocolError::NonZeroReservedBits)),
            Frame::Oversize => {
                Err(Error::Capacity(CapacityError::MessageTooLong { size: 1 << 30, max_size: 16 << 20 }))
            }
        }
    }

    fn send(&mut self, message: Message) -> Result<(), Error> {
        self.pipe.borrow_mut().kept.push(message);
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.blocked_until > self.hand.now() {
            return Err(would_block());
        }
        let kept = std::mem::take(&mut pipe.kept);
        pipe.outbox.extend(kept);
        Ok(())
    }
}
