//! The demo's auditor: compares what the daemon shows with what the simulated venue knows to be true.

use crate::engine::state::State;
use crate::engine::view::BookView;
use crate::sim::Sim;
use crate::sim::truth::Shown;

/// More levels a side than any simulated book has.
pub const DEPTH: usize = 5_000;

/// What was compared so far.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Books compared with the truth at the same sequence.
    pub audited: u64,
    pub wrong: u64,
    /// Looks at a book, and how many of them found it live.
    pub looks: u64,
    pub live: u64,
    /// The first wrong books, in words.
    pub evidence: Vec<String>,
}

/// Evidence kept: one is enough to look for the cause, a few show a pattern.
const EVIDENCE_MAX: usize = 8;

impl Audit {
    /// Looks at one book. One that claims nothing cannot be wrong; one whose moment the venue has forgotten cannot be
    /// compared.
    pub fn look(&mut self, venue: &Sim, view: &BookView) {
        self.looks += 1;
        let depth = match view.top.state {
            State::Live => DEPTH,
            State::Partial { exact_depth } => exact_depth as usize,
            State::Syncing | State::Stale { .. } => return,
        };
        if view.top.state.is_live() {
            self.live += 1;
        }
        let Some(truth) = venue.truth(&view.symbol, view.top.sequence, view.top.exchange_time) else {
            return;
        };
        self.audited += 1;
        // A partial book promises its best levels and no more.
        let part = |side: &'_ [crate::engine::event::Level]| side[..side.len().min(depth)].to_vec();
        let (bids, asks) = (part(&view.bids), part(&view.asks));
        let shown = Shown { bids: &bids, asks: &asks, depth, low: view.exact_low, high: view.exact_high };
        if let Err(difference) = truth.judge(&shown) {
            self.wrong += 1;
            if self.evidence.len() < EVIDENCE_MAX {
                let what = format!(
                    "{}/{} {} at {:?}, {:?}: {difference}",
                    view.feed,
                    view.symbol,
                    view.top.state.name(),
                    view.top.sequence,
                    view.top.exchange_time
                );
                self.evidence.push(what);
            }
        }
    }

    /// Share of looks that found a live book, in percent.
    pub fn live_percent(&self) -> f64 {
        if self.looks == 0 { 0.0 } else { self.live as f64 * 100.0 / self.looks as f64 }
    }
}
