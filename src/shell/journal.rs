//! The state file: what is left of every venue's budgets, written before it is spent.
//!
//! A connect and a REST call are rare enough for a small file each, and a process that is killed at any moment then leaves behind
//! what it had spent. There is no sync to disk: what survives the process is enough, a machine that lost power was
//! away for longer than any bucket takes to refill. Without a state directory nothing is kept, and every start is the first.

use crate::engine::resume::{Budgets, VenueBudgets};
use crate::engine::time::Wall;
use crate::shell::clock::Clock;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const FILE: &str = "budgets.json";
/// A dozen venues with a day in a hundred parts each are some 30 KB.
const BYTES_MAX: u64 = 256 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    saved: String,
    venues: Budgets,
}

/// See the module page.
#[derive(Debug, Default)]
pub struct Journal {
    path: Option<PathBuf>,
    budgets: Mutex<Budgets>,
    /// What was there at the start, and how long ago it was written.
    before: Option<(Budgets, Duration)>,
    failed: AtomicBool,
}

impl Journal {
    /// Reads what the process before left in this directory. A file that cannot be read is said, and starts anew.
    pub fn open(directory: Option<&Path>, clock: &Clock) -> Journal {
        let Some(path) = directory.map(|directory| directory.join(FILE)) else { return Journal::default() };
        let before = match read(&path) {
            Ok(page) => page,
            Err(why) => {
                log::warn!("{}: {why}; budgets begin full", path.display());
                None
            }
        };
        let now = clock.stamp().wall;
        // A clock that went back tells no age: as if it had been written just now.
        let age = |saved: Wall| {
            Duration::from_nanos(u64::try_from(now.nanos().saturating_sub(saved.nanos())).unwrap_or(0))
        };
        let before = before.and_then(|page| Wall::parse(&page.saved).map(|saved| (page.venues, age(saved))));
        let budgets = before.as_ref().map(|(budgets, _)| budgets.clone()).unwrap_or_default();
        Journal { path: Some(path), budgets: Mutex::new(budgets), before, failed: AtomicBool::new(false) }
    }

    /// What the process before left, and how long ago.
    pub fn before(&self) -> Option<&(Budgets, Duration)> {
        self.before.as_ref()
    }

    /// One venue's budgets changed: to be called before what was paid for is done.
    pub fn note(&self, now: Wall, venue: &str, change: impl FnOnce(&mut VenueBudgets)) {
        self.change(now, |budgets| {
            if !budgets.contains_key(venue) {
                budgets.insert(venue.to_owned(), VenueBudgets::default());
            }
            if let Some(budgets) = budgets.get_mut(venue) {
                change(budgets);
            }
        });
    }

    /// The same of several venues.
    pub fn change(&self, now: Wall, change: impl FnOnce(&mut Budgets)) {
        let Some(path) = &self.path else { return };
        // Held while the file is written, so that an older state never replaces a newer one.
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut budgets);
        let page = Page { saved: now.to_string(), venues: budgets.clone() };
        match write(path, &page) {
            Ok(()) => self.failed.store(false, Relaxed),
            Err(why) if !self.failed.swap(true, Relaxed) => {
                log::warn!("{}: {why}; after a restart budgets begin full", path.display());
            }
            Err(_) => {}
        }
    }
}

fn read(path: &Path) -> Result<Option<Page>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map(Some).map_err(|e| e.to_string())
}

/// All of it or nothing: the new file takes the place of the old one.
fn write(path: &Path, page: &Page) -> io::Result<()> {
    let next = path.with_extension("new");
    let mut file = File::create(&next)?;
    file.write_all(&serde_json::to_vec(page)?)?;
    fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::resume::Left;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("depthd-journal-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    #[test]
    fn what_was_noted_is_there_at_the_next_start() {
        let (path, clock) = (directory("kept"), Clock::start());
        let journal = Journal::open(Some(&path), &clock);
        assert!(journal.before().is_none());
        let left = Left { tokens: 2, wait_ms: 5_000 };
        journal.note(clock.stamp().wall, "binance", |venue| venue.connects = left);
        journal.note(clock.stamp().wall, "binance", |venue| venue.rest.tokens = 7);
        let next = Journal::open(Some(&path), &clock);
        let (budgets, age) = next.before().expect("a state");
        assert_eq!((budgets["binance"].connects, budgets["binance"].rest.tokens), (left, 7));
        assert!(*age < Duration::from_secs(60));
        fs::remove_dir_all(path).expect("removed");
    }

    #[test]
    fn a_file_that_is_none_starts_anew_and_is_replaced() {
        let (path, clock) = (directory("hostile"), Clock::start());
        let long = "[".repeat(1 << 20);
        for text in ["", "{", "[]", "{\"saved\":1}", "{\"saved\":\"x\",\"venues\":{}}", "\u{0}", &long] {
            fs::write(path.join(FILE), text).expect("written");
            assert!(Journal::open(Some(&path), &clock).before().is_none(), "{}", text.len());
        }
        let future = r#"{"saved":"2200-01-01T00:00:00Z","venues":{"okx":{}}}"#;
        fs::write(path.join(FILE), future).expect("written");
        let journal = Journal::open(Some(&path), &clock);
        assert_eq!(journal.before().map(|(_, age)| *age), Some(Duration::ZERO), "a clock that went back");
        journal.note(clock.stamp().wall, "okx", |venue| venue.rest.tokens = 1);
        assert!(Journal::open(Some(&path), &clock).before().is_some());
        fs::remove_dir_all(path).expect("removed");
    }

    /// K3: whatever part of an unsynced write a crash leaves, in the file or beside it, the next start opens the old state, the
    /// new one, or none.
    #[test]
    fn every_prefix_of_a_write_opens() {
        let (path, clock) = (directory("torn"), Clock::start());
        Journal::open(Some(&path), &clock).note(clock.stamp().wall, "okx", |venue| venue.rest.tokens = 5);
        let whole = fs::read(path.join(FILE)).expect("written");
        for cut in 0..=whole.len() {
            fs::write(path.join("budgets.new"), &whole[..cut]).expect("written");
            assert!(Journal::open(Some(&path), &clock).before().is_some(), "beside it, cut at {cut}");
        }
        for cut in 0..whole.len() {
            fs::write(path.join(FILE), &whole[..cut]).expect("written");
            assert!(Journal::open(Some(&path), &clock).before().is_none(), "cut at {cut}");
        }
        fs::remove_dir_all(path).expect("removed");
    }

    #[test]
    fn without_a_directory_nothing_is_kept_and_nothing_fails() {
        let clock = Clock::start();
        let journal = Journal::open(None, &clock);
        journal.note(clock.stamp().wall, "okx", |venue| venue.rest.tokens = 1);
        let gone = Journal::open(Some(Path::new("/nowhere/at/all")), &clock);
        gone.note(clock.stamp().wall, "okx", |venue| venue.rest.tokens = 1);
        assert!(gone.failed.load(Relaxed));
    }
}
