//! What is looked at while a world runs and when it is over: books, sums of messages, bounds, budgets.

use super::World;
use crate::budgets;
use depthd::engine::id::ConnectionId;
use depthd::engine::time::Mono;
use depthd::http::Source;
use depthd::sim::Owner;
use std::sync::atomic::Ordering::Relaxed;

impl World {
    /// A reader had a turn in which it read so many messages.
    pub(super) fn noted(
        &mut self,
        connection: ConnectionId,
        generation: u64,
        more: u64,
        texts: &[tungstenite::Utf8Bytes],
    ) {
        let tables = self.daemon.registry.tables();
        let Some(entry) = tables.connections.iter().find(|c| c.status.id == connection) else { return };
        let feed = entry.status.feed;
        let is_ours =
            |symbol: &str| tables.slots.iter().any(|s| s.connection == connection && s.symbol == symbol);
        let parts: u64 = texts.iter().map(|text| crate::mark::parts(text, &is_ours)).sum();
        *self.parts.entry(feed).or_default() += parts;
        *self.read.entry(feed).or_default() += more + parts;
        let Some(counters) = tables.feeds.iter().find(|f| f.id == feed).map(|f| &f.counters) else { return };
        let dropped = counters.overflow.load(Relaxed) + counters.shed.load(Relaxed);
        if self.drops.insert(feed, dropped) != Some(dropped) && dropped > 0 {
            self.oracle.dropped(feed, generation, texts);
            self.oracle.doubted(&self.daemon);
        }
    }

    /// Now and then: one whole book, and the sum of all messages when none is on its way.
    pub(super) fn look(&mut self) {
        let ids = self.oracle.book_ids();
        let owners: Vec<&Owner> = self.sites.iter().map(|s| &s.owner).collect();
        if let Some(id) = self.random.pick(&ids) {
            self.oracle.whole(*id, &self.daemon, &owners);
        }
        let reading = self.daemon.lives.iter().any(|l| l.due() == Mono::ZERO);
        if self.daemon.is_settled() && !reading {
            self.oracle.settled(&self.daemon);
            self.conserved();
        }
        for worker in &self.daemon.registry.workers {
            let g = &worker.gauge;
            if g.messages_high.load(Relaxed) > g.messages_max || g.bytes_high.load(Relaxed) > g.bytes_max {
                self.oracle.violation(format!("I9: {} held more than it may", worker.name));
            }
        }
    }

    /// I7, from what the daemon shows, and against what the network gave it.
    pub(super) fn conserved(&mut self) {
        if self.panics > 0 {
            // What a thread had in hand when it panicked is gone, and with it what it had counted.
            return;
        }
        let tables = self.daemon.registry.tables();
        let stats = self.daemon.registry.stats();
        for (entry, feed) in tables.feeds.iter().zip(&stats.feeds) {
            let (flow, name) = (&feed.messages, &feed.name);
            if flow.in_flight() != 0 {
                self.oracle.violation(format!(
                    "I7: feed {name}: {} messages are nowhere: {flow:?}",
                    flow.in_flight()
                ));
            }
            let read = self.read.get(&entry.id).copied().unwrap_or(0);
            // Whose the parts of a frame are is another question while a reload is on its way to the reader.
            let unsure = match self.own_faults.contains_key("reload") {
                true => self.parts.get(&entry.id).copied().unwrap_or(0),
                false => 0,
            };
            if read.abs_diff(flow.received) > unsure {
                self.oracle
                    .violation(format!("I7: feed {name}: {read} came, {} were counted", flow.received));
            }
        }
    }

    pub fn judge_all(&mut self) {
        for (feed, evidence) in self.daemon.registry.evidence() {
            if evidence.witness.name() == "snapshot" {
                self.oracle.violation(format!("I1: feed {feed}: {evidence:?}"));
            }
        }
        let owners: Vec<&Owner> = self.sites.iter().map(|s| &s.owner).collect();
        self.oracle.all_whole(&self.daemon, &owners);
        let wrong: Vec<String> =
            self.sites.iter().flat_map(|s| budgets::judge(&s.owner, &self.config, &s.waits)).collect();
        wrong.into_iter().for_each(|what| self.oracle.violation(what));
        if !self.is_over() {
            self.look();
        }
    }
}
