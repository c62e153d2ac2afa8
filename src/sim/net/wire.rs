//! The bytes of one socket, in memory: what came in and was not read, what goes out and was not written.
//!
//! tungstenite reads and answers through it without ever seeing a socket, and frames of our own, right or wrong, are put
//! between its frames. Nothing here blocks.

use std::io::{self, Read, Write};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

#[derive(Debug, Default)]
pub struct Wire {
    pub inbound: Vec<u8>,
    inbound_read: usize,
    pub outbound: Vec<u8>,
    outbound_written: usize,
}

impl Wire {
    /// Bytes still to be written.
    pub fn pending(&self) -> &[u8] {
        &self.outbound[self.outbound_written..]
    }

    /// The socket took so many of [`Wire::pending`].
    pub fn written(&mut self, count: usize) {
        self.outbound_written += count;
        if self.outbound_written == self.outbound.len() {
            self.outbound.clear();
            self.outbound_written = 0;
            // A burst's memory is given back once it is gone.
            self.outbound.shrink_to(256 * 1024);
        } else if self.outbound_written > 1 << 20 {
            self.outbound.drain(..self.outbound_written);
            self.outbound_written = 0;
        }
    }

    /// Everything said and not yet sent is lost.
    pub fn discard(&mut self) {
        *self = Wire::default();
    }

    /// Appends a frame with this header and payload.
    pub fn frame(&mut self, header: &FrameHeader, payload: &[u8]) {
        // Writing to a Vec cannot fail.
        let _ = header.format(payload.len() as u64, &mut self.outbound);
        self.outbound.extend_from_slice(payload);
    }
}

/// A header of a whole data frame.
pub fn header(data: Data) -> FrameHeader {
    FrameHeader { opcode: OpCode::Data(data), ..FrameHeader::default() }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.inbound[self.inbound_read..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.inbound_read += count;
        if self.inbound_read == self.inbound.len() {
            self.inbound.clear();
            self.inbound_read = 0;
        }
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbound.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
