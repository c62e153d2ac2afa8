//! The text of a configuration as tables of values that still know their lines.
//!
//! Read by hand and not by serde's derive, which stops at the first mistake: here every value that is wrong and every
//! key that is unknown is reported in one go. A [`Section`] remembers which keys it was asked for; the others are
//! unknown by definition, so that no second list of keys can disagree with the code.

use super::mistake::Findings;
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One table of the file.
pub(super) struct Section<'a> {
    document: Document<'a>,
    /// Dotted, empty for the top.
    path: String,
    /// Where the table itself stands.
    pub line: usize,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<Vec<&'static str>>,
}

/// What every section of one file shares.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub findings: &'a Findings,
}

impl Document<'_> {
    pub fn line_of(&self, offset: usize) -> usize {
        self.findings.line_of(offset)
    }
}

impl<'a> Section<'a> {
    pub fn top(document: Document<'a>, table: &'a DeTable<'a>) -> Section<'a> {
        Section::new(document, String::new(), 0, Some(table))
    }

    fn new(document: Document<'a>, path: String, line: usize, table: Option<&'a DeTable<'a>>) -> Section<'a> {
        Section { document, path, line, table, asked: RefCell::default() }
    }

    /// The value of `key` as `read` takes it, or `default` when the key is absent or `read` refuses.
    pub fn read<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> T {
        match self.get(key).map(|value| read(value.get_ref())) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(message)) => {
                self.mistake(key, message);
                default
            }
        }
    }

    /// A table below this one; an empty one when it is absent.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let found = self.get(key);
        let table = match found.map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => Some(table),
            Some(other) => {
                self.mistake(key, wanted("a table", other));
                None
            }
            None => None,
        };
        Section::new(self.document, self.key(key), self.line_of(key), table)
    }

    /// The tables of `[[key]]`; their paths count from 1, as people do.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let items = match self.get(key).map(Spanned::get_ref) {
            None => return Vec::new(),
            Some(DeValue::Array(items)) => items,
            Some(other) => {
                self.mistake(key, format!("{}: write [[{key}]]", wanted("a list of tables", other)));
                return Vec::new();
            }
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{}]", self.key(key), index + 1);
            let line = self.document.line_of(item.span().start);
            match item.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(self.document, path, line, Some(table))),
                other => self.document.findings.mistake(line, &path, wanted("a table", other)),
            }
        }
        sections
    }

    /// Reports every key nobody asked for. Called once, after the last read.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, value) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            if self.document.findings.is_full() {
                self.document.findings.mistake(0, "", "");
                continue;
            }
            let mut message = "unknown key".to_owned();
            if let Some(near) = asked.iter().find(|known| distance(known, name) <= 2) {
                message = format!("unknown key; did you mean `{near}`?");
            } else if let DeValue::Table(_) = value.get_ref() {
                message = "unknown section".to_owned();
            }
            let line = self.document.line_of(key.span().start);
            self.document.findings.mistake(line, &self.key(name), message);
        }
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    pub fn mistake(&self, key: &str, message: impl Into<String>) {
        self.document.findings.mistake(self.line_of(key), &self.key(key), message);
    }

    pub fn warning(&self, key: &str, message: impl Into<String>) {
        self.document.findings.warning(self.line_of(key), &self.key(key), message);
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table?.get(key)
    }

    fn key(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    /// The line of a key, or of its section when it is absent.
    fn line_of(&self, key: &str) -> usize {
        let found = self.table.and_then(|table| table.get_key_value(key));
        found.map_or(self.line, |(key, _)| self.document.line_of(key.span().start))
    }
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wanted("a text in quotes", value))
}

pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| wanted("true or false", value))
}

pub(super) fn texts(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or_else(|| wanted("a list", value))?;
    items.iter().map(|item| text(item.get_ref())).collect()
}

/// A whole number within its bounds.
pub(super) fn whole(bounds: RangeInclusive<u32>) -> impl FnOnce(&DeValue<'_>) -> Result<u32, String> {
    move |value| {
        let integer = value.as_integer().ok_or_else(|| wanted("a whole number", value))?;
        let read = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let read = read.and_then(|n| u32::try_from(n).ok()).filter(|n| bounds.contains(n));
        read.ok_or_else(|| format!("{integer} is out of range: {} to {}", bounds.start(), bounds.end()))
    }
}

/// A share of a whole, above 0 and at most 1. Used for thresholds only, never for a price.
pub(super) fn share(value: &DeValue<'_>) -> Result<f64, String> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        other => return Err(wanted("a number between 0 and 1", other)),
    };
    number.filter(|n| *n > 0.0 && *n <= 1.0).ok_or_else(|| "must be above 0 and at most 1".to_owned())
}

/// A text that `parse` takes, within its bounds; `show` writes the bounds.
pub(super) fn measured<T: Copy + PartialOrd>(
    parse: fn(&str) -> Result<T, String>,
    bounds: RangeInclusive<T>,
    show: impl Fn(T) -> String + Copy,
) -> impl FnOnce(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let read = parse(&text(value)?)?;
        if bounds.contains(&read) {
            return Ok(read);
        }
        Err(format!("{} is out of range: {} to {}", show(read), show(*bounds.start()), show(*bounds.end())))
    }
}

pub(super) fn duration(
    bounds: RangeInclusive<Duration>,
) -> impl FnOnce(&DeValue<'_>) -> Result<Duration, String> {
    measured(super::units::duration, bounds, super::units::show_duration)
}

pub(super) fn size(bounds: RangeInclusive<u64>) -> impl FnOnce(&DeValue<'_>) -> Result<u64, String> {
    measured(super::units::size, bounds, super::units::show_size)
}

fn wanted(expected: &str, got: &DeValue<'_>) -> String {
    format!("expected {expected}, got {}", got.type_str())
}

/// How many letters to insert, remove or replace. Keys are short, so the plain table will do.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
