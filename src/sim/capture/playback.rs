//! Plays a recording to each connection, and hands out its snapshots.

use super::read::{Line, Recording, stream_of};
use super::{Pace, Progress};
use crate::engine::time::Mono;
use crate::sim::net::http::{Head, Response};
use crate::sim::net::{Event, Host, Net, PeerId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Unsent bytes a connection may have: enough to keep a socket busy, little enough to stop with the reader.
const BACKLOG_MAX: usize = 1 << 20;
/// How long an early question for the snapshot is kept waiting: shorter than a client's patience of two seconds.
const SNAPSHOT_WAIT: Duration = Duration::from_millis(1_500);
/// At full pace the stream stays at the snapshot this long after it was fetched: a client must get to joining it before
/// everything it kept has slid out of its window.
const JOIN_PAUSE: Duration = Duration::from_millis(200);
/// And at most this long for anybody to fetch it.
const FETCH_PATIENCE: Duration = Duration::from_secs(10);
/// Binance pings every twenty seconds. Source: binance-spot-api-docs web-socket-streams.md.
const PING: Duration = Duration::from_secs(20);

/// What the playing thread and its owner share.
#[derive(Debug)]
pub struct Shared {
    pub stop: AtomicBool,
    frames: u64,
    sent: AtomicU64,
    finished: AtomicBool,
    connections: AtomicU64,
    snapshots: AtomicU64,
}

impl Shared {
    pub fn new(frames: u64) -> Shared {
        Shared {
            stop: AtomicBool::new(false),
            frames,
            sent: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
        }
    }

    pub fn progress(&self) -> Progress {
        Progress {
            frames: self.frames,
            sent: self.sent.load(Ordering::Relaxed),
            finished: self.finished.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            snapshots: self.snapshots.load(Ordering::Relaxed),
        }
    }
}

struct Listener {
    /// `None` takes every frame.
    streams: Option<BTreeSet<String>>,
    /// When the playing began; `None` while nothing is subscribed.
    begun: Option<Mono>,
    next: usize,
    sent: u64,
    ping_at: Mono,
    /// Waiting at a snapshot: since when, and how many had been answered then.
    held: Option<(Mono, u64)>,
}

pub struct Playback {
    recording: Recording,
    pace: Pace,
    shared: Arc<Shared>,
    listeners: BTreeMap<PeerId, Listener>,
    /// Questions for a snapshot that is not there yet, with the time they give up.
    waiting: BTreeMap<PeerId, Mono>,
    /// When a snapshot was last answered.
    answered_at: Mono,
    due: Mono,
}

impl Playback {
    pub fn new(recording: Recording, pace: Pace, shared: Arc<Shared>) -> Playback {
        Playback {
            recording,
            pace,
            shared,
            listeners: BTreeMap::new(),
            waiting: BTreeMap::new(),
            answered_at: Mono::ZERO,
            due: Mono::ZERO,
        }
    }

    fn upgrade(&mut self, now: Mono, id: PeerId, head: &Head, key: &str, net: &mut Net) {
        let streams = head.path.ends_with("/stream").then(|| {
            let names = head.param("streams").unwrap_or("");
            names.split('/').filter(|n| !n.is_empty()).map(str::to_owned).collect::<BTreeSet<String>>()
        });
        let begun = streams.as_ref().is_none_or(|s| !s.is_empty()).then_some(now);
        let ping_at = now.after(PING);
        self.listeners.insert(id, Listener { streams, begun, next: 0, sent: 0, ping_at, held: None });
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
        net.accept(id, key);
    }

    fn said(&mut self, now: Mono, id: PeerId, text: &str, net: &mut Net) {
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        if request["method"] == "SUBSCRIBE"
            && let Some(streams) = &mut listener.streams
        {
            let names = request["params"].as_array().into_iter().flatten();
            streams.extend(names.filter_map(Value::as_str).map(str::to_owned));
            listener.begun.get_or_insert(now);
        }
        net.text(id, &json!({"result": null, "id": request["id"]}).to_string());
    }

    fn asked(&mut self, now: Mono, id: PeerId, head: &Head, net: &mut Net) {
        let symbol = head.param("symbol").unwrap_or("");
        let known = self.recording.symbols.is_empty() || self.recording.symbols.iter().any(|s| s == symbol);
        if !head.path.ends_with("/depth") || !self.recording.lines.iter().any(|line| line.is_snapshot) {
            return net.respond(id, Response::json(404, "{\"code\":-1,\"msg\":\"not recorded\"}"), now);
        }
        if !known {
            return net.respond(id, Response::json(400, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"), now);
        }
        self.waiting.insert(id, now.after(SNAPSHOT_WAIT));
    }

    /// The newest snapshot the stream has come to on any connection.
    fn snapshot(&self) -> Option<Line> {
        // A connection held at a snapshot has come to it.
        let reached = self.listeners.values().map(|l| l.next + usize::from(l.held.is_some())).max()?;
        self.recording.lines.iter().take(reached).rev().find(|line| line.is_snapshot).copied()
    }

    fn answer(&mut self, now: Mono, net: &mut Net) {
        let snapshot = self.snapshot();
        let (recording, shared) = (&self.recording, &self.shared);
        let mut answered = false;
        self.waiting.retain(|&id, &mut until| {
            if let Some(line) = snapshot {
                let body = recording.frame(line);
                net.respond(id, Response::json(200, body).with("X-MBX-USED-WEIGHT-1M", 50), now);
                shared.snapshots.fetch_add(1, Ordering::Relaxed);
                answered = true;
                return false;
            }
            if until <= now {
                net.respond(id, Response::json(503, "{\"code\":-1008,\"msg\":\"not yet\"}"), now);
            }
            until > now
        });
        if answered {
            self.answered_at = now;
        }
    }

    /// Sends what is due on one connection; gives when more will be.
    fn play(&self, now: Mono, id: PeerId, listener: &mut Listener, net: &mut Net) -> Mono {
        let Some(begun) = listener.begun else { return Mono::NEVER };
        while let Some(&line) = self.recording.lines.get(listener.next) {
            let due = match self.pace {
                Pace::Recorded => begun.after(Duration::from_nanos(line.at_nanos)),
                Pace::Times(n) => begun.after(Duration::from_nanos(line.at_nanos / u64::from(n.max(1)))),
                Pace::Full => begun,
            };
            if due > now {
                return due;
            }
            if net.backlog(id) > BACKLOG_MAX {
                return now.after(Duration::from_millis(1));
            }
            if line.is_snapshot && self.pace == Pace::Full {
                let answers = self.shared.snapshots.load(Ordering::Relaxed);
                let (since, before) = *listener.held.get_or_insert((now, answers));
                let fetched = answers > before && self.answered_at.after(JOIN_PAUSE) <= now;
                if !fetched && since.after(FETCH_PATIENCE) > now {
                    return now.after(Duration::from_millis(5));
                }
            }
            listener.held = None;
            listener.next += 1;
            let frame = self.recording.frame(line);
            let wanted =
                listener.streams.as_ref().is_none_or(|s| stream_of(frame).is_some_and(|n| s.contains(n)));
            if !line.is_snapshot && wanted {
                net.text(id, frame);
                listener.sent += 1;
            }
        }
        if net.backlog(id) == 0 {
            self.shared.finished.store(true, Ordering::Relaxed);
            return Mono::NEVER;
        }
        now.after(Duration::from_millis(5))
    }
}

impl Host for Playback {
    fn event(&mut self, now: Mono, event: Event, net: &mut Net) {
        match event {
            Event::Upgrade(id, head, key) => self.upgrade(now, id, &head, &key, net),
            Event::Request(id, head) => self.asked(now, id, &head, net),
            Event::Text(id, text) => self.said(now, id, &text, net),
            Event::Gone(id) => {
                self.listeners.remove(&id);
                self.waiting.remove(&id);
            }
            Event::Ping(_) | Event::Pong(_) | Event::Answered(_) => {}
        }
        self.due = now;
    }

    fn run(&mut self, now: Mono, net: &mut Net) {
        let mut due = Mono::NEVER;
        let mut listeners = std::mem::take(&mut self.listeners);
        for (&id, listener) in &mut listeners {
            due = due.min(self.play(now, id, listener, net));
            self.shared.sent.fetch_max(listener.sent, Ordering::Relaxed);
            if listener.ping_at <= now {
                listener.ping_at = now.after(PING);
                net.ping(id);
            }
            due = due.min(listener.ping_at);
        }
        self.listeners = listeners;
        self.answer(now, net);
        self.due = self.waiting.values().copied().fold(due, Mono::min);
    }

    fn deadline(&self) -> Mono {
        self.due
    }
}
