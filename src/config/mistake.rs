//! What is wrong with a configuration: which file, which line, which key, and what to write instead.

use std::cell::RefCell;
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

/// Collects mistakes and warnings while a configuration is read, so that all are reported at once.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl Findings {
    pub fn new(file: &str) -> Findings {
        Findings { file: file.to_owned(), mistakes: RefCell::default(), warnings: RefCell::default() }
    }

    pub fn mistake(&self, line: usize, key: &str, message: impl Into<String>) {
        self.mistakes.borrow_mut().push(self.at(line, key, message.into()));
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
        let mistakes = in_order(self.mistakes.into_inner());
        if mistakes.is_empty() { Ok(in_order(self.warnings.into_inner())) } else { Err(mistakes) }
    }

    pub fn is_clean(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    fn at(&self, line: usize, key: &str, message: String) -> Mistake {
        Mistake { file: self.file.clone(), line, key: key.to_owned(), message }
    }
}
