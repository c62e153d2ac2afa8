//! The desk's part while two lives of a connection run: whose a book is, and how it goes over.

use super::Desk;
use crate::engine::event::{Channel, Event};
use crate::engine::id::{ConnectionId, Generation};
use crate::engine::state::StaleReason;
use crate::engine::time::{Mono, Stamp};
use crate::shell::worker::kept::report;
use crate::shell::worker::line::Standing;

/// What a life has of a book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Share {
    /// It carries the book.
    Its,
    /// Another life carries the book beside it.
    Beside,
    /// It is over.
    Gone,
}

impl Desk {
    /// Whose a message of this life is. A book that nobody carries is the current life's from here on.
    pub(super) fn share(
        &mut self,
        place: usize,
        generation: Generation,
        standing: Standing,
        at: Stamp,
    ) -> Share {
        let opened = self.books[place].opened;
        match standing {
            Standing::Over => Share::Gone,
            _ if opened == Some(generation) => Share::Its,
            Standing::Successor => Share::Beside,
            Standing::Current => {
                let connection = self.books[place].recipe.slot.connection;
                let successor = self.line(connection).successor();
                if successor.is_some() && successor == opened {
                    return Share::Beside;
                }
                self.open(place, generation, at);
                Share::Its
            }
        }
    }

    /// A frame of a life that does not carry the book: the successor's may take it over.
    pub(super) fn frame_beside(
        &mut self,
        place: usize,
        channel: Channel,
        text: &str,
        generation: Generation,
        received: Stamp,
    ) {
        let connection = self.books[place].recipe.slot.connection;
        let may_take_over = self.line(connection).successor() == Some(generation);
        let kept = &mut self.books[place];
        self.scratch.clear();
        if let Err(e) = kept.recipe.venue.decode(channel, text, &mut self.scratch) {
            // The book does not depend on it.
            kept.keeper.undecodable_beside();
            kept.recipe.counters.undecodable(e, &kept.recipe.slot.symbol, received.mono);
            return;
        }
        let noted = match self.scratch.event {
            Some(Event::Book(event))
                if may_take_over && kept.opened.is_some() && kept.keeper.take_over(received, &event) =>
            {
                kept.opened = Some(generation);
                kept.keeper.decoded(received, &mut self.scratch)
            }
            _ => kept.keeper.beside(received, &mut self.scratch),
        };
        report(&kept.recipe, &noted, received);
    }

    /// A message is missing in the stream of a life that does not carry the book. That takes nothing from it, as long as
    /// no other break stands before this one: to have passed this one is to have passed all before it.
    pub(super) fn lose_beside(&mut self, place: usize, number: u64, why: StaleReason, at: Stamp, now: Mono) {
        let kept = &mut self.books[place];
        if kept.passed + 1 >= number {
            kept.passed = kept.passed.max(number);
            self.touch(place);
        } else {
            self.lose(place, number, why, at, now);
        }
    }

    /// The life that carried this book is over, and another goes on.
    pub(super) fn go_over(&mut self, place: usize, heir: Generation, at: Stamp) {
        let kept = &mut self.books[place];
        kept.opened = Some(heir);
        if !kept.keeper.carry_on() {
            kept.keeper.opened(at);
        }
        self.touch(place);
    }

    /// A successor is subscribed: what of its books is not over yet will be soon, or when it is told to move.
    pub fn settling(&mut self, connection: ConnectionId, generation: Generation, at: Stamp) {
        self.line(connection).settling = true;
        for place in self.places_of(connection) {
            if self.books[place].opened.is_none() {
                self.open(place, generation, at);
            }
        }
        self.settle();
        self.look_whether_carried(connection, generation);
    }

    /// Lets a successor carry what can go over without its word.
    pub fn move_over(&mut self, connection: ConnectionId, generation: Generation) {
        if self.line(connection).successor() != Some(generation) {
            return;
        }
        for place in self.places_of(connection) {
            let kept = &mut self.books[place];
            if kept.opened.is_some() && kept.opened != Some(generation) && kept.keeper.carry_on() {
                kept.opened = Some(generation);
                self.touch(place);
            }
        }
        self.settle();
        self.look_whether_carried(connection, generation);
    }

    /// Notes once that a successor carries every book there is of its connection.
    pub(super) fn look_whether_carried(&mut self, connection: ConnectionId, generation: Generation) {
        let line = self.line(connection);
        if !line.settling || line.carried || line.successor() != Some(generation) {
            return;
        }
        let left = |place: usize| {
            let opened = self.books[place].opened;
            opened.is_some() && opened != Some(generation)
        };
        if !self.places_of(connection).into_iter().any(left) {
            self.line(connection).carried = true;
            self.carried = Some((connection, generation));
        }
    }

    /// A successor that carries all of its books here; said once.
    pub fn take_carried(&mut self) -> Option<(ConnectionId, Generation)> {
        self.carried.take()
    }
}
