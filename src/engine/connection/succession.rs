//! The lives of one connection when they may overlap: a life that knows its end has its successor opened beside it, and
//! leaves when the successor carries the books. So a planned end costs no book its state.
//!
//! Three [`Lifecycle`]s at most, each on the one path: the current life; the successor, while one is made; the life that
//! leaves, while it is torn down. Whatever ends the current life early makes the successor current as far as it has come.
//! Where no handover is asked for this is the one lifecycle, and nothing more. It never touches a thread or a socket.

use std::time::Duration;

use crate::engine::connection::end::EndReason;
use crate::engine::connection::lifecycle::Lifecycle;
use crate::engine::connection::step::{Phase, Step};
use crate::engine::id::Generation;
use crate::engine::time::Mono;

/// How long a successor that is subscribed is given before books that it has said nothing of are moved, where they can be.
/// Two connections to one venue lag less than this behind each other.
const MOVE_AFTER: Duration = Duration::from_secs(2);

/// And before what is left is given up. First books of a full connection take a few seconds; all this time its traffic comes
/// twice.
const SETTLE_MAX: Duration = Duration::from_secs(15);

/// How far a successor is with the books.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Not subscribed.
    Opening,
    /// Subscribed; its own messages bring the books over, and at `move_at` the workers do what they can.
    Settling { move_at: Mono, until: Mono },
}

#[derive(Clone, Debug)]
struct Successor {
    lifecycle: Lifecycle,
    stage: Stage,
    /// The life of it of which every worker said that nothing is left to wait for. They may say so before its reader has said
    /// that it is subscribed.
    carried: Option<Generation>,
    /// Why the current life is to leave.
    reason: EndReason,
}

impl Successor {
    fn carries(&self) -> bool {
        self.carried.is_some() && self.carried == self.lifecycle.generation()
    }
}

/// See the module page.
#[derive(Clone, Debug)]
pub struct Succession {
    current: Lifecycle,
    successor: Option<Successor>,
    leaving: Option<Lifecycle>,
    /// The current life asked to be replaced, for this reason.
    wish: Option<EndReason>,
    stopping: bool,
    last_end: Option<EndReason>,
}

impl Succession {
    pub const fn new(lifecycle: Lifecycle) -> Succession {
        Succession {
            current: lifecycle,
            successor: None,
            leaving: None,
            wish: None,
            stopping: false,
            last_end: None,
        }
    }

    /// Begins. Once; later calls change nothing.
    pub fn start(&mut self, now: Mono) {
        self.current.start(now);
    }

    /// The life `generation` knows its end and would have a successor first. One that came for a planned end itself and
    /// says so too soon is replaced the ordinary way, with a wait: its venue is failing.
    pub fn leave(&mut self, now: Mono, generation: Generation, reason: EndReason) {
        if self.stopping || self.successor.is_some() || self.current.generation() != Some(generation) {
            return;
        }
        if self.current.may_hand_over(now) {
            self.wish.get_or_insert(reason);
        } else {
            self.ended(now, generation, reason);
        }
    }

    /// A handover is asked for and can begin.
    pub const fn wants_successor(&self) -> bool {
        self.wish.is_some() && self.successor.is_none() && self.leaving.is_none()
    }

    /// A second connection is open or being opened, or a first one is on its way out beside the second.
    pub const fn is_handing_over(&self) -> bool {
        self.successor.is_some() || self.leaving.is_some()
    }

    /// Begins the handover that is asked for.
    pub fn begin(&mut self) {
        if !self.wants_successor() || self.stopping {
            return;
        }
        if let Some(reason) = self.wish.take() {
            let lifecycle = self.current.successor();
            self.successor = Some(Successor { lifecycle, stage: Stage::Opening, carried: None, reason });
        }
    }

    /// The name was looked up, for whichever life waits for it.
    pub fn resolved(&mut self, now: Mono, ok: bool) {
        self.each(|l| l.resolved(now, ok));
    }

    /// What the ledger said to [`Step::AskConnect`].
    pub fn connect_token(&mut self, now: Mono, token: Result<(), Mono>) {
        self.each(|l| l.connect_token(now, token));
    }

    pub fn upgraded(&mut self, now: Mono, generation: Generation) {
        self.each(|l| l.upgraded(now, generation));
    }

    pub fn subscribed(&mut self, now: Mono, generation: Generation) {
        self.each(|l| l.subscribed(now, generation));
        if let Some(s) = self.successor.as_mut().filter(|s| s.lifecycle.generation() == Some(generation))
            && s.stage == Stage::Opening
            && s.lifecycle.phase() == Phase::Subscribed
        {
            s.stage = Stage::Settling { move_at: now.after(MOVE_AFTER), until: now.after(SETTLE_MAX) };
        }
    }

    /// Every worker says that the successor `generation` carries all that it can.
    pub fn carried(&mut self, _now: Mono, generation: Generation) {
        if let Some(s) = self.successor.as_mut().filter(|s| s.lifecycle.generation() == Some(generation)) {
            s.carried = Some(generation);
        }
    }

    /// The reader has ended, or is about to, for this reason. The first reason stands.
    pub fn ended(&mut self, now: Mono, generation: Generation, reason: EndReason) {
        if self.current.generation() == Some(generation) {
            self.wish = None;
            if self.successor.is_some() {
                self.promote(now, reason);
            } else {
                self.current.ended(now, generation, reason);
            }
        } else if let Some(s) =
            self.successor.as_mut().filter(|s| s.lifecycle.generation() == Some(generation))
        {
            s.lifecycle.ended(now, generation, reason);
            s.stage = Stage::Opening;
        }
    }

    /// The reader is joined.
    pub fn joined(&mut self, now: Mono, generation: Generation) {
        self.each(|l| l.joined(now, generation));
    }

    /// Every worker has passed the fence.
    pub fn fenced(&mut self, now: Mono, generation: Generation) {
        self.each(|l| l.fenced(now, generation));
    }

    /// Ends for good.
    pub fn stop(&mut self, now: Mono) {
        self.stopping = true;
        self.wish = None;
        if let Some(s) = &mut self.successor {
            s.stage = Stage::Opening;
        }
        self.each(|l| l.stop(now));
    }

    /// The next step. Call until `None`.
    pub fn next(&mut self, now: Mono) -> Option<Step> {
        let step = self.next_of_any(now);
        if let Some(Step::Record { generation, .. }) = step {
            let ended = self.all().find(|l| l.newest() == generation).and_then(|l| l.last_end().cloned());
            self.last_end = ended;
        }
        step
    }

    fn next_of_any(&mut self, now: Mono) -> Option<Step> {
        match self.leaving.as_mut().and_then(|l| l.next(now)) {
            Some(Step::Stopped) => self.leaving = None,
            Some(step) => return Some(step),
            None => {}
        }
        match self.successor.as_mut().and_then(|s| s.lifecycle.next(now)) {
            Some(Step::Stopped) => self.successor = None,
            Some(step) => return Some(step),
            None => {}
        }
        if let Some(s) = &mut self.successor {
            let carries = s.carries();
            match (s.stage, s.lifecycle.generation()) {
                (Stage::Settling { until, .. }, _) if carries || now >= until => {
                    let reason = s.reason.clone();
                    self.promote(now, reason);
                    return self.next_of_any(now);
                }
                (Stage::Settling { move_at, until }, Some(generation)) if now >= move_at => {
                    s.stage = Stage::Settling { move_at: Mono::NEVER, until };
                    return Some(Step::Move { generation });
                }
                (Stage::Settling { .. } | Stage::Opening, _) => {}
            }
        }
        if self.is_handing_over() && self.current.is_through() {
            // The others have yet to end.
            return None;
        }
        self.current.next(now)
    }

    /// When [`Succession::next`] may have something though nothing happened.
    pub fn deadline(&self) -> Mono {
        let stage = match self.successor.as_ref().map(|s| (s.stage, s.carries())) {
            Some((Stage::Settling { .. }, true)) => Mono::ZERO,
            Some((Stage::Settling { move_at, until }, false)) => move_at.min(until),
            Some((Stage::Opening, _)) | None => Mono::NEVER,
        };
        let successor = self.successor.as_ref().map(|s| &s.lifecycle);
        let others = self.leaving.iter().chain(successor).map(Lifecycle::deadline);
        let last = if self.is_handing_over() && self.current.is_through() {
            Mono::NEVER
        } else {
            self.current.deadline()
        };
        others.fold(stage.min(last), Mono::min)
    }

    /// Of the current life; it is not stopped before every life is.
    /// Since when one of its lives waits for a token.
    pub fn queued_since(&self) -> Option<Mono> {
        self.all().filter_map(Lifecycle::queued_since).min()
    }

    pub fn phase(&self) -> Phase {
        self.current.phase()
    }

    /// The current life, if one runs or is being torn down.
    pub fn generation(&self) -> Option<Generation> {
        self.current.generation()
    }

    /// Every life that runs or is being torn down.
    pub fn generations(&self) -> Vec<Generation> {
        self.all().filter_map(Lifecycle::generation).collect()
    }

    /// The older life that goes on when `generation` is over.
    pub fn survivor_of(&self, generation: Generation) -> Option<Generation> {
        self.current.generation().filter(|current| *current < generation)
    }

    /// Why the life recorded last, or the last name lookup, ended.
    pub fn last_end(&self) -> Option<&EndReason> {
        self.last_end.as_ref().or(self.current.last_end())
    }

    /// From lost to subscribed, the last time.
    pub const fn reconnect_took(&self) -> Option<Duration> {
        self.current.reconnect_took()
    }

    /// How long the last name lookup took.
    pub fn resolve_took(&self) -> Duration {
        self.successor.as_ref().map_or(&self.current, |s| &s.lifecycle).resolve_took()
    }

    /// The successor becomes current as far as it has come; the life before it leaves for good.
    fn promote(&mut self, now: Mono, reason: EndReason) {
        let Some(mut successor) = self.successor.take() else { return };
        self.current.retire(now, reason);
        successor.lifecycle.lose_at(now);
        self.leaving = Some(std::mem::replace(&mut self.current, successor.lifecycle));
    }

    fn all(&self) -> impl Iterator<Item = &Lifecycle> {
        let successor = self.successor.as_ref().map(|s| &s.lifecycle);
        self.leaving.iter().chain(successor).chain([&self.current])
    }

    fn each(&mut self, act: impl FnMut(&mut Lifecycle)) {
        let successor = self.successor.as_mut().map(|s| &mut s.lifecycle);
        self.leaving.iter_mut().chain(successor).chain([&mut self.current]).for_each(act);
    }
}

#[cfg(test)]
mod tests;
