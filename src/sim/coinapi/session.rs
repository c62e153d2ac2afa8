//! What one CoinAPI connection is subscribed to, and what it is owed.
//!
//! The scope is a set of (type, symbol) pairs. Entering it starts a run: numbers from 1, and a whole book in place of the next
//! change. A pair that stays in the scope through a `hello` or `subscribe` goes on undisturbed and gets nothing again.

use super::message::{self, BookHead, Style};
use crate::engine::event::{Channel, Side};
use crate::engine::time::{Mono, Wall};
use crate::sim::face::Face;
use crate::sim::fault::StreamFault;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::{Change, Deal};
use crate::sim::random::Random;
use serde::Deserialize;
use std::time::Duration;

/// One pair's life in the scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    sequence: u64,
    /// The whole book is still owed. Deltas may come before it: the documents allow both.
    snapshot_owed: bool,
    /// Deltas to send before the snapshot.
    early: u8,
    /// It changed since the last periodic message (`book20`, `book50`).
    dirty: bool,
}

/// A client message. Unknown fields are ignored, as a venue would.
#[derive(Deserialize, Debug)]
struct Request {
    r#type: String,
    apikey: Option<String>,
    #[serde(default)]
    heartbeat: bool,
    #[serde(default)]
    subscribe_data_type: Vec<String>,
    subscribe_filter_symbol_id: Option<Vec<String>>,
}

/// What a message brought about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Nothing is ever acknowledged.
    Silence,
    /// An `error` frame, then the close.
    Fatal(&'static str),
}

#[derive(Debug)]
pub struct Session {
    pub style: Style,
    key_ok: bool,
    pub heartbeat: bool,
    /// By symbol, then by channel in the order of [`Channel::ALL`].
    pairs: Vec<[Option<Run>; Channel::ALL.len()]>,
    periodic_at: Mono,
    /// Whether a run may begin with deltas.
    early_deltas: bool,
}

const PERIOD: Duration = Duration::from_secs(1);

impl Session {
    pub fn new(symbols: usize, key_ok: bool, early_deltas: bool, style: Style) -> Session {
        let pairs = vec![[None; Channel::ALL.len()]; symbols];
        Session { style, key_ok, heartbeat: false, pairs, periodic_at: Mono::ZERO, early_deltas }
    }

    /// Takes a client's message. `symbols` are all that are listed; `key` is the good one.
    pub fn control(&mut self, text: &str, symbols: &[String], key: &str, random: &mut Random) -> Answer {
        let Ok(request) = serde_json::from_str::<Request>(text) else {
            return Answer::Fatal("Message is not valid JSON");
        };
        self.key_ok |= request.apikey.as_deref() == Some(key);
        if !self.key_ok {
            return Answer::Fatal("Invalid API key");
        }
        let channels: Vec<usize> =
            request.subscribe_data_type.iter().filter_map(|n| Channel::from_name(n)).map(index).collect();
        let filter = request.subscribe_filter_symbol_id.unwrap_or_default();
        let matches: Vec<bool> =
            symbols.iter().map(|s| filter.is_empty() || filter.iter().any(|f| is_match(f, s))).collect();
        let books = channels.iter().any(|&c| Channel::ALL[c].is_book());
        match request.r#type.as_str() {
            // Since April 2024 books need a filter.
            // Source: https://docs.coinapi.io/general/changelog, read 2025-08-12.
            "hello" | "subscribe" if books && filter.is_empty() => {
                Answer::Fatal("A filter is required for order book data types")
            }
            kind @ ("hello" | "subscribe") => {
                if kind == "hello" {
                    self.heartbeat = request.heartbeat;
                }
                for (s, &matched) in matches.iter().enumerate() {
                    for c in 0..Channel::ALL.len() {
                        let wanted = matched && channels.contains(&c);
                        if wanted && self.pairs[s][c].is_none() {
                            self.pairs[s][c] = Some(self.run(random));
                        } else if !wanted && kind == "hello" {
                            self.pairs[s][c] = None;
                        }
                    }
                }
                Answer::Silence
            }
            "unsubscribe" => {
                for s in (0..symbols.len()).filter(|&s| matches[s]) {
                    for &c in &channels {
                        self.pairs[s][c] = None;
                    }
                }
                Answer::Silence
            }
            _ => Answer::Fatal("Unknown message type"),
        }
    }

    fn run(&self, random: &mut Random) -> Run {
        let early = if self.early_deltas && random.percent(30) { 1 + random.below(3) as u8 } else { 0 };
        Run { sequence: 0, snapshot_owed: true, early, dirty: false }
    }

    /// True when the next change of this symbol goes out as a delta of `book`: the only message faults may spoil.
    /// A lost snapshot would never be sent again, which no venue does over TCP.
    pub fn sends_delta(&self, symbol: usize) -> bool {
        matches!(self.pairs[symbol][index(Channel::Book)], Some(run) if !run.snapshot_owed || run.early > 0)
    }

    /// True when a numbering fault would show: a fall back to 1 is none where 1 is what comes next.
    pub fn is_numbered_past(&self, symbol: usize, sequence: u64) -> bool {
        matches!(self.pairs[symbol][index(Channel::Book)], Some(run) if run.sequence > sequence)
    }

    pub fn takes_books(&self, symbol: usize) -> bool {
        self.pairs[symbol][index(Channel::Book)].is_some()
    }

    /// The `book` message for a change.
    pub fn book(
        &mut self,
        symbol: usize,
        ladder: &Ladder,
        change: &Change,
        fault: Option<StreamFault>,
    ) -> Option<String> {
        let style = self.style;
        let run = self.pairs[symbol][index(Channel::Book)].as_mut()?;
        run.sequence += 1;
        let early = run.snapshot_owed && run.early > 0;
        let whole = (run.snapshot_owed && !early) || fault == Some(StreamFault::Snapshot);
        if early {
            run.early -= 1;
        }
        run.snapshot_owed &= !whole;
        if fault == Some(StreamFault::Restart) {
            run.sequence = 1;
        }
        let sequence = (fault != Some(StreamFault::Unsequenced)).then_some(run.sequence);
        let name = Face::CoinApi.spelled(ladder.spec());
        let head = BookHead {
            channel: Channel::Book,
            symbol: &name,
            sequence,
            time: change.time,
            is_snapshot: Some(whole),
        };
        let (asks, bids) = if whole {
            (message::best(ladder, Side::Ask, usize::MAX), message::best(ladder, Side::Bid, usize::MAX))
        } else {
            (message::changed(ladder, change, Side::Ask), message::changed(ladder, change, Side::Bid))
        };
        Some(message::book(&style, ladder.spec(), &head, &asks, &bids))
    }

    /// A delta that says nothing, right after a change and with its times.
    pub fn empty(&mut self, symbol: usize, ladder: &Ladder) -> Option<String> {
        let run = self.pairs[symbol][index(Channel::Book)].as_mut()?;
        run.sequence += 1;
        let name = Face::CoinApi.spelled(ladder.spec());
        let head = BookHead {
            channel: Channel::Book,
            symbol: &name,
            sequence: Some(run.sequence),
            time: ladder.time(),
            is_snapshot: Some(false),
        };
        Some(message::book(&self.style, ladder.spec(), &head, &[], &[]))
    }

    /// Everything else a change causes: `book5`, `quote`, `trade`.
    pub fn others(
        &mut self,
        symbol: usize,
        ladder: &Ladder,
        change: &Change,
        uuid: &str,
        out: &mut Vec<String>,
    ) {
        let style = self.style;
        if let Some(run) = &mut self.pairs[symbol][index(Channel::Book5)] {
            out.push(top(&style, ladder, Channel::Book5, 5, run));
        }
        for channel in [Channel::Book20, Channel::Book50] {
            if let Some(run) = &mut self.pairs[symbol][index(channel)] {
                run.dirty = true;
            }
        }
        if let Some(run) = self.pairs[symbol][index(Channel::Quote)].as_mut().filter(|_| change.top_changed) {
            run.sequence += 1;
            out.push(message::quote(&style, ladder, run.sequence, change.time));
        }
        if let (Some(deal), Some(run)) = (&change.trade, &mut self.pairs[symbol][index(Channel::Trade)]) {
            run.sequence += 1;
            out.push(message::trade(&style, ladder.spec(), run.sequence, change.time, deal, uuid));
        }
    }

    /// A trade of size 0 is a marker some exchanges send: to be counted as nothing.
    pub fn zero_trade(&mut self, symbol: usize, ladder: &Ladder, time: Wall, uuid: &str) -> Option<String> {
        let run = self.pairs[symbol][index(Channel::Trade)].as_mut()?;
        run.sequence += 1;
        let price = ladder.best(Side::Bid)?.0;
        let deal = Deal { id: 0, price, size: 0, taker: crate::engine::event::TakerSide::Unknown };
        Some(message::trade(&self.style, ladder.spec(), run.sequence, time, &deal, uuid))
    }

    /// `book20` and `book50` of what changed, once a second.
    pub fn periodic<'l>(&mut self, now: Mono, ladder: impl Fn(usize) -> &'l Ladder, out: &mut Vec<String>) {
        if now < self.periodic_at {
            return;
        }
        self.periodic_at = now.after(PERIOD);
        let style = self.style;
        for (symbol, runs) in self.pairs.iter_mut().enumerate() {
            for (channel, count) in [(Channel::Book20, 20), (Channel::Book50, 50)] {
                if let Some(run) = runs[index(channel)].as_mut().filter(|run| run.dirty) {
                    run.dirty = false;
                    out.push(top(&style, ladder(symbol), channel, count, run));
                }
            }
        }
    }
}

fn top(style: &Style, ladder: &Ladder, channel: Channel, count: usize, run: &mut Run) -> String {
    run.sequence += 1;
    let name = Face::CoinApi.spelled(ladder.spec());
    let head = BookHead {
        channel,
        symbol: &name,
        sequence: Some(run.sequence),
        time: ladder.time(),
        is_snapshot: None,
    };
    let (asks, bids) = (message::best(ladder, Side::Ask, count), message::best(ladder, Side::Bid, count));
    message::book(style, ladder.spec(), &head, &asks, &bids)
}

fn index(channel: Channel) -> usize {
    Channel::ALL.iter().position(|&c| c == channel).expect("ALL holds every channel")
}

/// A filter is a prefix, or the whole name when it ends in `$`.
fn is_match(filter: &str, symbol: &str) -> bool {
    filter.strip_suffix('$').map_or_else(|| symbol.starts_with(filter), |exact| exact == symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::market::{Market, Move};

    fn symbols() -> Vec<String> {
        ["SIMEX_SPOT_BTC_USD", "SIMEX_SPOT_BTC_USDT", "SIMEX_SPOT_ETH_USD"].map(str::to_owned).to_vec()
    }

    fn session() -> (Session, Random) {
        let mut random = Random::new(1);
        let style = Style::draw(&mut random);
        (Session::new(3, true, false, style), random)
    }

    fn pairs(session: &Session) -> Vec<(usize, &'static str)> {
        let mut out = Vec::new();
        for (s, runs) in session.pairs.iter().enumerate() {
            out.extend(Channel::ALL.iter().filter(|&&c| runs[index(c)].is_some()).map(|c| (s, c.name())));
        }
        out
    }

    #[test]
    fn filters_are_prefixes_unless_closed_with_a_dollar() {
        let (mut s, mut random) = session();
        let mut say = |text: &str| s.control(text, &symbols(), "k", &mut random);
        assert_eq!(
            say(
                r#"{"type":"hello","heartbeat":true,"subscribe_data_type":["book"],"subscribe_filter_symbol_id":["SIMEX_SPOT_BTC_USD"]}"#
            ),
            Answer::Silence
        );
        assert_eq!(pairs(&s), [(0, "book"), (1, "book")]);
        let mut say = |text: &str| s.control(text, &symbols(), "k", &mut random);
        say(
            r#"{"type":"hello","subscribe_data_type":["book","trade"],"subscribe_filter_symbol_id":["SIMEX_SPOT_BTC_USD$"]}"#,
        );
        say(
            r#"{"type":"subscribe","subscribe_data_type":["book"],"subscribe_filter_symbol_id":["SIMEX_SPOT_ETH_USD$"]}"#,
        );
        say(
            r#"{"type":"unsubscribe","subscribe_data_type":["book"],"subscribe_filter_symbol_id":["SIMEX_SPOT_BTC_USD$"]}"#,
        );
        assert_eq!(pairs(&s), [(0, "trade"), (2, "book")]);
        let bad =
            s.control(r#"{"type":"hello","subscribe_data_type":["book"]}"#, &symbols(), "k", &mut random);
        assert!(matches!(bad, Answer::Fatal(_)));
    }

    #[test]
    fn a_key_is_judged_at_the_first_message() {
        let mut random = Random::new(1);
        let style = Style::draw(&mut random);
        let hello =
            |key: &str| format!(r#"{{"type":"hello","apikey":"{key}","subscribe_data_type":["trade"]}}"#);
        let mut session = Session::new(3, false, false, style);
        assert_eq!(
            session.control(&hello("no"), &symbols(), "k", &mut random),
            Answer::Fatal("Invalid API key")
        );
        assert_eq!(session.control(&hello("k"), &symbols(), "k", &mut random), Answer::Silence);
        assert_eq!(pairs(&session).len(), 3);
    }

    #[test]
    fn the_first_change_brings_the_book_and_an_equal_hello_brings_nothing() {
        let (mut s, mut random) = session();
        let hello = r#"{"type":"hello","subscribe_data_type":["book"],"subscribe_filter_symbol_id":["SIMEX_SPOT_BTC_USD$"]}"#;
        s.control(hello, &symbols(), "k", &mut random);
        let mut market = Market::new(3, 1, Wall::from_nanos(0));
        let mut next = |s: &mut Session| -> serde_json::Value {
            let instrument = &mut market.instruments[0];
            let change = instrument.step(Wall::from_nanos(1), Move::Ordinary);
            serde_json::from_str(&s.book(0, &instrument.ladder, &change, None).expect("subscribed"))
                .expect("JSON")
        };
        let first = next(&mut s);
        assert_eq!((&first["is_snapshot"], &first["sequence"]), (&true.into(), &1.into()));
        assert!(first["bids"].as_array().is_some_and(|b| b.len() > 100));
        let second = next(&mut s);
        assert_eq!((&second["is_snapshot"], &second["sequence"]), (&false.into(), &2.into()));
        s.control(hello, &symbols(), "k", &mut random);
        assert_eq!(next(&mut s)["sequence"], 3);
        for verb in ["unsubscribe", "subscribe"] {
            s.control(&hello.replace("hello", verb), &symbols(), "k", &mut random);
        }
        let again = next(&mut s);
        assert_eq!((&again["is_snapshot"], &again["sequence"]), (&true.into(), &1.into()));
    }
}
