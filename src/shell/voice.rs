//! One feed's voice in the log: every line about what its venue does goes through here.
//!
//! Says each kind of trouble at once and then once a minute with the number held back, never more than ten lines a minute
//! in all, and never a key, whatever the venue sends. What is held back is still counted by whoever counts it.

use crate::config::Secret;
use crate::engine::time::Mono;
use log::Level;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Arguments;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One kind of line comes again after this: ten kinds of trouble at once still leave a log that a person can read.
const EVERY: Duration = Duration::from_secs(60);
/// Lines in any such time about what was received, about the connection, and about wrong books. Ten in all is what
/// figure L7 allows; the parts keep a flood of nonsense from hiding that the connection was lost, or worse.
const LINES_MAX: [usize; 3] = [5, 4, 1];
/// Shown of a text from outside: enough to recognize it, too little to flood a log.
const QUOTED_CHARS: usize = 120;
const REDACTED: &str = "[redacted]";

/// What a line is about; each part has lines of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    Messages,
    Connection,
    /// A book was wrong. Nothing else may silence this.
    Wrong,
}

#[derive(Debug, Default)]
pub struct Voice {
    name: String,
    key: Option<Secret>,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    kinds: Vec<Kind>,
    /// By part: when the last lines were said, oldest first.
    lines: [VecDeque<Mono>; 3],
}

#[derive(Debug)]
struct Kind {
    word: &'static str,
    next: Mono,
    held_back: u64,
}

impl Voice {
    pub fn new(name: &str, key: Option<Secret>) -> Voice {
        Voice { name: name.to_owned(), key, said: Mutex::default() }
    }

    /// Says `text` of this feed, unless a line of this `kind`, which is a word of a closed set, was said a short while ago.
    pub fn say(&self, about: About, kind: &'static str, level: Level, now: Mono, text: Arguments<'_>) {
        let permit = self.said.lock().unwrap_or_else(PoisonError::into_inner).permit(about, kind, now);
        let Some(held_back) = permit else { return };
        let text = text.to_string();
        let (name, text) = (&self.name, self.redacted(&text));
        match held_back {
            0 => log::log!(level, "feed {name}: {text}"),
            more => log::log!(level, "feed {name}: {text} (and {more} more like it)"),
        }
    }

    /// The text without the key, in whatever letter case it was echoed.
    pub fn redacted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(key) = self.key.as_ref().map(|k| k.reveal().as_bytes()) else { return Cow::Borrowed(text) };
        let found = |from: usize| {
            let bytes = text.as_bytes().get(from..)?;
            bytes.windows(key.len()).position(|w| w.eq_ignore_ascii_case(key)).map(|at| from + at)
        };
        let Some(mut at) = found(0) else { return Cow::Borrowed(text) };
        let (mut clean, mut from) = (String::with_capacity(text.len()), 0);
        loop {
            // A key is ASCII, so its ends are the ends of characters.
            clean.push_str(&text[from..at]);
            clean.push_str(REDACTED);
            from = at + key.len();
            match found(from) {
                Some(next) => at = next,
                None => break,
            }
        }
        clean.push_str(&text[from..]);
        Cow::Owned(clean)
    }

    /// The beginning of a text from outside, without the key.
    pub fn quote(&self, text: &str) -> String {
        // Redacted first: a key cut in half would not be found any more.
        let clean = self.redacted(text);
        match clean.char_indices().nth(QUOTED_CHARS) {
            None => clean.into_owned(),
            Some((at, _)) => format!("{}…", &clean[..at]),
        }
    }
}

impl Said {
    /// How many lines like it were held back, when this one may be said.
    fn permit(&mut self, about: About, word: &'static str, now: Mono) -> Option<u64> {
        let index = self.kinds.iter().position(|k| k.word == word).unwrap_or_else(|| {
            self.kinds.push(Kind { word, next: Mono::ZERO, held_back: 0 });
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[index];
        let (lines, lines_max) = (&mut self.lines[about as usize], LINES_MAX[about as usize]);
        while lines.front().is_some_and(|at| now.since(*at) >= EVERY) {
            lines.pop_front();
        }
        if now < kind.next || lines.len() >= lines_max {
            kind.held_back += 1;
            return None;
        }
        lines.push_back(now);
        kind.next = now.after(EVERY);
        Some(std::mem::take(&mut kind.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn one_in_a_while_and_the_rest_counted() {
        let mut said = Said::default();
        let mut permit = |kind, seconds| said.permit(About::Messages, kind, at(seconds));
        let permits: Vec<_> = [0, 1, 59, 60, 61, 150].map(|s| permit("json", s)).into();
        assert_eq!(permits, [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(permit("binary", 150), Some(0), "another kind is not held back by it");
    }

    #[test]
    fn ten_lines_a_minute_whatever_happens() {
        const WORDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let mut said = Said::default();
        for minute in 0..3 {
            let mut lines = [0; 3];
            for second in 0..60 {
                for word in WORDS {
                    for about in [About::Messages, About::Connection, About::Wrong] {
                        let permit = said.permit(about, word, at(minute * 60 + second));
                        lines[about as usize] += usize::from(permit.is_some());
                    }
                }
            }
            assert!(lines.iter().sum::<usize>() <= 10, "{lines:?}");
            assert_eq!(lines[0], LINES_MAX[0]);
        }
    }

    #[test]
    fn a_key_is_never_quoted() {
        let voice = Voice::new("x", Some(Secret::new("73034021-THE-KEY").expect("a key")));
        assert_eq!(voice.quote("no such text"), "no such text");
        assert_eq!(
            voice.quote("key 73034021-THE-KEY, or 73034021-the-key, or é73034021-THE-KEY"),
            "key [redacted], or [redacted], or é[redacted]"
        );
        // Across the place where the text is cut.
        for before in QUOTED_CHARS - 20..QUOTED_CHARS + 2 {
            let quote = voice.quote(&format!("{}73034021-THE-KEY", "x".repeat(before)));
            assert!(!quote.contains('7'), "{quote}");
        }
        assert_eq!(Voice::new("x", None).quote("73034021-THE-KEY"), "73034021-THE-KEY");
    }
}
