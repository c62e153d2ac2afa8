//! Faults as they strike: those asked for, and those drawn.

use super::client::{Client, Session};
use super::{Exchange, buffer_error};
use crate::engine::time::Mono;
use crate::sim::fault::{self, Fault, LinkFault, MarketFault, UpgradeFault};
use crate::sim::market::Move;
use crate::sim::net::{Gate, Net, PeerId};
use crate::sim::tongue::Scene;
use crate::sim::{binance, coinapi};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Faults waiting for a call or an upgrade.
const WAITING_MAX: usize = 4_096;

impl Exchange {
    /// Draws faults as their time comes. None while the venue is quiet: that is the time to recover.
    pub(super) fn swarm(&mut self, now: Mono, net: &mut dyn Net) {
        let Some(mean) = fault::mean_gap(self.faults) else { return };
        let mean = self.config.fault_gap.unwrap_or(mean);
        if now < self.next_fault {
            return;
        }
        let first = self.next_fault == Mono::ZERO;
        let wait = mean.mul_f64(self.random.exponential().clamp(0.05, 5.0));
        self.next_fault = now.after(wait);
        if first || self.shared.quiet.load(Ordering::Relaxed) {
            return;
        }
        if let Some(drawn) = fault::draw(self.faults, &mut self.random) {
            self.strike(now, drawn, net);
        }
    }

    /// A fault to one of those that it can happen to.
    pub(super) fn strike(&mut self, now: Mono, fault: Fault, net: &mut dyn Net) {
        match fault {
            Fault::Stream { what, .. } => {
                let ids: Vec<PeerId> = self.clients.keys().copied().collect();
                let Some(&id) = self.random.pick(&ids) else { return };
                let symbol = self.random.below(self.symbols.len() as u64) as usize;
                if let Some(client) = self.clients.get_mut(&id).filter(|c| c.takes_books(symbol)) {
                    client.arm(symbol, what);
                }
            }
            Fault::Market { what, .. } => {
                let symbol = self.random.below(self.symbols.len() as u64) as usize;
                self.strike_market(now, symbol, what, net);
            }
            Fault::Link(what) => {
                let ids: Vec<PeerId> = self.clients.keys().copied().collect();
                if let Some(&id) = self.random.pick(&ids) {
                    self.strike_link(now, id, what, net);
                }
            }
            other => self.inject(now, &other, net),
        }
    }

    /// A fault asked for: on every connection, on every symbol it names.
    pub(super) fn inject(&mut self, now: Mono, fault: &Fault, net: &mut dyn Net) {
        match fault {
            Fault::Stream { symbol, what } => {
                for index in self.named(symbol.as_deref()) {
                    for client in self.clients.values_mut().filter(|c| c.takes_books(index)) {
                        client.arm(index, *what);
                    }
                }
            }
            Fault::Market { symbol, what } => {
                for index in self.named(symbol.as_deref()) {
                    self.strike_market(now, index, *what, net);
                }
            }
            Fault::Link(what) => {
                let ids: Vec<PeerId> = self.clients.keys().copied().collect();
                for id in ids {
                    self.strike_link(now, id, *what, net);
                }
            }
            Fault::Upgrade { count, what } => {
                let room = WAITING_MAX - self.upgrade_faults.len();
                let count = (*count as usize).min(room);
                if *what == UpgradeFault::Reset {
                    net.reset_next(count as u32);
                } else {
                    self.upgrade_faults.extend(std::iter::repeat_n(*what, count));
                }
                self.count(fault.name(), count);
            }
            Fault::Rest { count, what } if self.can_fail_so(*what) => {
                let room = WAITING_MAX - self.rest_faults.len();
                self.rest_faults.extend(std::iter::repeat_n(*what, (*count as usize).min(room)));
            }
            Fault::Rest { .. } => {}
        }
    }

    pub(super) fn calm(&mut self) {
        self.upgrade_faults.clear();
        self.rest_faults.clear();
        self.clients.values_mut().for_each(Client::calm);
    }

    fn named(&self, symbol: Option<&str>) -> Vec<usize> {
        (0..self.symbols.len()).filter(|&i| symbol.is_none_or(|s| s == self.symbols[i])).collect()
    }

    fn count(&self, name: &'static str, times: usize) {
        let mut log = self.shared.log();
        (0..times).for_each(|_| log.fault(name));
    }

    fn strike_market(&mut self, now: Mono, symbol: usize, what: MarketFault, net: &mut dyn Net) {
        let shared = self.shared.clone();
        let mut market = shared.market();
        let how = match what {
            MarketFault::Jump => Move::Jump,
            MarketFault::Cross => Move::Cross,
        };
        self.change(now, &mut market, symbol, how, net);
        self.count(Fault::Market { symbol: None, what }.name(), 1);
    }

    fn strike_link(&mut self, now: Mono, id: PeerId, what: LinkFault, net: &mut dyn Net) {
        let wall = self.shared.wall(now);
        let Some(client) = self.clients.get_mut(&id).filter(|_| net.is_open(id)) else { return };
        match what {
            LinkFault::Reset => net.reset(id),
            // 1006 is what a peer reports when there was no close frame: it is never sent.
            LinkFault::Fin | LinkFault::Close(1006) => net.fin(id, now),
            LinkFault::Close(code) => net.close(id, code, "", now),
            LinkFault::HalfOpen => net.set_gate(id, Gate::Silent),
            LinkFault::Stall(length) => net.set_gate(id, Gate::Stalled(now.after(length))),
            LinkFault::Slice(length) => {
                net.set_gate(id, Gate::Sliced { until: now.after(length), next: now });
            }
            LinkFault::Notice(within) => {
                let before = crate::engine::time::Wall::from_nanos(
                    wall.nanos().saturating_add(i64::try_from(within.as_nanos()).unwrap_or(0)),
                );
                let seconds = within.max(Duration::from_secs(1)).as_secs();
                let shared = self.shared.clone();
                let market = shared.market();
                let scene = Scene { market: &market, symbols: &self.symbols, now: wall };
                let text = match &mut client.session {
                    Session::CoinApi(_) => Some(coinapi::message::reconnect(seconds, before)),
                    Session::Binance(session) => Some(binance::message::shutdown(session.combined, wall)),
                    Session::Spoken(tongue) => tongue.notice(scene),
                };
                text.iter().for_each(|text| net.text(id, text));
                client.close_at = Some(now.after(within));
            }
            LinkFault::BufferError => buffer_error(client, id, now, net),
        }
        self.count(Fault::Link(what).name(), 1);
    }
}
