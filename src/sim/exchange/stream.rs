//! From a change of the market to the messages of every client, with what goes wrong on the way.

use super::client::{Client, Session};
use super::{Exchange, spoil};
use crate::engine::time::Mono;
use crate::sim::binance::message as binance;
use crate::sim::binance::session::Stream;
use crate::sim::coinapi::message as coinapi;
use crate::sim::config::Face;
use crate::sim::fault::{Extra, Fault, Malformed, StreamFault};
use crate::sim::market::{Change, Market, Move};
use crate::sim::net::{Net, PeerId, wire};
use crate::sim::tongue::Scene;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

impl Exchange {
    /// Moves one symbol and tells everybody. Gives what it cost of the rate: the most messages any client got.
    pub(super) fn change(
        &mut self,
        now: Mono,
        market: &mut Market,
        symbol: usize,
        how: Move,
        net: &mut dyn Net,
    ) -> f64 {
        let time = self.shared.wall(now);
        let change = market.instruments[symbol].step(time, how);
        self.level_changes += change.touched.len() as u64;
        match self.config.face {
            Face::CoinApi => self.tell_coinapi(now, market, symbol, &change, net).max(1.0),
            Face::Binance | Face::BinanceUsdm | Face::BinanceCoinm => {
                let gathered = &mut self.gathered[symbol];
                if gathered.span.is_none() {
                    // One to seven changes an event: four on average, about what recorded streams hold.
                    gathered.left = 1 + self.random.below(7);
                }
                gathered.add(&change);
                let full = gathered.left == 0;
                let told = self.tell_binance(now, market, symbol, &change, net);
                // An event nobody takes costs as much, or a market without listeners would run away.
                told + if full { self.flush(now, market, symbol, net).max(1.0) } else { 0.0 }
            }
            _ => self.tell_spoken(now, market, symbol, &change, net).max(1.0),
        }
    }

    fn tell_coinapi(
        &mut self,
        now: Mono,
        market: &Market,
        symbol: usize,
        change: &Change,
        net: &mut dyn Net,
    ) -> f64 {
        let ladder = &market.instruments[symbol].ladder;
        let uuid = change.trade.map(|_| coinapi::uuid(&mut self.random)).unwrap_or_default();
        let zero_trade = change.trade.is_some() && self.random.percent(3);
        let (shared, mut most) = (&self.shared, 0.0f64);
        let scene = Scene { market, symbols: &self.symbols, now: shared.wall(now) };
        for (&id, client) in &mut self.clients {
            let before = net.messages();
            let fault = client.disarm(symbol);
            let Session::CoinApi(session) = &mut client.session else { continue };
            let book = session.book(symbol, ladder, change, fault);
            let empty = if fault == Some(StreamFault::Empty) { session.empty(symbol, ladder) } else { None };
            let mut others = Vec::new();
            session.others(symbol, ladder, change, &uuid, &mut others);
            if zero_trade {
                others.extend(session.zero_trade(symbol, ladder, change.time, &uuid));
            }
            if let Some(text) = book {
                deliver(client, Due { id, symbol, text: &text, fault, now }, scene, net);
                if let Some(fault) = fault {
                    shared.log().fault(Fault::Stream { symbol: None, what: fault }.name());
                }
            }
            for text in empty.into_iter().chain(others) {
                net.text(id, &text);
            }
            if net.messages() > before {
                client.last_sent = now;
            }
            most = most.max((net.messages() - before) as f64);
        }
        most
    }

    fn tell_spoken(
        &mut self,
        now: Mono,
        market: &Market,
        symbol: usize,
        change: &Change,
        net: &mut dyn Net,
    ) -> f64 {
        let shared = &self.shared;
        let scene = Scene { market, symbols: &self.symbols, now: shared.wall(now) };
        let mut most = 0.0f64;
        for (&id, client) in &mut self.clients {
            let before = net.messages();
            let Session::Spoken(tongue) = &mut client.session else { continue };
            let mut ahead = Vec::new();
            tongue.ahead(symbol, change, scene, &mut ahead);
            let book = tongue.book(symbol, change, scene);
            ahead.iter().for_each(|text| net.text(id, text));
            if let Some(text) = book {
                let fault = client.disarm(symbol);
                deliver(client, Due { id, symbol, text: &text, fault, now }, scene, net);
                if let Some(fault) = fault {
                    shared.log().fault(Fault::Stream { symbol: None, what: fault }.name());
                }
            }
            let mut others = Vec::new();
            if let Session::Spoken(tongue) = &mut client.session {
                tongue.others(symbol, change, scene, &mut others);
            }
            others.iter().for_each(|text| net.text(id, text));
            if net.messages() > before {
                client.last_sent = now;
            }
            most = most.max((net.messages() - before) as f64);
        }
        most
    }

    fn tell_binance(
        &mut self,
        now: Mono,
        market: &Market,
        symbol: usize,
        change: &Change,
        net: &mut dyn Net,
    ) -> f64 {
        let ladder = &market.instruments[symbol].ladder;
        let ticker = if change.top_changed { binance::book_ticker(ladder, self.product()) } else { None };
        let trade =
            change.trade.as_ref().map(|deal| binance::trade(ladder, change.time, deal, self.product()));
        let forced = change
            .trade
            .as_ref()
            .and_then(|deal| binance::force_order(ladder, change.time, deal, self.product()));
        let mut most = 0;
        for (&id, client) in &mut self.clients {
            let Session::Binance(session) = &client.session else { continue };
            let mut count = 0;
            let texts =
                [(Stream::BookTicker, &ticker), (Stream::Trade, &trade), (Stream::ForceOrder, &forced)];
            for (what, text) in texts {
                if let (Some(stream), Some(text)) = (session.stream(what, symbol), text) {
                    net.text(id, &session.dress(stream, text));
                    client.last_sent = now;
                    count += 1;
                }
            }
            most = most.max(count);
        }
        f64::from(most)
    }

    /// Sends the depth event of what was gathered for a symbol, if anything. Gives the cost.
    pub(super) fn flush(&mut self, now: Mono, market: &Market, symbol: usize, net: &mut dyn Net) -> f64 {
        let gathered = self.gathered[symbol].take();
        let time = self.shared.wall(now);
        let Some(event) = gathered.event(&market.instruments[symbol].ladder, time, self.product()) else {
            return 0.0;
        };
        let mut told = 0.0;
        let scene = Scene { market, symbols: &self.symbols, now: time };
        for (&id, client) in &mut self.clients {
            let Session::Binance(session) = &client.session else { continue };
            let Some(stream) = session.stream(Stream::Depth, symbol) else { continue };
            let text = session.dress(stream, &event);
            let fault = client.disarm(symbol);
            deliver(client, Due { id, symbol, text: &text, fault, now }, scene, net);
            if let Some(fault) = fault {
                self.shared.log().fault(Fault::Stream { symbol: None, what: fault }.name());
            }
            told = 1.0;
        }
        told
    }
}

/// One book message that is due now, and what is to happen to it.
struct Due<'t> {
    id: PeerId,
    symbol: usize,
    text: &'t str,
    fault: Option<StreamFault>,
    now: Mono,
}

/// Sends it.
fn deliver(client: &mut Client, due: Due<'_>, scene: Scene<'_>, net: &mut dyn Net) {
    let Due { id, symbol, text, fault, now } = due;
    let held = client.held(symbol);
    client.last_sent = now;
    match fault {
        Some(StreamFault::Gap) => {}
        Some(StreamFault::Duplicate) => {
            net.text(id, text);
            net.text(id, text);
        }
        Some(StreamFault::Late) => {
            net.text(id, text);
            client.hold(symbol, text.to_owned());
        }
        Some(StreamFault::Reorder) => client.hold(symbol, text.to_owned()),
        Some(StreamFault::WrongSum) => net.text(id, &client.wrong_sum(symbol, text)),
        Some(StreamFault::Fragmented) => fragmented(id, text, net),
        Some(StreamFault::Malformed(how)) => malformed(id, text, how, now, net),
        Some(StreamFault::Extra(extra)) => {
            net.text(id, text);
            match extra {
                Extra::PingFlood => {
                    client.flood += 50;
                    (0..50).for_each(|_| net.ping(id));
                }
                Extra::UnknownType | Extra::UnknownSymbol => net.text(id, &client.stranger(extra, scene)),
            }
        }
        _ => net.text(id, text),
    }
    for late in held {
        net.text(id, &late);
    }
}

fn fragmented(id: PeerId, text: &str, net: &mut dyn Net) {
    let (first, last) = (text.len() / 3, text.len() * 2 / 3);
    let bytes = text.as_bytes();
    let part =
        |data, is_final| FrameHeader { opcode: OpCode::Data(data), is_final, ..FrameHeader::default() };
    net.frame(id, &part(Data::Text, false), &bytes[..first]);
    net.frame(id, &part(Data::Continue, false), &bytes[first..last]);
    net.frame(id, &part(Data::Continue, true), &bytes[last..]);
    net.count();
}

fn malformed(id: PeerId, text: &str, how: Malformed, now: Mono, net: &mut dyn Net) {
    net.count();
    match how {
        Malformed::BadUtf8 => {
            let mut bytes = text.as_bytes().to_vec();
            let middle = bytes.len() / 2;
            bytes.insert(middle, 0xFF);
            net.frame(id, &wire::header(Data::Text), &bytes);
        }
        Malformed::Binary => net.frame(id, &wire::header(Data::Binary), text.as_bytes()),
        Malformed::ReservedBit => {
            let header = FrameHeader { rsv1: true, ..wire::header(Data::Text) };
            net.frame(id, &header, text.as_bytes());
        }
        Malformed::Oversize => {
            let mut bytes = Vec::new();
            // Writing to a Vec cannot fail.
            let _ = wire::header(Data::Text).format(1 << 30, &mut bytes);
            bytes.extend_from_slice(text.as_bytes());
            net.raw(id, &bytes);
            // No frame can follow: the client would take it for the gigabyte it waits for.
            net.fin(id, now);
        }
        _ => net.frame(id, &wire::header(Data::Text), spoil::text(text, how).as_bytes()),
    }
}
