//! Counts of messages: the conservation law, and counts by a word.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The conservation law: every received message ends in exactly one of the other counters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    /// Data and control messages read from sockets.
    pub received: u64,
    /// Messages that did what they are for.
    pub applied: u64,
    pub duplicate: u64,
    /// Held back now, waiting for a snapshot to join.
    pub buffered: u64,
    /// Thrown away, by reason.
    pub discarded: Tally,
}

impl Flow {
    /// Received and not accounted for: on its way through a queue. Zero once the stream pauses.
    /// Negative only between two reads of counters that others write.
    pub fn in_flight(&self) -> i64 {
        let settled = [self.applied, self.duplicate, self.buffered, self.discarded.total()];
        let settled = settled.iter().fold(0i64, |n, c| n.saturating_add_unsigned(*c));
        0i64.saturating_add_unsigned(self.received).saturating_sub(settled)
    }

    /// Messages that our own queue had no room for.
    pub fn lost(&self) -> u64 {
        self.discarded.get(OVERFLOW)
    }
}

impl Serialize for Flow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Flow", 6)?;
        fields.serialize_field("received", &self.received)?;
        fields.serialize_field("applied", &self.applied)?;
        fields.serialize_field("duplicate", &self.duplicate)?;
        fields.serialize_field("buffered", &self.buffered)?;
        fields.serialize_field("in_flight", &self.in_flight())?;
        fields.serialize_field("discarded", &self.discarded)?;
        fields.end()
    }
}

/// The [`Flow::discarded`] reason of a message our own queue had no room for.
pub const OVERFLOW: &str = "overflow";

/// Counts by a word out of a closed set. A JSON object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally(Vec<(&'static str, u64)>);

impl Tally {
    pub fn add(&mut self, name: &'static str, count: u64) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, c)) => *c = c.saturating_add(count),
            None => self.0.push((name, count)),
        }
    }

    pub fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(n, _)| *n == name).map_or(0, |(_, c)| *c)
    }

    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |n, (_, c)| n.saturating_add(*c))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(&'static str, u64)> for Tally {
    fn from_iter<I: IntoIterator<Item = (&'static str, u64)>>(counts: I) -> Tally {
        let mut tally = Tally::default();
        counts.into_iter().for_each(|(name, count)| tally.add(name, count));
        tally
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_settled_is_in_flight() {
        let mut flow = Flow { received: 10, applied: 4, duplicate: 1, buffered: 2, ..Flow::default() };
        flow.discarded = [("unsynced", 1), (OVERFLOW, 1), ("unsynced", 1)].into_iter().collect();
        assert_eq!(flow.in_flight(), 0);
        assert_eq!(flow.lost(), 1);
        flow.received = 13;
        assert_eq!(flow.in_flight(), 3);
        assert_eq!(Flow { applied: 1, ..Flow::default() }.in_flight(), -1);
        let json = serde_json::to_string(&flow.discarded).unwrap();
        assert_eq!(json, r#"{"unsynced":2,"overflow":1}"#);
    }
}
