//! REST calls in flight: made over the venue's network, judged by the daemon's own code, answered every one.

use crate::network::{Called, Network};
use crossbeam_channel::{Receiver, Sender};
use depthd::engine::time::Mono;
use depthd::shell::recovery::callers::{Answered, Call, judge};
use depthd::shell::rest::RestAnswer;
use depthd::sim::net::PeerId;
use std::time::Duration;

struct Flight {
    site: usize,
    peer: PeerId,
    call: Call,
    began: Mono,
    due: Mono,
    /// `None` while nothing has come: then it is due when its time is over.
    result: Option<Result<RestAnswer, String>>,
}

/// By venue of the daemon: its calls come out here.
pub struct Calls {
    pub inbox: Vec<Receiver<Call>>,
    pub answers: Sender<Answered>,
    pub timeout: Vec<Duration>,
    flights: Vec<Flight>,
}

impl Calls {
    pub fn new(inbox: Vec<Receiver<Call>>, answers: Sender<Answered>, timeout: Vec<Duration>) -> Calls {
        Calls { inbox, answers, timeout, flights: Vec::new() }
    }

    pub fn due(&self) -> Mono {
        self.flights.iter().map(|f| f.due).min().unwrap_or(Mono::NEVER)
    }

    /// Makes the calls that were ordered.
    pub fn make(&mut self, now: Mono, venue: usize, site: usize, net: &mut Network) {
        while let Ok(call) = self.inbox[venue].try_recv() {
            let peer = net.call(now, &call.request.url, &call.request.headers);
            let due = now.after(self.timeout[venue]);
            self.flights.push(Flight { site, peer, call, began: now, due, result: None });
        }
    }

    /// The venue answered: at this time, if the call has as much.
    pub fn called(&mut self, site: usize, at: Mono, peer: PeerId, called: Called) {
        let flight = self.flights.iter_mut().find(|f| f.site == site && f.peer == peer && f.result.is_none());
        if let Some(flight) = flight.filter(|f| at < f.due) {
            flight.due = at;
            flight.result = Some(called.ok_or_else(|| "the answer breaks off".to_owned()));
        }
    }

    /// Ends the call that is due, and says whose venue hears that its client hung up.
    pub fn turn(&mut self, now: Mono) -> Option<(usize, PeerId)> {
        let at = self.flights.iter().position(|f| f.due <= now)?;
        let flight = self.flights.remove(at);
        let hung_up = flight.result.is_none().then_some((flight.site, flight.peer));
        let result = flight.result.unwrap_or_else(|| Err("timeout: global".to_owned()));
        let mut answered = judge(result, flight.call);
        answered.took = now.since(flight.began);
        // As many places as callers.
        assert!(self.answers.try_send(answered).is_ok(), "I9: more answers than calls in flight");
        hung_up
    }
}
