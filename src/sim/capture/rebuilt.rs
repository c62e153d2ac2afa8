//! The venue's book at a place of the recording, rebuilt from nothing but the recording: the newest recorded snapshot and
//! every recorded change since.
//!
//! A recording holds one snapshot or a few, each as deep as the venue's answer was. A client that follows the stream for
//! minutes leaves the prices of the first and asks again; the venue would have answered with a newer book, and so does this.
//! The book served is that of a market which has no more than the recording shows: a level outside the snapshot's prices
//! that the recording never changes does not exist here, where on the real venue it did.
//!
//! It is slow and obvious on purpose, and shares nothing with the daemon's own book: prices and sizes stay the venue's texts.

use super::read::{Recording, stream_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Price in units of 10⁻¹⁸, with the venue's texts of price and size.
type Side = BTreeMap<u128, (String, String)>;

#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Lines of the recording taken so far.
    taken: usize,
    /// The update the book stands at; `None` before the first snapshot and after a hole in the recording.
    at: Option<u64>,
    /// The line of the snapshot that the book still is, change for change.
    snapshot: Option<usize>,
    bids: Side,
    asks: Side,
}

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    data: Changes<'a>,
}

/// The fields of a `depthUpdate` that matter here.
/// Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md#diff-depth-stream>
#[derive(Deserialize)]
struct Changes<'a> {
    #[serde(rename = "U")]
    first: u64,
    #[serde(rename = "u")]
    last: u64,
    /// The update before, where the venue says it (futures).
    #[serde(rename = "pu", default)]
    before: Option<u64>,
    #[serde(rename = "b", borrow, default)]
    bids: Vec<(&'a str, &'a str)>,
    #[serde(rename = "a", borrow, default)]
    asks: Vec<(&'a str, &'a str)>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    last_update_id: u64,
    #[serde(borrow)]
    bids: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    asks: Vec<(&'a str, &'a str)>,
}

impl Rebuilt {
    /// Goes on to where `lines` of the recording's lines are taken; back means from the beginning.
    pub fn go_to(&mut self, recording: &Recording, lines: usize) {
        if lines < self.taken {
            *self = Rebuilt::default();
        }
        for line in self.taken..lines.min(recording.lines.len()) {
            self.take(recording, line);
        }
        self.taken = lines;
    }

    /// What the venue answers to a question for the best `limit` levels of each side.
    pub fn body(&self, limit: usize) -> Option<String> {
        let last_update_id = self.at?;
        let bids = self.bids.values().rev().take(limit).map(texts).collect();
        let asks = self.asks.values().take(limit).map(texts).collect();
        serde_json::to_string(&Body { last_update_id, bids, asks }).ok()
    }

    fn take(&mut self, recording: &Recording, line: usize) {
        if recording.lines[line].is_snapshot {
            return self.load(recording, line);
        }
        let frame = recording.frame(recording.lines[line]);
        // The recording does not say whose its snapshots are: with several symbols they stay as they are.
        let is_depth = stream_of(frame).is_some_and(|name| name.contains("@depth"));
        if !is_depth || recording.symbols.len() != 1 {
            return;
        }
        // The stream may have been ahead of the snapshot: what came before it and ends after it is not in it.
        for earlier in 0..self.snapshot.take().unwrap_or_default() {
            self.take(recording, earlier);
        }
        let Some(at) = self.at else { return };
        match serde_json::from_str::<Combined<'_>>(frame) {
            Ok(Combined { data }) if data.last <= at => {}
            Ok(Combined { data }) if data.before.map_or(data.first <= at.saturating_add(1), |b| b <= at) => {
                set(&mut self.bids, &data.bids);
                set(&mut self.asks, &data.asks);
                self.at = Some(data.last);
            }
            // A hole in the recording, or a frame that is none: nothing is known until the next snapshot.
            _ => self.at = None,
        }
    }

    fn load(&mut self, recording: &Recording, line: usize) {
        let Ok(body) = serde_json::from_str::<Body<'_>>(recording.frame(recording.lines[line])) else {
            return;
        };
        if self.at >= Some(body.last_update_id) {
            return;
        }
        self.bids.clear();
        self.asks.clear();
        set(&mut self.bids, &body.bids);
        set(&mut self.asks, &body.asks);
        self.at = Some(body.last_update_id);
        self.snapshot = Some(line);
    }
}

fn set(side: &mut Side, levels: &[(&str, &str)]) {
    for (price, size) in levels {
        let Some(key) = units(price) else { continue };
        match size.bytes().all(|c| matches!(c, b'0' | b'.')) {
            true => drop(side.remove(&key)),
            false => drop(side.insert(key, ((*price).to_owned(), (*size).to_owned()))),
        }
    }
}

fn texts((price, size): &(String, String)) -> (&str, &str) {
    (price, size)
}

/// `"61837.63"` in units of 10⁻¹⁸.
fn units(price: &str) -> Option<u128> {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    (part.len() <= 18).then(|| format!("{whole}{part:0<18}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::capture::read::parse;

    fn recording(lines: &[&str]) -> Recording {
        let text: String = lines.iter().map(|line| format!("1 {line}\n")).collect();
        parse(text.as_bytes()).expect("read")
    }

    fn depth(first: u64, last: u64, bids: &str, asks: &str) -> String {
        format!(
            "{{\"stream\":\"ab@depth\",\"data\":{{\"U\":{first},\"u\":{last},\"b\":[{bids}],\"a\":[{asks}]}}}}"
        )
    }

    const SNAPSHOT: &str =
        r#"{"lastUpdateId":10,"bids":[["9.90","1"],["9.8","2"]],"asks":[["10.0","3"],["10.10","4"]]}"#;

    #[test]
    fn it_is_the_snapshot_and_the_changes_after_it() {
        let frames = [
            depth(8, 8, r#"["1","1"]"#, ""),
            depth(9, 11, r#"["9.9","0.000"],["9.85","5"]"#, ""),
            SNAPSHOT.to_owned(),
            depth(12, 12, "", r#"["9.95","6"],["10.1","7"]"#),
            depth(13, 13, r#"["9.8","0"]"#, ""),
        ];
        let lines: Vec<&str> = frames.iter().map(String::as_str).collect();
        let recording = recording(&lines);
        let mut book = Rebuilt::default();
        book.go_to(&recording, 2);
        assert_eq!(book.body(5), None, "no snapshot yet");
        book.go_to(&recording, 3);
        assert_eq!(book.body(5).as_deref(), Some(SNAPSHOT), "as recorded, though the stream was ahead of it");
        book.go_to(&recording, 4);
        let newest =
            r#"{"lastUpdateId":12,"bids":[["9.85","5"],["9.8","2"]],"asks":[["9.95","6"],["10.0","3"]]}"#;
        assert_eq!(book.body(2).as_deref(), Some(newest));
        book.go_to(&recording, 5);
        assert_eq!(book.body(5).expect("a book").matches("9.8").count(), 1, "9.85 alone is left");
        book.go_to(&recording, 4);
        assert_eq!(book.body(2).as_deref(), Some(newest), "back is from the beginning");
    }

    #[test]
    fn a_hole_ends_it_until_the_next_snapshot() {
        let (hole, more) = (depth(12, 13, "", ""), depth(14, 14, "", ""));
        let newer = SNAPSHOT.replace("10,", "14,");
        let recording = recording(&[SNAPSHOT, &hole, &more, &newer, SNAPSHOT]);
        let mut book = Rebuilt::default();
        for (lines, known) in [(1, true), (2, false), (3, false), (4, true), (5, true)] {
            book.go_to(&recording, lines);
            assert_eq!(book.body(1).is_some(), known, "after {lines} lines");
        }
        assert!(book.body(1).expect("a book").contains("14"), "an older snapshot changes nothing");
    }
}
