//! Readers: the daemon's own, each in a thread of the checker, on a socket whose frames are drawn.

use super::checks::Witness;
use super::venue::{self, Face};
use crate::engine::id::Generation;
use crate::engine::time::Mono;
use crate::shell::clock::Hand;
use crate::shell::dial::DialError;
use crate::shell::link::OpenError;
use crate::shell::reader::{Dialing, Plan, Socket};
use crate::shell::supervisor::{Farewell, Readers, Running};
use crate::shell::thread::{self, Ended, Handle};
use shuttle::rand::Rng;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tungstenite::{Error, Message};

/// What the venue's side of a life waits between frames once all is calm.
const CALM_FRAME_NANOS: u64 = 20_000_000;

/// Starts readers, and counts the lives that have not been joined.
pub struct ModelReaders {
    pub witness: Arc<Witness>,
    pub hand: Arc<Hand>,
}

impl Readers for ModelReaders {
    fn start(&self, name: &str, plan: Plan, farewell: Farewell) -> io::Result<Box<dyn Running>> {
        self.witness.started();
        let generation = plan.generation;
        let (witness, hand) = (self.witness.clone(), self.hand.clone());
        let inner = thread::spawn(name, crate::shell::reader::STACK_BYTES, move || {
            live(plan, farewell, witness, &hand)
        })?;
        Ok(Box::new(Joined { inner, generation, witness: self.witness.clone() }))
    }
}

struct Joined {
    generation: Generation,
    inner: Handle<()>,
    witness: Arc<Witness>,
}

impl Running for Joined {
    fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    fn join(self: Box<Self>) -> Ended<()> {
        let ended = self.inner.join();
        if let Ended::Panicked(message) = &ended {
            self.witness.fail(format!("a reader panicked: {message}"));
        }
        self.witness.joined(self.generation);
        ended
    }

    fn abandon(self: Box<Self>) {
        self.witness.fail("a reader was given up".to_owned());
        self.inner.abandon();
    }
}

/// One life, as the daemon's threads live it: turns while there is something, a wait when there is not.
fn live(plan: Plan, farewell: Farewell, witness: Arc<Witness>, hand: &Arc<Hand>) {
    let generation = plan.generation;
    let wake = plan.port.wake.clone();
    let dialing = Dialing::new(plan);
    if wake.is_stopped() || witness.venue().draws_fault(8) {
        let refused = DialError::Open(OpenError::Connect(ErrorKind::ConnectionRefused.into()));
        return farewell.ended(dialing.failed(refused));
    }
    let mut socket = ModelSocket {
        generation,
        witness: witness.clone(),
        hand: hand.clone(),
        dropped_seen: witness.dropped(),
        last: None,
        texts: VecDeque::new(),
        subscribed: [false; 2],
    };
    if witness.venue().face == Face::Rest {
        // The address named the streams.
        socket.subscribed = [true; 2];
    }
    let mut life = dialing.connected(socket);
    let end = loop {
        match life.turn() {
            Ok(true) => {}
            Ok(false) => {
                shuttle::thread::yield_now();
                wake.drain();
            }
            Err(end) => break end,
        }
    };
    farewell.ended(life.finish(end));
}

struct ModelSocket {
    generation: Generation,
    witness: Arc<Witness>,
    hand: Arc<Hand>,
    /// Messages of the feed that had been dropped when the last frame was read.
    dropped_seen: u64,
    /// The frame read last.
    last: Option<(usize, venue::Market)>,
    /// What is to be read next, whatever is drawn.
    texts: VecDeque<String>,
    subscribed: [bool; 2],
}

fn would_block() -> Error {
    Error::Io(ErrorKind::WouldBlock.into())
}

impl ModelSocket {
    /// The reader is done with the frame before: what it dropped is known to everybody now.
    fn settle(&mut self) {
        let dropped = self.witness.dropped();
        if dropped != self.dropped_seen {
            self.dropped_seen = dropped;
            if let Some((book, market)) = self.last {
                self.witness.lost(book, market);
            }
        }
    }

    fn frame(&mut self, now: Mono) -> Result<String, Error> {
        let mut venue = self.witness.venue();
        let face = venue.face;
        let mut rng = shuttle::rand::thread_rng();
        if venue.calm {
            if now.nanos() < venue.next_frame_at {
                return Err(would_block());
            }
            venue.next_frame_at = now.nanos() + CALM_FRAME_NANOS;
        } else if venue.frames == 0 || rng.gen_range(0..3) == 0 {
            return Err(would_block());
        } else {
            venue.frames -= 1;
        }
        let book = rng.gen_range(0..2);
        if !self.subscribed[book] {
            return Err(would_block());
        }
        if venue.draws_fault(6) {
            if rng.gen_range(0..2) == 0 {
                return Err(Error::Io(ErrorKind::ConnectionReset.into()));
            }
            // A message that never arrives.
            venue.moved(book);
        }
        let market = venue.moved(book);
        self.last = Some((book, market));
        Ok(venue::delta(face, face.symbols()[book], market))
    }
}

impl Socket for ModelSocket {
    fn read(&mut self) -> Result<Message, Error> {
        self.settle();
        if let Some(text) = self.texts.pop_front() {
            return Ok(Message::text(text));
        }
        self.frame(self.hand.now()).map(Message::text)
    }

    fn send(&mut self, message: Message) -> Result<(), Error> {
        let Message::Text(text) = message else { return Ok(()) };
        let mut venue = self.witness.venue();
        let face = venue.face;
        for (book, symbol) in face.symbols().into_iter().enumerate() {
            if !text.contains(symbol) {
                continue;
            }
            self.subscribed[book] = !text.contains("unsubscribe");
            if self.subscribed[book] {
                let market = venue.begin(book, self.generation);
                self.texts.push_back(venue::snapshot(symbol, market));
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
