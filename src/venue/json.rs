//! A pull reader for JSON text that allocates nothing and hands out slices of the text itself.
//!
//! It accepts exactly what RFC 8259 calls JSON (the tests hold it against serde_json), nested at most
//! [`DEPTH_MAX`] deep. Strings come as written, escapes unresolved: no venue escapes what depthd reads from a data
//! frame, and a name that did would merely not be recognized. It serves the hot path (routing and decoding);
//! control messages and errors are read with serde_json. Any failure is [`DecodeError::Json`]; the reader is then
//! of no further use.

mod plain;

use crate::engine::event::DecodeError;
use memchr::memchr2;

/// Deepest nesting read over. Venues nest four deep; 64 is far from that, and one bit a level fits a register.
pub const DEPTH_MAX: u32 = 64;

type Result<T> = std::result::Result<T, DecodeError>;

/// One value, its text as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    /// A string without its quotes, escapes as written.
    Text(&'t str),
    /// An object or array, read over.
    Nested,
}

/// A position in a text.
#[derive(Clone)]
pub struct Json<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Json<'t> {
    pub fn new(text: &'t str) -> Json<'t> {
        Json { text, at: 0 }
    }

    /// Reads an object. `field` is given each key and must read exactly its value.
    pub fn object(&mut self, mut field: impl FnMut(&'t str, &mut Json<'t>) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            field(key, self)?;
            match self.next() {
                Some(b',') => {}
                Some(b'}') => return Ok(()),
                _ => return Err(DecodeError::Json),
            }
        }
    }

    /// Reads an array. `item` must read exactly one value.
    pub fn array(&mut self, mut item: impl FnMut(&mut Json<'t>) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            match self.next() {
                Some(b',') => {}
                Some(b']') => return Ok(()),
                _ => return Err(DecodeError::Json),
            }
        }
    }

    /// Reads any value.
    pub fn value(&mut self) -> Result<Value<'t>> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'{' | b'[') => self.skip().map(|()| Value::Nested),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            _ => Err(DecodeError::Json),
        }
    }

    /// The first byte of what comes next, white space aside.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Reads a number, bare or as a string: the text of either. `None`, with nothing read, before anything else.
    #[inline]
    pub fn digits(&mut self) -> Result<Option<&'t str>> {
        match self.peek() {
            Some(b'"') => self.string().map(Some),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            _ => Ok(None),
        }
    }

    /// Reads over any value, without recursion.
    pub fn skip(&mut self) -> Result<()> {
        // The containers we are inside, innermost in the lowest bit: 1 is an object.
        let (mut kinds, mut depth) = (0u64, 0u32);
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == DEPTH_MAX {
                        return Err(DecodeError::Json);
                    }
                    self.at += 1;
                    let is_object = open == b'{';
                    if !self.take(if is_object { b'}' } else { b']' }) {
                        kinds = kinds << 1 | u64::from(is_object);
                        depth += 1;
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => drop(self.value()?),
            }
            // After a value: the next one, or the end of as many containers as end here.
            while depth > 0 {
                let is_object = kinds & 1 == 1;
                match self.next() {
                    Some(b',') if is_object => {
                        self.key()?;
                        break;
                    }
                    Some(b',') => break,
                    Some(b'}') if is_object => {}
                    Some(b']') if !is_object => {}
                    _ => return Err(DecodeError::Json),
                }
                kinds >>= 1;
                depth -= 1;
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// After an item of an array: how many more come, at most `max`; what is no JSON ends the count. Reads nothing.
    pub fn items_left(&self, max: usize) -> usize {
        let mut ahead = self.clone();
        let mut items = 0;
        while items < max && ahead.next() == Some(b',') && ahead.skip().is_ok() {
            items += 1;
        }
        items
    }

    /// How many bytes of the text are still to be read.
    pub fn bytes_left(&self) -> usize {
        self.text.len() - self.at
    }

    /// How many bytes of the text were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Succeeds when nothing but white space is left.
    pub fn end(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(DecodeError::Json) }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(DecodeError::Json) }
    }

    fn key(&mut self) -> Result<&'t str> {
        if self.peek() != Some(b'"') {
            return Err(DecodeError::Json);
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads the string that starts here.
    #[inline]
    fn string(&mut self) -> Result<&'t str> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += plain::plain_bytes(&bytes[at..]);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += escape_bytes(&bytes[at..]).ok_or(DecodeError::Json)?,
                _ => return Err(DecodeError::Json),
            }
        }
        self.at = at + 1;
        self.slice(start, at)
    }

    /// Reads the number that starts here.
    #[inline]
    fn number(&mut self) -> Result<&'t str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes[start] == b'-');
        let whole = digits(bytes, at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0') {
            return Err(DecodeError::Json);
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(bytes, at + 1);
            if fraction == 0 {
                return Err(DecodeError::Json);
            }
            at += 1 + fraction;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(bytes, at);
            if exponent == 0 {
                return Err(DecodeError::Json);
            }
            at += exponent;
        }
        self.at = at;
        self.slice(start, at)
    }

    fn word(&mut self, word: &str, value: Value<'t>) -> Result<Value<'t>> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(DecodeError::Json);
        }
        self.at += word.len();
        Ok(value)
    }

    /// Both ends lie beside ASCII bytes, so this never fails; `get` says so without a panic.
    fn slice(&self, from: usize, to: usize) -> Result<&'t str> {
        self.text.get(from..to).ok_or(DecodeError::Json)
    }
}

/// The content of a string that starts at `text` (its opening quote taken) and holds no escape; `None` otherwise.
/// For fast paths: it does not check for control characters, the decoder does.
pub fn plain_string(text: &str) -> Option<&str> {
    let end = memchr2(b'"', b'\\', text.as_bytes())?;
    if text.as_bytes()[end] == b'"' { text.get(..end) } else { None }
}

/// How many digits start at `at`.
fn digits(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
}

/// How long the escape at the start is; `None` when it is none.
fn escape_bytes(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepted(text: &str) -> bool {
        let mut json = Json::new(text);
        json.skip().and_then(|()| json.end()).is_ok()
    }

    /// The slow, obvious twin.
    fn accepted_by_serde(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    fn check(text: &str) {
        assert_eq!(accepted(text), accepted_by_serde(text), "{text:?}");
    }

    #[test]
    fn accepts_what_the_standard_accepts() {
        let words = r#"null nul nullx true false 0 -0 - 01 1. .1 1.0e 1.0e+ 1e5 1E-5 1.2.3 +1 "" " "\n" "\x" "\u12"
            "\u12g4" "\u1234" "\ {} [] { [ } ] [} {] [,] [1,] {,} {"a"} {"a":} {"a":1,} {"a":1} {a:1} [[],[[]],{"a":{}}] []]"#;
        let others = [
            "",
            " ",
            "\"a\nb\"",
            "\"\u{1f}\"",
            "\"\u{7f}é水\"",
            "{\"a\":1 \"b\":2}",
            "[1 2]",
            "1 2",
            "\u{feff}1",
            " { \"a\" : [ 1 , { } , [ ] , { \"b\" : null } ] , \"c\" : \"x\" } ",
        ];
        for text in words.split_whitespace().chain(others) {
            check(text);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(accepted(&nested(64)));
        assert!(!accepted(&nested(65)));
        assert!(!accepted(&"[".repeat(1_000_000)));
        assert!(!accepted(&"{\"a\":".repeat(1_000_000)));
    }

    #[test]
    fn values_come_as_written() {
        let mut seen = Vec::new();
        let mut json = Json::new(r#"{"a":1.50,"b":"x\"y","c":null,"d":[1,{"e":2}],"f":true}"#);
        json.object(|key, json| {
            seen.push((key, json.value()?));
            Ok(())
        })
        .unwrap();
        let want = [
            ("a", Value::Number("1.50")),
            ("b", Value::Text(r#"x\"y"#)),
            ("c", Value::Null),
            ("d", Value::Nested),
            ("f", Value::Bool(true)),
        ];
        assert_eq!(seen, want);
        assert_eq!(json.end(), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn agrees_with_serde_on_token_soup(parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\n\"", "1", "-2.5e3", "null", "true", " ", "\"", "0", "."
        ]), 0..12)) {
            check(&parts.concat());
        }

        #[test]
        fn agrees_with_serde_on_damaged_frames(at in 0usize..200, byte in 0x09u8..0x7f, cut in any::<bool>()) {
            let sample = r#"{"type":"book","symbol_id":"A_SPOT_B_C","sequence":1,"x":[true,{"y":null}],"is_snapshot":true,"asks":[{"price":456.35,"size":1.5e-3}],"bids":[]}"#;
            let at = at.min(sample.len());
            let mut bytes = sample.as_bytes()[..at].to_vec();
            if !cut {
                bytes.push(byte);
                bytes.extend_from_slice(&sample.as_bytes()[(at + 1).min(sample.len())..]);
            }
            check(std::str::from_utf8(&bytes).unwrap());
        }
    }
}
