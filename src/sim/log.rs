//! What the venue saw of its clients: the calls, the connects, the control messages, and whatever went over a limit.
//!
//! Every list is a ring of the newest entries; the counters never forget. A client's promise not to storm is proved from here.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Newest entries kept of each list. A test of ten minutes at ten calls a second fits ten times.
pub const ENTRIES_MAX: usize = 65_536;

/// One REST call. Times are since the venue started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestCall {
    /// The request was read whole.
    pub start: Duration,
    /// The answer was handed to the socket, or the client went away; `None` while in flight.
    pub end: Option<Duration>,
    /// As the client spelled it; empty when the path named none.
    pub symbol: String,
    /// 0 when it was never answered.
    pub status: u16,
    pub cost: u32,
    /// The fault it met, by name.
    pub fault: Option<&'static str>,
}

/// One WebSocket upgrade.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connect {
    pub at: Duration,
    /// 101 when it was let in; 0 when it was reset or never answered.
    pub status: u16,
}

/// One message from a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlMessage {
    pub at: Duration,
    /// A number for the connection, never reused.
    pub connection: u64,
    /// Cut to 200 bytes.
    pub text: String,
}

/// Something a well-behaved client would not have done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub at: Duration,
    pub kind: ViolationKind,
    pub detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ViolationKind {
    RestRate,
    RestConcurrency,
    RestDaily,
    /// Called although told to wait.
    RestTooSoon,
    Connects,
    Connections,
    /// Came back although told to wait.
    ConnectTooSoon,
    Control,
    /// Read too slowly, and was cut off.
    SlowReader,
    NoPong,
    /// Something the venue does not understand.
    BadRequest,
}

/// See the module page. A copy of the state at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VenueLog {
    pub rest: VecDeque<RestCall>,
    pub connects: VecDeque<Connect>,
    pub controls: VecDeque<ControlMessage>,
    pub violations: VecDeque<Violation>,
    pub counters: Counters,
    /// Faults that really happened, by name.
    pub faults: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    pub rest_calls: u64,
    pub rest_cost: u64,
    pub rest_in_flight: u64,
    pub rest_in_flight_peak: u64,
    pub connects: u64,
    pub connects_refused: u64,
    pub connections: u64,
    pub connections_peak: u64,
    pub control_messages: u64,
    pub violations: u64,
    /// Text messages handed to sockets, heartbeats and acknowledgements too.
    pub messages_sent: u64,
    pub bytes_sent: u64,
    /// Versions the market made.
    pub market_changes: u64,
    /// Levels that they named.
    pub level_changes: u64,
}

impl VenueLog {
    /// Faults that really happened, all kinds.
    pub fn faults_total(&self) -> u64 {
        self.faults.values().sum()
    }

    /// The most calls in any window of this length, over the calls still listed.
    pub fn rest_calls_max_in(&self, window: Duration) -> usize {
        let starts: Vec<Duration> = self.rest.iter().map(|call| call.start).collect();
        let mut low = 0;
        (0..starts.len())
            .map(|high| {
                while starts[high] - starts[low] >= window {
                    low += 1;
                }
                high + 1 - low
            })
            .max()
            .unwrap_or(0)
    }

    pub(super) fn violation(&mut self, at: Duration, kind: ViolationKind, detail: String) {
        self.counters.violations += 1;
        push(&mut self.violations, Violation { at, kind, detail });
    }

    pub(super) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    pub(super) fn connect(&mut self, at: Duration, status: u16) {
        self.counters.connects += 1;
        if status == 101 {
            self.counters.connections += 1;
            self.counters.connections_peak = self.counters.connections_peak.max(self.counters.connections);
        } else {
            self.counters.connects_refused += 1;
        }
        push(&mut self.connects, Connect { at, status });
    }

    pub(super) fn control(&mut self, at: Duration, connection: u64, text: &str) {
        self.counters.control_messages += 1;
        let text = text.chars().take(200).collect();
        push(&mut self.controls, ControlMessage { at, connection, text });
    }

    /// Lists a call that has just begun; the number is for [`VenueLog::rest_end`].
    pub(super) fn rest_start(&mut self, call: RestCall) -> u64 {
        let c = &mut self.counters;
        c.rest_calls += 1;
        c.rest_cost += u64::from(call.cost);
        c.rest_in_flight += 1;
        c.rest_in_flight_peak = c.rest_in_flight_peak.max(c.rest_in_flight);
        let number = c.rest_calls;
        push(&mut self.rest, call);
        number
    }

    pub(super) fn rest_end(&mut self, number: u64, at: Duration) {
        self.counters.rest_in_flight = self.counters.rest_in_flight.saturating_sub(1);
        // The newest call is the last entry, so a call's place follows from its number.
        let back = usize::try_from(self.counters.rest_calls - number).unwrap_or(usize::MAX);
        if let Some(index) = self.rest.len().checked_sub(back.saturating_add(1)) {
            self.rest[index].end = Some(at);
        }
    }
}

fn push<T>(ring: &mut VecDeque<T>, entry: T) {
    if ring.len() >= ENTRIES_MAX {
        ring.pop_front();
    }
    ring.push_back(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(ms: u64) -> RestCall {
        RestCall {
            start: Duration::from_millis(ms),
            end: None,
            symbol: "X".to_owned(),
            status: 200,
            cost: 1,
            fault: None,
        }
    }

    #[test]
    fn calls_are_closed_by_number_and_counted_in_windows() {
        let mut log = VenueLog::default();
        let numbers: Vec<u64> = [0, 10, 990, 1_000, 1_005].map(|ms| log.rest_start(call(ms))).to_vec();
        assert_eq!(log.counters.rest_in_flight_peak, 5);
        log.rest_end(numbers[1], Duration::from_millis(50));
        assert_eq!(log.rest[1].end, Some(Duration::from_millis(50)));
        assert_eq!(log.rest[2].end, None);
        assert_eq!(log.counters.rest_in_flight, 4);
        assert_eq!(log.rest_calls_max_in(Duration::from_secs(1)), 4);
        assert_eq!(log.rest_calls_max_in(Duration::from_millis(10)), 1 + 1);
        for ms in 0..ENTRIES_MAX as u64 {
            log.rest_start(call(2_000 + ms));
        }
        assert_eq!(log.rest.len(), ENTRIES_MAX);
        log.rest_end(numbers[0], Duration::ZERO);
        assert!(log.rest.iter().all(|c| c.end.is_none()));
    }
}
