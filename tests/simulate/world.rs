//! One seed's world: the daemon, its venues and what lies between them, moved from one due moment to the next.

mod checks;

use crate::budgets::Waits;
use crate::daemon::{Daemon, VENUES};
use crate::lives::{DialFault, SimLife};
use crate::network::Network;
use crate::oracle::Oracle;
use crate::report::Outcome;
use crate::scenarios::Scenario;
use crate::setup::{Draw, SAFETY, Setup};
use crate::swarm;
use depthd::app::layout::sync_rules;
use depthd::config::Config;
use depthd::engine::id::FeedId;
use depthd::engine::sync::BookSync;
use depthd::engine::time::{Mono, Wall};
use depthd::shell::clock::{Clock, Hand};
use depthd::sim::net::Host;
use depthd::sim::owner::venue;
use depthd::sim::{Exchange, Owner, Random};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// 2026-01-01, at the venues and at first here.
pub const EPOCH: Wall = Wall::from_nanos(1_767_225_600_000_000_000);
/// How often whole books are compared and, when all is quiet, messages counted.
const LOOK: Duration = Duration::from_millis(1_000);
/// How often each symbol moves when faults are over: enough for a venue that sends books with changes.
const STEP: Duration = Duration::from_millis(500);
/// More time for faults, where a seed's own were too few or too unlucky to happen.
const MORE: Duration = Duration::from_secs(20);
const MORE_MAX: u32 = 10;

pub struct SimSite {
    pub owner: Owner,
    exchange: Exchange,
    pub net: Network,
    pub lag_until: Mono,
    /// The venue was told something.
    pub rung: bool,
    waits: Waits,
}

pub struct World {
    pub now: Mono,
    pub hand: Rc<Hand>,
    pub clock: Clock,
    pub random: Random,
    pub sites: Vec<SimSite>,
    pub daemon: Daemon,
    pub oracle: Oracle,
    pub draw: Draw,
    pub kinds: Vec<&'static str>,
    pub fault_gap: Duration,
    pub own_faults: BTreeMap<&'static str, u64>,
    pub panics: u32,
    pub memory_until: Mono,
    pub dial_fault: Option<DialFault>,
    frozen_until: Mono,
    pub next_fault: Mono,
    next_look: Mono,
    next_step: Mono,
    config: Config,
    scenario: Option<Scenario>,
    /// Messages that lives of this feed read, lives that are over.
    read: BTreeMap<FeedId, u64>,
    /// How many of them came in frames of several.
    parts: BTreeMap<FeedId, u64>,
    drops: BTreeMap<FeedId, u64>,
    turns: u64,
    steps: usize,
    /// No book may be seen stale from here on.
    pub stay_live: bool,
}

impl World {
    pub fn new(setup: Setup, scenario: Option<Scenario>) -> World {
        let config = setup.config();
        let (clock, hand) = Clock::by_hand(EPOCH);
        let daemon = Daemon::new(&config, &clock, &setup);
        let Setup { draw, sites, kinds, fault_gap, mut random, .. } = setup;
        let site = |site: crate::setup::Site| {
            let (owner, exchange) = venue(site.config, EPOCH);
            let net = Network::new(site.path, random.fork(1));
            SimSite { owner, exchange, net, lag_until: Mono::ZERO, rung: true, waits: Waits::default() }
        };
        let sites: Vec<SimSite> = sites.into_iter().map(site).collect();
        let heap = |f: &depthd::config::Feed| BookSync::bytes_max(&sync_rules(&config, f.profile)) as u64;
        let heap_max = config.feeds.iter().map(heap).max().unwrap_or(0);
        let owners: Vec<&Owner> = sites.iter().map(|s| &s.owner).collect();
        let oracle = Oracle::new(&owners, config.books.levels, heap_max);
        World {
            now: Mono::ZERO,
            hand: Rc::new(hand),
            clock,
            random,
            sites,
            daemon,
            oracle,
            draw,
            kinds,
            fault_gap,
            own_faults: BTreeMap::new(),
            panics: 0,
            memory_until: Mono::NEVER,
            dial_fault: None,
            frozen_until: Mono::ZERO,
            next_fault: Mono::ZERO.after(Duration::from_secs(2)),
            next_look: Mono::ZERO.after(LOOK),
            next_step: Mono::NEVER,
            config,
            scenario,
            read: BTreeMap::new(),
            parts: BTreeMap::new(),
            drops: BTreeMap::new(),
            turns: 0,
            steps: 0,
            stay_live: false,
        }
    }

    /// Runs the seed: faults first, then peace, in which every book has to come back.
    pub fn run(mut self, seed: u64) -> Outcome {
        self.run_until(Mono::ZERO.after(SAFETY));
        let scripted = self.scenario.is_some();
        for _ in 0..MORE_MAX {
            let faults = self.faults();
            let enough =
                faults.len() >= swarm::KINDS_MIN && faults.values().sum::<u64>() >= swarm::FAULTS_MIN;
            if enough || scripted || self.is_over() {
                break;
            }
            self.kinds = depthd::sim::fault::kinds(self.draw.catalogue());
            self.kinds.extend(crate::setup::OWN);
            self.fault_gap = Duration::from_millis(300);
            self.run_until(self.now.after(MORE));
        }
        let faults = self.faults();
        let (recovered, allowed) = self.peace();
        self.judge_all();
        self.outcome(seed, faults, recovered, allowed)
    }

    /// What is to be told of this run.
    pub fn outcome(
        mut self,
        seed: u64,
        faults: BTreeMap<&'static str, u64>,
        recovered: Duration,
        allowed: Duration,
    ) -> Outcome {
        let mut log = self.oracle.hash;
        for site in &self.sites {
            site.owner.read_log(|venue| {
                venue.rest.iter().for_each(|c| {
                    log.word(u64::try_from(c.start.as_nanos()).unwrap_or(0));
                    log.text(&c.symbol);
                    log.word(u64::from(c.status));
                });
                venue.connects.iter().for_each(|c| {
                    log.word(u64::try_from(c.at.as_nanos()).unwrap_or(0) ^ u64::from(c.status));
                });
                venue.controls.iter().for_each(|c| log.text(&c.text));
            });
        }
        log.word(self.now.nanos());
        let count = |of: fn(&depthd::sim::Counters) -> u64| {
            self.sites.iter().map(|s| s.owner.read_log(|l| of(&l.counters))).sum()
        };
        let tables = self.daemon.registry.tables();
        Outcome {
            seed,
            hash: log.0,
            violations: std::mem::take(&mut self.oracle.violations),
            faults,
            simulated: self.now.since(Mono::ZERO),
            recovered,
            allowed,
            messages: count(|c| c.messages_sent),
            changes: count(|c| c.market_changes),
            level_changes: count(|c| c.level_changes),
            calls: count(|c| c.rest_calls),
            compared: self.oracle.compared,
            compared_whole: self.oracle.compared_whole,
            lives: tables.connections.iter().map(|c| c.status.told().lives).sum(),
            turns: self.turns,
            audits: self.daemon.recovery.planner.counts().audits,
        }
    }

    /// Every fault that really happened, by kind.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        let mut all = self.own_faults.clone();
        for site in &self.sites {
            site.owner.read_log(|l| l.faults.iter().for_each(|(k, n)| *all.entry(k).or_default() += n));
        }
        all
    }

    pub fn next_dial(&mut self, fault: DialFault) -> bool {
        self.dial_fault.replace(fault).is_none()
    }

    /// The process gets no time until then.
    pub fn freeze(&mut self, until: Mono) {
        self.frozen_until = self.frozen_until.max(until);
    }

    pub fn is_over(&self) -> bool {
        self.daemon.exit.is_some() || !self.oracle.violations.is_empty()
    }

    /// Faults are over: waits until every book is as good as its stream allows, and a little longer.
    fn peace(&mut self) -> (Duration, Duration) {
        if self.is_over() {
            return (Duration::ZERO, Duration::ZERO);
        }
        swarm::calm(self);
        self.next_fault = Mono::NEVER;
        self.scenario = None;
        self.memory_until = Mono::NEVER;
        self.next_step = self.now;
        let began = self.now;
        let allowed = crate::liveness::allowed(self);
        let mut ill;
        loop {
            self.run_until(self.now.after(LOOK / 4));
            ill = self.ill();
            let took = self.now.since(began);
            if ill.is_empty() || self.is_over() {
                self.run_until(self.now.after(3 * LOOK));
                return (took, allowed);
            }
            if took > allowed {
                let names = ill.join(", ");
                self.oracle
                    .violation(format!("I12: {:.1} s after the last fault {names}", took.as_secs_f64()));
                return (took, allowed);
            }
        }
    }

    fn ill(&self) -> Vec<String> {
        let config = self.daemon.file.lock().unwrap_or_else(PoisonError::into_inner);
        let channels = |name: &str| {
            config.feeds.iter().find(|f| f.name == name).map_or_else(Vec::new, |f| f.channels.clone())
        };
        self.oracle.not_well(&self.daemon, &channels)
    }

    pub fn run_until(&mut self, end: Mono) {
        while !self.is_over() {
            let due = self.due();
            if due > end {
                self.now = end;
                self.hand.set(end);
                return;
            }
            self.now = due.max(self.hand.now());
            self.hand.set(self.now);
            self.turn();
            self.turns += 1;
        }
        if let Some(exit) = &self.daemon.exit {
            let what = format!("I11: the daemon ends: {exit:?}");
            self.oracle.violation(what);
        }
    }

    /// When the next thing happens.
    fn due(&self) -> Mono {
        let d = &self.daemon;
        let outside = self
            .sites
            .iter()
            .map(|s| if s.rung { self.now } else { s.exchange.deadline().min(s.net.due()) })
            .fold(self.next_fault.min(self.next_look).min(self.next_step).min(self.memory_until), Mono::min);
        let outside = self.scenario.as_ref().map_or(outside, |s| outside.min(s.due()));
        let workers = d.workers.iter().map(|w| w.due.max(w.stalled_until));
        let lives = d.lives.iter().map(SimLife::due);
        let dialed = self.sites.iter().flat_map(|s| s.net.dialed.iter().map(|(at, ..)| *at));
        let inside = workers
            .chain(lives)
            .chain(dialed)
            .fold(d.supervisor_due.max(d.supervisor_stalled), Mono::min)
            .min(d.recovery_due.max(d.recovery_stalled))
            .min(d.names.due())
            .min(d.calls.due());
        outside.min(inside.max(self.frozen_until))
    }

    /// Everything that is due now.
    fn turn(&mut self) {
        let now = self.now;
        for index in 0..self.sites.len() {
            self.venue_turn(index);
        }
        if self.next_fault <= now {
            self.next_fault = match self.scenario {
                Some(_) => Mono::NEVER,
                None => swarm::strike(self, now),
            };
        }
        if self.scenario.as_ref().is_some_and(|s| s.due() <= now)
            && let Some(mut scenario) = self.scenario.take()
        {
            scenario.strike(self, now);
            self.scenario = Some(scenario);
        }
        if self.memory_until <= now {
            self.memory_until = Mono::NEVER;
            self.daemon.memory_bytes.store(0, Relaxed);
        }
        if self.next_step <= now {
            self.step();
        }
        if self.frozen_until <= now {
            self.daemon_turn();
        }
        if self.next_look <= now {
            self.next_look = now.after(LOOK);
            self.look();
        }
    }

    /// Moves one symbol of each venue: each has its turn within [`STEP`].
    fn step(&mut self) {
        let most = self.sites.iter().map(|s| s.owner.symbols().len()).max().unwrap_or(1);
        self.next_step = self.now.after(STEP / most as u32);
        self.steps += 1;
        for site in &mut self.sites {
            if let Some(symbol) = site.owner.symbols().get(self.steps % most) {
                site.owner.step(symbol);
            }
            site.rung = true;
        }
    }

    fn venue_turn(&mut self, index: usize) {
        let now = self.now;
        let site = &mut self.sites[index];
        if site.lag_until <= now {
            (site.net.lag_down, site.net.lag_up) = Default::default();
        }
        if !site.rung && site.exchange.deadline() > now && site.net.due() > now {
            return;
        }
        site.rung = false;
        site.net.now = now;
        while let Some(event) = site.net.hear(now) {
            site.exchange.event(now, event, &mut site.net);
        }
        site.exchange.run(now, &mut site.net);
        for (at, peer, called) in std::mem::take(&mut site.net.called) {
            self.daemon.calls.called(index, at, peer, called);
        }
        self.oracle.moved(index, &self.sites[index].owner);
    }

    fn daemon_turn(&mut self) {
        let now = self.now;
        self.dials();
        if self.daemon.names.due() <= now {
            self.daemon.names.turn(&self.clock);
        }
        while let Some((site, peer)) = self.daemon.calls.turn(now) {
            self.sites[site].net.hung_up(now, peer);
        }
        self.lives();
        // Readers may have done the work of any.
        (0..self.daemon.workers.len()).for_each(|index| self.worked(index));
        for index in 0..self.daemon.workers.len() {
            let w = &self.daemon.workers[index];
            if w.due.max(w.stalled_until) <= now {
                let pick = self.random.next();
                self.daemon.work(index, now, pick);
                self.worked(index);
            }
        }
        if self.daemon.recovery_due.max(self.daemon.recovery_stalled) <= now {
            let pick = self.random.next();
            self.daemon.recover(now, pick);
            for (venue, name) in VENUES.iter().enumerate() {
                let site = self.sites.iter().position(|s| s.owner.face().to_string() == *name);
                if let Some(site) = site {
                    self.daemon.calls.make(self.hand.now(), venue, site, &mut self.sites[site].net);
                }
            }
        }
        if self.daemon.supervisor_due.max(self.daemon.supervisor_stalled) <= now {
            self.daemon.supervise(now);
            let owners: Vec<&Owner> = self.sites.iter().map(|s| &s.owner).collect();
            self.oracle.follow(&self.daemon, &owners);
            self.oracle.doubted(&self.daemon);
            if self.daemon.supervisor.waiting() == 0 {
                self.sites.iter_mut().for_each(|s| s.waits.known(now));
            }
            self.begin_lives();
            self.live_all_along();
        }
        self.daemon.look(now);
    }

    /// Work of this worker may have been done.
    fn worked(&mut self, index: usize) {
        if self.daemon.has_panicked(index) {
            self.oracle.panicked(index);
        }
        let owners: Vec<&Owner> = self.sites.iter().map(|s| &s.owner).collect();
        self.oracle.worked(index, &owners);
        self.live_all_along();
    }

    fn live_all_along(&mut self) {
        if self.stay_live
            && let [first, ..] = self.stale()[..].as_ref()
        {
            let what = format!("{first} is stale at {:.3} s", self.now.since(Mono::ZERO).as_secs_f64());
            self.oracle.violation(what);
        }
    }

    fn dials(&mut self) {
        let now = self.now;
        for (index, site) in self.sites.iter_mut().enumerate() {
            let mut at = 0;
            while at < site.net.dialed.len() {
                if site.net.dialed[at].0 > now {
                    at += 1;
                    continue;
                }
                let (_, peer, dialed) = site.net.dialed.remove(at);
                let life = self.daemon.lives.iter_mut().find(|l| l.site == index && l.peer == Some(peer));
                match life {
                    Some(life) => {
                        let wait = life.dialed(dialed, &self.hand, &self.clock);
                        site.waits.told(now, wait);
                    }
                    // It gave up meanwhile.
                    None => site.net.hung_up(now, peer),
                }
            }
        }
    }

    fn lives(&mut self) {
        let now = self.now;
        let mut at = 0;
        while at < self.daemon.lives.len() {
            let life = &mut self.daemon.lives[at];
            if life.due() > now {
                at += 1;
                continue;
            }
            let (before, goes_on) = (life.read, life.turn(now));
            let (more, connection, generation) = (life.read - before, life.connection, life.generation);
            let (site, peer) = (life.site, life.peer);
            let texts = life.pipe().map(|pipe| {
                let mut pipe = pipe.borrow_mut();
                let sent = std::mem::take(&mut pipe.outbox);
                if let Some(peer) = peer.filter(|_| !sent.is_empty()) {
                    self.sites[site].net.sent(now, peer, sent);
                }
                std::mem::take(&mut pipe.turn)
            });
            if !goes_on {
                if let Some(peer) = peer {
                    self.sites[site].net.hung_up(now, peer);
                }
                self.daemon.lives.remove(at);
            } else {
                at += 1;
            }
            self.noted(connection, generation.0, more, &texts.unwrap_or_default());
        }
    }

    fn begin_lives(&mut self) {
        for started in self.daemon.started.take() {
            let (connection, generation) = (started.0.connection, started.0.generation);
            let host = started.0.target.host.clone();
            let lives = self.daemon.supervisor.lifecycles().find(|(id, _)| *id == connection);
            let beside = lives.and_then(|(_, lives)| lives.survivor_of(generation));
            let others = self.daemon.lives.iter().filter(|l| l.connection == connection);
            if others.clone().any(|l| Some(l.generation) != beside) {
                self.oracle.violation(format!("I5: two lives of connection {}", connection.0));
            }
            self.oracle.begins(connection, beside);
            let site = self.sites.iter().position(|s| host == format!("{}.test", s.owner.face()));
            let site = site.expect("a configuration names venues that are there");
            let SimSite { net, waits, .. } = &mut self.sites[site];
            let fault = self.dial_fault.take();
            if fault.is_none() {
                waits.dialed(self.now, net.dial_arrives(self.now));
            }
            self.daemon.lives.push(SimLife::begin(started, site, net, fault, self.now));
        }
    }
}
