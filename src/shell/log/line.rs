//! One log line: escaped, bounded, in one of three formats. Pure text.

use crate::engine::time::Wall;
use log::Level;
use std::fmt::{self, Write};

/// Longer than any line we write on purpose; what a venue says is cut before it gets here.
pub const LINE_BYTES_MAX: usize = 2048;

/// How a line is dressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `<N>` in front, the journal keeps the time.
    Journald,
    /// Time and level in front.
    Text,
    /// One object a line: `time`, `level`, `message`.
    Json,
}

impl Format {
    /// The whole line, its line break included. `message` holds no control characters.
    pub fn line(self, level: Level, time: Wall, message: &str) -> String {
        match self {
            Format::Journald => format!("<{}>{message}\n", priority(level)),
            Format::Text => format!("{time} [{level}] {message}\n"),
            Format::Json => {
                let level = level.as_str().to_ascii_lowercase();
                let message = message.replace('\\', "\\\\").replace('"', "\\\"");
                format!("{{\"time\":\"{time}\",\"level\":\"{level}\",\"message\":\"{message}\"}}\n")
            }
        }
    }
}

/// The text of a record, on one line and cut at [`LINE_BYTES_MAX`].
pub(super) fn escaped(args: &fmt::Arguments<'_>) -> String {
    let mut line = Escaped(String::new());
    // It refuses only what lies beyond the cut.
    let _ = line.write_fmt(*args);
    line.0
}

/// Takes simplelog's `[LEVEL] ` off a line again.
pub(super) fn split(line: &str) -> (Level, &str) {
    let parts = line.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    let found = parts.and_then(|(name, message)| Some((name.parse().ok()?, message)));
    found.unwrap_or((Level::Info, line))
}

/// The journal's numbers: 3 error, 4 warning, 6 information, 7 debug.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

struct Escaped(String);

impl Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() >= LINE_BYTES_MAX {
                self.0.push('…');
                return Err(fmt::Error);
            }
            // Line and paragraph separators are no control characters and break lines all the same.
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let time = Wall::from_nanos(0);
        assert_eq!(Format::Journald.line(Level::Warn, time, "slow"), "<4>slow\n");
        assert_eq!(Format::Text.line(Level::Info, time, "up"), "1970-01-01T00:00:00.000000000Z [INFO] up\n");
        let json = Format::Json.line(Level::Error, time, "a \"b\" \\ c");
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((&read["level"], &read["message"]), (&"error".into(), &"a \"b\" \\ c".into()));
    }

    #[test]
    fn lines_are_cut() {
        let long = escaped(&format_args!("{}{}", "x".repeat(5000), "y"));
        assert_eq!((long.len(), long.ends_with('…')), (LINE_BYTES_MAX + '…'.len_utf8(), true));
    }

    #[test]
    fn levels_come_off_again() {
        assert_eq!(split("[WARN] [ERROR] text"), (Level::Warn, "[ERROR] text"));
        assert_eq!(split("no level"), (Level::Info, "no level"));
    }
}
