//! What the supervisor tells of its connections, and how many of them it replaces at a time.

use super::Supervisor;
use crate::config::memory::HANDOVERS_MAX;
use crate::engine::connection::end::EndReason;
use crate::engine::connection::step::Phase;
use crate::engine::id::ConnectionId;
use crate::engine::time::Mono;
use std::time::Duration;

impl Supervisor {
    /// Opens a second connection where a first one is to leave, as many at a time as there may be.
    pub(super) fn begin_handovers(&mut self) {
        let mut free = HANDOVERS_MAX
            .saturating_sub(self.connections.iter().filter(|c| c.lives.is_handing_over()).count());
        for index in 0..self.connections.len() {
            if free == 0 {
                return;
            }
            if self.connections[index].lives.wants_successor() {
                free -= 1;
                self.connections[index].lives.begin();
                self.advance(index);
            }
        }
    }

    pub(super) fn record(&mut self, index: usize, teardown: Duration, now: Mono) {
        let Some(c) = self.connections.get_mut(index) else { return };
        self.registry.torn_down(teardown);
        let reason = c.lives.last_end().cloned().unwrap_or(EndReason::Stop);
        c.facts.status.tell(|told| {
            told.teardown = Some(teardown);
            told.last_end = Some(c.facts.counters.voice.quote(&reason.to_string()));
        });
        if reason == EndReason::Stop {
            return;
        }
        c.facts.counters.reconnects.add(reason.name());
        if reason.is_planned() && c.lives.phase() == Phase::Subscribed {
            c.facts.counters.handed_over(c.facts.id, &reason, now);
        } else {
            c.facts.counters.disconnected(c.facts.id, &reason, now);
        }
    }

    pub(super) fn subscribed(&mut self, connection: ConnectionId) {
        let since = self.common.clock.stamp();
        let registry = self.registry.clone();
        self.with(connection, |c| {
            // Said again when the scope has changed.
            if c.facts.status.told().connected {
                return;
            }
            let took = c.lives.reconnect_took();
            c.facts.status.tell(|told| {
                told.connected = true;
                told.since = since;
                told.reconnect = took;
            });
            if let Some(took) = took {
                registry.reconnected(took);
            }
            c.facts.counters.connected(c.facts.id, &c.facts.target, c.facts.scope.symbols.len(), since.mono);
        });
    }
}
