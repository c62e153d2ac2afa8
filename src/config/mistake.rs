//! What is wrong with a configuration: which file, which line, which key, and what to write instead.

use std::cell::{Cell, RefCell};
use std::fmt;

/// One mistake, or one warning: the shape is the same, what follows from it differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// The file as it was named, or `command line`.
    pub file: String,
    /// Counted from 1; 0 where there is no line.
    pub line: usize,
    /// Dotted, as `http.listen` or `feed[2].symbols`; empty where no key is at fault.
    pub key: String,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Mistake {}

/// Most mistakes reported; nobody corrects more at once, and one more line says how many there are.
const MISTAKES_MAX: usize = 100;
/// Bytes of a message and of a key that are shown: both may quote the file, where anything may stand.
const MESSAGE_BYTES_MAX: usize = 600;
const KEY_BYTES_MAX: usize = 200;

/// Collects mistakes and warnings while a configuration is read, so that all are reported at once.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    /// Where each line but the first begins.
    lines: Vec<usize>,
    /// Mistakes beyond those kept.
    more: Cell<usize>,
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl Findings {
    /// For the file of that name and this text.
    pub fn new(file: &str, text: &str) -> Findings {
        Findings {
            file: file.to_owned(),
            lines: memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).collect(),
            more: Cell::new(0),
            mistakes: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// The line of a place in the text, counted from 1.
    pub fn line_of(&self, offset: usize) -> usize {
        1 + self.lines.partition_point(|start| *start <= offset)
    }

    pub fn mistake(&self, line: usize, key: &str, message: impl Into<String>) {
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.len() < MISTAKES_MAX {
            mistakes.push(self.at(line, key, message.into()));
        } else {
            self.more.set(self.more.get() + 1);
        }
    }

    /// Whether further mistakes are only counted.
    pub fn is_full(&self) -> bool {
        self.mistakes.borrow().len() == MISTAKES_MAX
    }

    pub fn warning(&self, line: usize, key: &str, message: impl Into<String>) {
        self.warnings.borrow_mut().push(self.at(line, key, message.into()));
    }

    /// The warnings, or every mistake; both in the order of the file.
    pub fn into_result(self) -> Result<Vec<Mistake>, Vec<Mistake>> {
        let in_order = |mut list: Vec<Mistake>| {
            list.sort_by_key(|one| one.line);
            list
        };
        let mut mistakes = in_order(self.mistakes.take());
        if let (more @ 1.., Some(last)) = (self.more.get(), mistakes.last()) {
            mistakes.push(self.at(last.line, "", format!("and {more} more mistakes in this file")));
        }
        if mistakes.is_empty() { Ok(in_order(self.warnings.into_inner())) } else { Err(mistakes) }
    }

    pub fn is_clean(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    fn at(&self, line: usize, key: &str, message: String) -> Mistake {
        let (key, message) = (shown(key, KEY_BYTES_MAX), shown(&message, MESSAGE_BYTES_MAX));
        Mistake { file: self.file.clone(), line, key, message }
    }
}

/// The text, or as much of both its ends as fits: the end of a message says what to write instead.
fn shown(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let half = bytes_max / 2 - 3;
    let (start, end) = (text.floor_char_boundary(half), text.ceil_char_boundary(text.len() - half));
    format!("{} … {}", &text[..start], &text[end..])
}
