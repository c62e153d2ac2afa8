//! The live venue behind the sockets: moves the market, tells every client what it subscribed to, and misbehaves as told.

mod client;
mod desk;
mod door;
mod faults;
pub(super) mod spoil;
mod stream;

use super::config::{Face, FaultLevel, SimConfig};
use super::fault::{Fault, RestFault, UpgradeFault};
use super::log::{VenueLog, ViolationKind};
use super::market::Market;
use super::meter::{Aligned, Rolling};
use super::net::{Event, Host, Net, PeerId};
use super::random::Random;
use super::tongue::Scene;
use crate::engine::time::{Mono, Wall};
use client::{Client, Session};
use crossbeam_channel::Receiver;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the venue's thread and its owner share.
#[derive(Debug)]
pub struct Shared {
    pub market: Mutex<Market>,
    pub log: Mutex<VenueLog>,
    pub rate: AtomicU32,
    pub quiet: AtomicBool,
    pub stop: AtomicBool,
    /// The wall time at [`Mono::ZERO`].
    pub epoch: Wall,
}

impl Shared {
    pub fn wall(&self, now: Mono) -> Wall {
        Wall::from_nanos(self.epoch.nanos().saturating_add_unsigned(now.nanos()))
    }

    pub fn market(&self) -> MutexGuard<'_, Market> {
        lock(&self.market)
    }

    pub fn log(&self) -> MutexGuard<'_, VenueLog> {
        lock(&self.log)
    }
}

/// A panic while a lock was held ends a test by itself; what it guarded is still whole enough to read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the owner asks of the venue's thread.
#[derive(Debug)]
pub enum Command {
    Inject(Fault),
    /// To one connection, symbol or call, drawn from all.
    Strike(Fault),
    Faults(FaultLevel),
    /// What was asked for and has not happened yet does not happen.
    Calm,
    /// So many messages at once, whatever the rate.
    Burst(u32),
    /// One change of this symbol, whatever the rate.
    Step(usize),
}

/// Fewest nanoseconds between two turns of the market: at high rates a few messages leave together, as on any busy link.
const TURN: Duration = Duration::from_micros(500);
/// How often heartbeats, pings and other timers are looked at.
const CHORES: Duration = Duration::from_millis(20);
/// Changes made in one turn at most, so that sockets are served in between.
const CHANGES_PER_TURN: u32 = 2_000;

pub struct Exchange {
    config: SimConfig,
    shared: std::sync::Arc<Shared>,
    commands: Receiver<Command>,
    random: Random,
    /// By symbol, in the face's spelling.
    symbols: Vec<String>,
    clients: BTreeMap<PeerId, Client>,
    faults: FaultLevel,
    next_fault: Mono,
    upgrade_faults: VecDeque<UpgradeFault>,
    rest_faults: VecDeque<RestFault>,
    meters: Meters,
    /// Calls in flight, by the number the log gave them.
    calls: BTreeMap<PeerId, u64>,
    gathered: Vec<super::binance::message::Gathered>,
    /// Messages owed to the rate, in whole and parts.
    owed: f64,
    burst: f64,
    moved_at: Mono,
    chores_at: Mono,
    next_turn: Mono,
    level_changes: u64,
}

struct Meters {
    connects: Rolling,
    /// CoinAPI counts over all connections; Binance has one meter a client.
    control: Rolling,
    rest_rolling: Rolling,
    rest_aligned: Aligned,
    rest_daily: Option<Rolling>,
    /// From when and until when REST was told to stay away.
    rest_ban: Option<(Mono, Mono)>,
    /// Calls made during a ban.
    rest_offences: u32,
    connect_ban: Option<(Mono, Mono)>,
}

impl Exchange {
    pub fn new(config: SimConfig, shared: std::sync::Arc<Shared>, commands: Receiver<Command>) -> Exchange {
        let symbols: Vec<String> = {
            let market = shared.market();
            market.instruments.iter().map(|i| config.face.spelled(i.spec())).collect()
        };
        let limits = &config.limits;
        let day = Duration::from_secs(24 * 60 * 60);
        let meters = Meters {
            connects: Rolling::new(limits.connects),
            control: Rolling::new(limits.control),
            rest_rolling: Rolling::new(limits.rest),
            rest_aligned: Aligned::new(limits.rest),
            rest_daily: limits.rest_daily.map(|n| Rolling::new(super::config::Allowance::new(n, day))),
            rest_ban: None,
            rest_offences: 0,
            connect_ban: None,
        };
        let gathered = vec![super::binance::message::Gathered::default(); symbols.len()];
        Exchange {
            random: Random::new(config.seed ^ 0x51_4D),
            faults: config.faults,
            config,
            shared,
            commands,
            symbols,
            clients: BTreeMap::new(),
            next_fault: Mono::ZERO,
            upgrade_faults: VecDeque::new(),
            rest_faults: VecDeque::new(),
            meters,
            calls: BTreeMap::new(),
            gathered,
            owed: 0.0,
            burst: 0.0,
            moved_at: Mono::ZERO,
            chores_at: Mono::ZERO,
            next_turn: Mono::ZERO,
            level_changes: 0,
        }
    }

    fn violation(&self, now: Mono, kind: ViolationKind, detail: impl Into<String>) {
        self.shared.log().violation(since_start(now), kind, detail.into());
    }

    fn client_said(&mut self, now: Mono, id: PeerId, text: String, net: &mut dyn Net) {
        self.shared.log().control(since_start(now), id.0, &text);
        if !self.control_allowed(now, id, &text) {
            self.violation(now, ViolationKind::Control, text.chars().take(200).collect::<String>());
            if self.config.face == Face::CoinApi {
                net.text(id, &super::coinapi::message::error("Too many hello messages"));
            }
            return net.close(id, 1008, "Too many requests", now);
        }
        let (low, high) = self.config.control_latency;
        let wait = between(&mut self.random, low, high);
        let Some(client) = self.clients.get_mut(&id) else { return };
        // In order: a later message is never acted on before an earlier one.
        let at = client.controls.back().map_or(now, |&(at, _)| at).max(now.after(wait));
        client.controls.push_back((at, text));
    }

    fn control_allowed(&mut self, now: Mono, id: PeerId, text: &str) -> bool {
        match self.config.face {
            Face::CoinApi => self.meters.control.take(now, 1).is_ok(),
            // The hourly figure is of requests.
            Face::Okx if text == "ping" => true,
            _ => self.clients.get_mut(&id).is_none_or(|c| c.control.take(now, 1).is_ok()),
        }
    }

    /// Binance counts pings and pongs with the rest; pongs to a flood of ours are forgiven.
    fn client_ponged(&mut self, now: Mono, id: PeerId, is_pong: bool, net: &mut dyn Net) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if is_pong {
            client.pong_due = None;
        }
        if is_pong && client.flood > 0 {
            client.flood -= 1;
        } else if self.config.face.is_binance() && client.control.take(now, 1).is_err() {
            self.violation(now, ViolationKind::Control, "ping or pong");
            net.close(id, 1008, "Too many requests", now);
        }
    }

    /// Acts on what clients said a moment ago.
    fn controls(&mut self, now: Mono, net: &mut dyn Net) {
        let due = |client: &Client| client.controls.front().is_some_and(|&(at, _)| at <= now);
        if !self.clients.values().any(due) {
            return;
        }
        let shared = self.shared.clone();
        let market = shared.market();
        let scene = Scene { market: &market, symbols: &self.symbols, now: shared.wall(now) };
        for (&id, client) in &mut self.clients {
            while client.controls.front().is_some_and(|&(at, _)| at <= now) {
                let Some((_, text)) = client.controls.pop_front() else { break };
                client.control(&text, scene, &self.config.key, &mut self.random);
                for answer in std::mem::take(&mut client.answers) {
                    net.text(id, &answer);
                    client.last_sent = now;
                }
                if let Some(reason) = client.refused.take() {
                    self.shared.log().violation(
                        since_start(now),
                        ViolationKind::BadRequest,
                        reason.to_owned(),
                    );
                    net.text(id, &super::coinapi::message::error(reason));
                    net.close(id, 1000, "", now);
                }
            }
        }
    }

    /// Heartbeats, pings, planned closes, slow readers, periodic books.
    fn chores(&mut self, now: Mono, net: &mut dyn Net) {
        if now < self.chores_at {
            return;
        }
        self.chores_at = now.after(CHORES);
        let shared = self.shared.clone();
        let market = shared.market();
        for (&id, client) in &mut self.clients {
            if !net.is_open(id) {
                continue;
            }
            let mut periodic = Vec::new();
            if let Session::CoinApi(session) = &mut client.session {
                session.periodic(now, |s| &market.instruments[s].ladder, &mut periodic);
                if session.heartbeat && now.since(client.last_sent) >= self.config.heartbeat {
                    periodic.push(super::coinapi::message::heartbeat(&session.style));
                }
            }
            if let Session::Spoken(tongue) = &mut client.session
                && now >= client.beat_at
            {
                client.beat_at = now.after(self.config.heartbeat);
                let scene = Scene { market: &market, symbols: &self.symbols, now: shared.wall(now) };
                tongue.beat(scene, &mut periodic);
            }
            for text in periodic {
                net.text(id, &text);
                client.last_sent = now;
            }
            if now >= client.ping_at {
                client.ping_at = now.after(self.config.ping_every);
                client.pong_due.get_or_insert(now.after(self.config.pong_within));
                net.ping(id);
            }
            let mut log = shared.log();
            if client.pong_due.is_some_and(|due| due <= now) {
                log.violation(since_start(now), ViolationKind::NoPong, format!("connection {}", id.0));
                net.close(id, 1008, "no pong", now);
            } else if net.backlog(id) > self.config.limits.backlog_bytes_max {
                log.violation(since_start(now), ViolationKind::SlowReader, format!("connection {}", id.0));
                drop(log);
                buffer_error(client, id, now, net);
            } else if client.close_at.is_some_and(|at| at <= now) {
                net.close(id, 1001, "restart", now);
            }
        }
        let mut log = shared.log();
        log.counters.messages_sent = net.messages();
        log.counters.bytes_sent = net.bytes();
    }

    fn commands(&mut self, now: Mono, net: &mut dyn Net) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Inject(fault) => self.inject(now, &fault, net),
                Command::Strike(fault) => self.strike(now, fault, net),
                Command::Faults(level) => {
                    self.faults = level;
                    self.next_fault = Mono::ZERO;
                }
                Command::Calm => self.calm(),
                Command::Burst(count) => self.burst += f64::from(count),
                Command::Step(symbol) if symbol < self.symbols.len() => {
                    let shared = self.shared.clone();
                    let mut market = shared.market();
                    self.change(now, &mut market, symbol, super::market::Move::Ordinary, net);
                    self.flush(now, &market, symbol, net);
                }
                Command::Step(_) => {}
            }
        }
    }
}

/// What a slow reader is told, and then the end.
fn buffer_error(client: &Client, id: PeerId, now: Mono, net: &mut dyn Net) {
    if matches!(client.session, Session::CoinApi(_)) {
        // Source: https://docs.coinapi.io/market-data/websocket/general, read 2025-08-12.
        let text = "Reached maximum allowed buffered messages for this connection.";
        net.text(id, &super::coinapi::message::error(text));
    }
    net.close(id, 1008, "", now);
}

impl Host for Exchange {
    fn event(&mut self, now: Mono, event: Event, net: &mut dyn Net) {
        match event {
            Event::Upgrade(id, head, key) => self.upgrade(now, id, &head, &key, net),
            Event::Request(id, head) => self.request(now, id, &head, net),
            Event::Text(id, text) => self.client_said(now, id, text, net),
            Event::Ping(id) => self.client_ponged(now, id, false, net),
            Event::Pong(id) => self.client_ponged(now, id, true, net),
            Event::Answered(id) => self.call_ended(now, id),
            Event::Gone(id) => {
                self.call_ended(now, id);
                if self.clients.remove(&id).is_some() {
                    self.shared.log().counters.connections -= 1;
                }
            }
        }
    }

    fn run(&mut self, now: Mono, net: &mut dyn Net) {
        self.commands(now, net);
        self.swarm(now, net);
        self.controls(now, net);
        self.turn(now, net);
        self.chores(now, net);
    }

    fn deadline(&self) -> Mono {
        let control = self.clients.values().filter_map(|c| c.controls.front().map(|&(at, _)| at)).min();
        self.chores_at.min(self.next_turn).min(control.unwrap_or(Mono::NEVER))
    }
}

fn since_start(now: Mono) -> Duration {
    now.since(Mono::ZERO)
}

fn between(random: &mut Random, low: Duration, high: Duration) -> Duration {
    let nanos = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
    Duration::from_nanos(random.between(nanos(low), nanos(high)).unsigned_abs())
}

impl Exchange {
    /// Moves the market as far as the rate says.
    fn turn(&mut self, now: Mono, net: &mut dyn Net) {
        let rate = f64::from(self.shared.rate.load(Ordering::Relaxed));
        let quiet = self.shared.quiet.load(Ordering::Relaxed);
        let elapsed = now.since(self.moved_at).as_secs_f64();
        self.moved_at = now;
        let shared = self.shared.clone();
        let mut market = shared.market();
        if quiet {
            self.owed = 0.0;
            for symbol in 0..self.symbols.len() {
                self.flush(now, &market, symbol, net);
            }
        } else {
            // A venue that cannot keep up falls behind its rate; it does not catch up in a burst nobody asked for.
            self.owed = (self.owed + elapsed * rate).min((rate / 10.0).max(16.0));
        }
        let mut changes = 0;
        while self.owed + self.burst >= 1.0 && changes < CHANGES_PER_TURN {
            let symbol = market.draw();
            let cost = self.change(now, &mut market, symbol, super::market::Move::Ordinary, net);
            if self.burst >= 1.0 {
                self.burst -= cost
            } else {
                self.owed -= cost
            }
            changes += 1;
        }
        let mut log = shared.log();
        log.counters.market_changes += u64::from(changes);
        log.counters.level_changes = self.level_changes;
        // With each turn, not with the next chores: who compares with what arrived would find less sent than received.
        log.counters.messages_sent = net.messages();
        log.counters.bytes_sent = net.bytes();
        drop(log);
        let wait =
            if quiet || rate == 0.0 { CHORES } else { Duration::from_secs_f64((1.0 / rate).min(0.02)) };
        self.next_turn = if self.burst >= 1.0 { now } else { now.after(wait.max(TURN)) };
    }
}
