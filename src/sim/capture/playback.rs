//! Plays a recording to each connection, and answers questions for its book.

use super::questions::Questions;
use super::read::{Recording, stream_of};
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
/// At full pace, frames a client may be behind, as its pongs tell: half a second of a busy symbol. Sockets hold minutes of
/// it, and a client that asks for a newer book would be that far behind the answer. Fewer cost a round trip each.
const AHEAD_MAX: u64 = 64;
/// A client whose pong is later than this is not waited for. Ten thousand times a loopback's round trip.
const PONG_WITHIN: Duration = Duration::from_millis(250);
/// At full pace the stream waits at a snapshot at most this long for anybody to fetch it.
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

pub(super) struct Listener {
    /// `None` takes every frame.
    streams: Option<BTreeSet<String>>,
    /// When the playing began; `None` while nothing is subscribed.
    begun: Option<Mono>,
    next: usize,
    pub sent: u64,
    /// Frames the client is known to have read: those sent before a ping that it answered.
    pub read: u64,
    /// The ping without an answer: when it was sent, after how many frames.
    pinged: Option<(Mono, u64)>,
    ping_at: Mono,
    /// Waiting at a snapshot: since when, and how many had been answered then.
    held: Option<(Mono, u64)>,
}

impl Listener {
    fn new(now: Mono, streams: Option<BTreeSet<String>>) -> Listener {
        let begun = streams.as_ref().is_none_or(|s| !s.is_empty()).then_some(now);
        let ping_at = now.after(PING);
        Listener { streams, begun, next: 0, sent: 0, read: 0, pinged: None, ping_at, held: None }
    }

    /// Lines of the recording that this connection has come to. One held at a snapshot has come to it.
    pub fn reached(&self) -> usize {
        self.next + usize::from(self.held.is_some())
    }

    /// Asks the client how far it has read, one ping at a time. One that does not answer counts as having read.
    pub fn ping(&mut self, now: Mono, id: PeerId, net: &mut dyn Net) {
        if self.pinged.is_some_and(|(at, _)| at.after(PONG_WITHIN) <= now) {
            self.ponged();
        }
        if self.pinged.is_none() {
            self.pinged = Some((now, self.sent));
            self.ping_at = now.after(PING);
            net.ping(id);
        }
    }

    fn ponged(&mut self) {
        self.read = self.pinged.take().map_or(self.read, |(_, sent)| sent);
    }

    fn wants(&self, frame: &str) -> bool {
        self.streams.as_ref().is_none_or(|s| stream_of(frame).is_some_and(|name| s.contains(name)))
    }
}

pub struct Playback {
    recording: Recording,
    pace: Pace,
    shared: Arc<Shared>,
    listeners: BTreeMap<PeerId, Listener>,
    questions: Questions,
    due: Mono,
}

impl Playback {
    pub fn new(recording: Recording, pace: Pace, shared: Arc<Shared>) -> Playback {
        let questions = Questions::new(pace);
        Playback { recording, pace, shared, listeners: BTreeMap::new(), questions, due: Mono::ZERO }
    }

    fn upgrade(&mut self, now: Mono, id: PeerId, head: &Head, key: &str, net: &mut dyn Net) {
        let streams = head.path.ends_with("/stream").then(|| {
            let names = head.param("streams").unwrap_or("");
            names.split('/').filter(|n| !n.is_empty()).map(str::to_owned).collect::<BTreeSet<String>>()
        });
        self.listeners.insert(id, Listener::new(now, streams));
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
        net.accept(id, key);
    }

    fn said(&mut self, now: Mono, id: PeerId, text: &str, net: &mut dyn Net) {
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

    fn asked(&mut self, now: Mono, id: PeerId, head: &Head, net: &mut dyn Net) {
        let symbol = head.param("symbol").unwrap_or("");
        let known = self.recording.symbols.is_empty() || self.recording.symbols.iter().any(|s| s == symbol);
        if !head.path.ends_with("/depth") || !self.recording.lines.iter().any(|line| line.is_snapshot) {
            return net.respond(id, Response::json(404, "{\"code\":-1,\"msg\":\"not recorded\"}"), now);
        }
        if !known {
            return net.respond(id, Response::json(400, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"), now);
        }
        self.questions.asked(now, id, head.param("limit"));
        // At once, before another frame is played.
        self.questions.look_up(now, &self.recording, &self.listeners);
    }

    /// Sends what is due on one connection; gives when more will be.
    fn play(&self, now: Mono, id: PeerId, listener: &mut Listener, net: &mut dyn Net) -> Mono {
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
            if self.pace == Pace::Full
                && let Some(until) = self.hold(now, id, listener, line.is_snapshot, net)
            {
                return until;
            }
            listener.held = None;
            listener.next += 1;
            let frame = self.recording.frame(line);
            if !line.is_snapshot && listener.wants(frame) {
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

    /// Why a stream without a pace of its own stands still: a client is about to join a snapshot, nobody has fetched the
    /// first yet, or the client is behind. Gives when to look again.
    fn hold(
        &self,
        now: Mono,
        id: PeerId,
        listener: &mut Listener,
        at_snapshot: bool,
        net: &mut dyn Net,
    ) -> Option<Mono> {
        let again = now.after(Duration::from_millis(5));
        if self.questions.are_joining(now) {
            return Some(again);
        }
        if at_snapshot {
            let answers = self.shared.snapshots.load(Ordering::Relaxed);
            let (since, before) = *listener.held.get_or_insert((now, answers));
            if answers == before && since.after(FETCH_PATIENCE) > now {
                return Some(again);
            }
        }
        let ahead = listener.sent - listener.read;
        if ahead >= AHEAD_MAX / 2 {
            listener.ping(now, id, net);
        }
        (ahead >= AHEAD_MAX).then_some(again)
    }
}

impl Host for Playback {
    fn event(&mut self, now: Mono, event: Event, net: &mut dyn Net) {
        match event {
            Event::Upgrade(id, head, key) => self.upgrade(now, id, &head, &key, net),
            Event::Request(id, head) => self.asked(now, id, &head, net),
            Event::Text(id, text) => self.said(now, id, &text, net),
            Event::Pong(id) => {
                if let Some(listener) = self.listeners.get_mut(&id) {
                    listener.ponged();
                }
            }
            Event::Gone(id) => {
                self.listeners.remove(&id);
                self.questions.gone(id);
            }
            Event::Ping(_) | Event::Answered(_) => {}
        }
        self.due = now;
    }

    fn run(&mut self, now: Mono, net: &mut dyn Net) {
        let mut due = Mono::NEVER;
        let mut listeners = std::mem::take(&mut self.listeners);
        for (&id, listener) in &mut listeners {
            due = due.min(self.play(now, id, listener, net));
            self.shared.sent.fetch_max(listener.sent, Ordering::Relaxed);
            if listener.ping_at <= now {
                listener.ping(now, id, net);
            }
            due = due.min(listener.ping_at);
        }
        self.listeners = listeners;
        self.questions.look_up(now, &self.recording, &self.listeners);
        let (answered, again) = self.questions.answer(now, &mut self.listeners, net);
        self.shared.snapshots.fetch_add(answered, Ordering::Relaxed);
        self.due = due.min(again);
    }

    fn deadline(&self) -> Mono {
        self.due
    }
}
