//! One subscribed client, as the venue sees it.

use super::spoil;
use crate::engine::time::Mono;
use crate::sim::config::{Face, SimConfig};
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::meter::Rolling;
use crate::sim::random::Random;
use crate::sim::tongue::{Scene, Tongue};
use crate::sim::{binance, coinapi};
use std::collections::VecDeque;

/// Faults waiting for a message to happen to.
const ARMED_MAX: usize = 4_096;

#[derive(Debug)]
pub enum Session {
    CoinApi(coinapi::session::Session),
    Binance(binance::session::Session),
    Spoken(Box<dyn Tongue>),
}

#[derive(Debug)]
pub struct Client {
    pub session: Session,
    /// To be acted on at these times; no more than the allowance lets in within one control latency.
    pub controls: VecDeque<(Mono, String)>,
    pub control: Rolling,
    /// Answers to control messages, to be sent now.
    pub answers: Vec<String>,
    /// The client is refused for this reason.
    pub refused: Option<&'static str>,
    /// Faults by symbol, each for the next book change of that symbol.
    armed: VecDeque<(usize, StreamFault)>,
    /// Messages by symbol that go out after the next one of that symbol.
    after: Vec<(usize, String)>,
    pub last_sent: Mono,
    pub ping_at: Mono,
    /// When the next heartbeat is due.
    pub beat_at: Mono,
    pub pong_due: Option<Mono>,
    pub close_at: Option<Mono>,
    /// Pongs still forgiven.
    pub flood: u32,
}

impl Client {
    pub fn new(session: Session, config: &SimConfig, now: Mono) -> Client {
        Client {
            session,
            controls: VecDeque::new(),
            control: Rolling::new(config.limits.control),
            answers: Vec::new(),
            refused: None,
            armed: VecDeque::new(),
            after: Vec::new(),
            last_sent: now,
            ping_at: now.after(config.ping_every),
            beat_at: now.after(config.heartbeat),
            pong_due: None,
            close_at: None,
            flood: 0,
        }
    }

    /// Acts on a message of the client's.
    pub fn control(&mut self, text: &str, scene: Scene<'_>, key: &str, random: &mut Random) {
        let symbols = scene.symbols;
        // A held message belongs to the scope it was made in. Sent into a new run it could pass for that run's next one.
        self.after.clear();
        match &mut self.session {
            Session::CoinApi(session) => {
                if let coinapi::session::Answer::Fatal(reason) = session.control(text, symbols, key, random) {
                    self.refused = Some(reason);
                }
            }
            Session::Binance(session) => self.answers.push(session.control(text, symbols)),
            Session::Spoken(tongue) => tongue.said(text, scene, &mut self.answers),
        }
    }

    /// A message that nobody asked for.
    pub fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match &mut self.session {
            Session::CoinApi(_) => spoil::stranger(Face::CoinApi, extra),
            Session::Binance(_) => spoil::stranger(Face::Binance, extra),
            Session::Spoken(tongue) => tongue.stranger(extra, scene),
        }
    }

    /// True when this client gets book messages of the symbol.
    pub fn takes_books(&self, symbol: usize) -> bool {
        match &self.session {
            Session::CoinApi(session) => session.takes_books(symbol),
            Session::Binance(session) => session.stream(binance::session::Stream::Depth, symbol).is_some(),
            Session::Spoken(tongue) => tongue.takes_books(symbol),
        }
    }

    pub fn arm(&mut self, symbol: usize, fault: StreamFault) {
        if self.armed.len() < ARMED_MAX && self.can_suffer(symbol, fault) {
            self.armed.push_back((symbol, fault));
        }
    }

    /// Nothing waits to happen any more.
    pub fn calm(&mut self) {
        self.armed.clear();
    }

    /// Whether the fault exists on this face.
    fn can_suffer(&self, symbol: usize, fault: StreamFault) -> bool {
        let coinapi_only = matches!(
            fault,
            StreamFault::Restart | StreamFault::Unsequenced | StreamFault::Snapshot | StreamFault::Empty
        );
        match &self.session {
            Session::Spoken(tongue) if fault == StreamFault::WrongSum => tongue.sums(symbol),
            _ if fault == StreamFault::WrongSum => false,
            Session::CoinApi(_) => true,
            Session::Binance(_) => !coinapi_only,
            Session::Spoken(tongue) => !coinapi_only && tongue.shows(fault),
        }
    }

    /// The fault that happens to the book message now due for the symbol, if any may.
    pub fn disarm(&mut self, symbol: usize) -> Option<StreamFault> {
        let at = self.armed.iter().position(|&(s, _)| s == symbol)?;
        let fault = self.armed[at].1;
        if let Session::CoinApi(session) = &self.session {
            let held = self.after.iter().any(|&(s, _)| s == symbol);
            // Numbers that fall back to 1 must be seen to: after 1 itself, or with an old message still to come,
            // the stream could pass for an unbroken one.
            let invisible = fault == StreamFault::Restart && (held || !session.is_numbered_past(symbol, 1));
            if !session.sends_delta(symbol) || invisible {
                return None;
            }
        }
        self.armed.remove(at).map(|(_, fault)| fault)
    }

    /// Spoils the sum of a book message, or the next one of its book.
    pub fn wrong_sum(&mut self, symbol: usize, text: &str) -> String {
        match &mut self.session {
            Session::Spoken(tongue) => tongue.wrong_sum(symbol, text.to_owned()),
            Session::CoinApi(_) | Session::Binance(_) => text.to_owned(),
        }
    }

    /// Keeps a message back until after the next one of the symbol.
    pub fn hold(&mut self, symbol: usize, text: String) {
        self.after.push((symbol, text));
    }

    /// What was kept back for the symbol.
    pub fn held(&mut self, symbol: usize) -> Vec<String> {
        if self.after.is_empty() {
            return Vec::new();
        }
        let (now, later) = std::mem::take(&mut self.after).into_iter().partition(|&(s, _)| s == symbol);
        self.after = later;
        let now: Vec<(usize, String)> = now;
        now.into_iter().map(|(_, text)| text).collect()
    }
}
