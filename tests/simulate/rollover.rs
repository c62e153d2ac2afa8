//! Every connection of two hundred Binance books comes to its end: by the venue's limit of a day, by its notice to all at
//! once, or cut off at once without a word. Where there is time for a handover no book is ever seen stale; where there is none no
//! book is for longer than the bucket of REST weight makes it.

use crate::network::Path;
use crate::report::Outcome;
use crate::setup::{Draw, Setup, Site};
use crate::world::World;
use depthd::engine::time::Mono;
use depthd::sim::{Face, Fault, LinkFault, Random, SimConfig};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

const SYMBOLS: usize = 200;
/// Each with a connection of its own.
const FEEDS: usize = 4;

/// The default configuration's REST budget. A minute's worth may be spent at once, but the venue counts that minute too and
/// what it says is believed: so the burst buys nothing over more than a minute.
const WEIGHT_PER_SECOND: f64 = 80.0;
/// Of a snapshot.
const WEIGHT_EACH: f64 = 50.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rollover {
    /// Each leaves before it is a day old.
    Aged,
    /// The venue asks all of them to leave, and closes them a minute later.
    Noticed,
    /// The venue closes all of them.
    Cut,
}

impl Rollover {
    pub const NAMES: [&'static str; 3] = ["rollover_aged", "rollover_noticed", "rollover_cut"];

    pub fn by_name(name: &str) -> Option<Rollover> {
        let at = Rollover::NAMES.iter().position(|n| *n == name)?;
        Some([Rollover::Aged, Rollover::Noticed, Rollover::Cut][at])
    }

    pub fn setup(self, seed: u64) -> Setup {
        let mut random = Random::new(seed ^ 0x2011);
        let mut config = SimConfig::new(Face::Binance);
        (config.symbols, config.seed) = (SYMBOLS, random.next());
        // A day is long: what is to be seen of it is its end.
        config.rate = if self == Rollover::Aged { 2 } else { 200 };
        config.fault_gap = Some(Duration::from_secs(1_000_000_000));
        config.rest_latency = (MS, 100 * MS);
        let path = Path { latency: 20 * MS, jitter: 5 * MS, rest: 20 * MS };
        let mut feeds: Vec<(String, Vec<usize>)> =
            (0..FEEDS).map(|n| (format!("binance-{n}"), Vec::new())).collect();
        (0..SYMBOLS).for_each(|s| feeds[s % FEEDS].1.push(s));
        let site = Site { config, path, feeds };
        let text = text(&site);
        let (wake, job) = (Duration::from_micros(50), Duration::from_micros(20));
        let (sites, kinds) = (vec![site], Vec::new());
        let draw = Draw::NEWEST;
        Setup { seed, draw, text, sites, kinds, fault_gap: DAY, wake, job, workers_stay: false, random }
    }
}

/// The default configuration, but for where the venue is and how much memory there may be.
fn text(site: &Site) -> String {
    let (owner, _) = depthd::sim::owner::venue(site.config.clone(), crate::world::EPOCH);
    let listed = owner.symbols();
    let mut text = "[memory]\nlimit = \"512MiB\"\n[pipeline]\nqueue_messages = 2000\n".to_owned();
    for (name, symbols) in &site.feeds {
        let symbols: Vec<&String> = symbols.iter().map(|s| &listed[*s]).collect();
        text.push_str(&format!(
            "[[feed]]\nname = \"{name}\"\nvenue = \"binance\"\nurl = \"ws://binance.test\"\nrest_url = \"http://binance.test\"\n\
             symbols = {symbols:?}\n"
        ));
    }
    text
}

impl World {
    /// Runs until every connection was replaced.
    pub fn roll_over(mut self, seed: u64, how: Rollover) -> Outcome {
        self.no_faults();
        let all = Duration::from_secs_f64(SYMBOLS as f64 * WEIGHT_EACH / WEIGHT_PER_SECOND);
        // Connects, calls and the rest of a second's tokens on the way.
        let allowed = all + 20 * SECOND;
        if !self.wait(allowed + 300 * SECOND, |w| w.stale().is_empty()) {
            self.oracle.violation("the books never came".to_owned());
        }
        // The burst is there again.
        self.wait(90 * SECOND, |_| false);
        let (lives, began) = (self.lives_so_far(), self.now);
        let calls = self.calls();
        let mut longest = Duration::ZERO;
        match how {
            Rollover::Cut => {
                self.tell_all(LinkFault::Close(1001));
                self.wait(5 * SECOND, |w| w.stale().len() == SYMBOLS);
                if !self.wait(allowed, |w| w.stale().is_empty()) {
                    let left = self.stale().len();
                    self.oracle
                        .violation(format!("{left} books stale for longer than the bucket makes them"));
                }
                longest = self.now.since(began);
            }
            Rollover::Noticed => {
                self.stay_live = true;
                self.tell_all(LinkFault::Notice(60 * SECOND));
                self.wait(90 * SECOND, |_| false);
            }
            Rollover::Aged => {
                self.stay_live = true;
                self.wait(DAY, |_| false);
            }
        }
        let more = self.lives_so_far() - lives;
        if more != FEEDS as u64 {
            self.oracle.violation(format!("{more} lives followed {FEEDS}"));
        }
        if how != Rollover::Cut && self.calls() != calls {
            self.oracle.violation(format!("{} REST calls for a handover", self.calls() - calls));
        }
        let refused = self.sites[0].owner.read_log(|l| l.rest.iter().filter(|c| c.status != 200).count());
        if refused > 0 {
            self.oracle.violation(format!("{refused} REST calls were refused"));
        }
        self.judge_all();
        let faults = self.faults();
        self.outcome(seed, faults, longest, allowed)
    }

    /// Runs until it holds, or for so long.
    fn wait(&mut self, most: Duration, holds: impl Fn(&World) -> bool) -> bool {
        let end = self.now.after(most);
        while !holds(self) {
            if self.now >= end || self.is_over() {
                return false;
            }
            self.run_until(end.min(self.now.after(100 * MS)));
        }
        true
    }

    fn tell_all(&mut self, what: LinkFault) {
        self.sites[0].owner.inject(Fault::Link(what));
        self.sites[0].rung = true;
    }

    /// Books that a look would not find live now.
    pub(super) fn stale(&self) -> Vec<String> {
        let tables = self.daemon.registry.tables();
        let slots = tables.slots.iter();
        let stale = slots.filter(|slot| !self.daemon.registry.top(&tables, slot).0.state.is_live());
        stale.map(|slot| slot.symbol.clone()).collect()
    }

    fn lives_so_far(&self) -> u64 {
        self.daemon.registry.tables().connections.iter().map(|c| c.status.told().lives).sum()
    }

    /// Those that a book needed.
    fn calls(&self) -> u64 {
        self.daemon.recovery.planner.counts().fetches
    }

    fn no_faults(&mut self) {
        self.next_fault = Mono::NEVER;
    }
}
