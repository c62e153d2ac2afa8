//! Reads paths and queries: percent escapes, parameters, and a plain word on what is wrong with them.

/// A decoded query: only known names, each at most once.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads `a=b&c=d`.
    ///
    /// # Errors
    /// A sentence: a name that is not in `known`, a name twice, an escape that is none.
    pub fn parse(text: &str, known: &[&str]) -> Result<Query, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name).ok_or("the query holds an escape that is none")?;
            let value = decode(value).ok_or("the query holds an escape that is none")?;
            if !known.contains(&name.as_str()) {
                let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("unknown parameter {name:?}; this path takes {takes}"));
            }
            if pairs.iter().any(|(n, _)| *n == name) {
                return Err(format!("parameter {name} is given twice"));
            }
            pairs.push((name, value));
        }
        Ok(Query { pairs })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A number from 1 to `max`, or `default` when it is not given.
    ///
    /// # Errors
    /// A sentence that names the parameter and its range.
    pub fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, String> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number =
            text.parse().ok().filter(|n| (1..=max).contains(n) && text.bytes().all(|b| b.is_ascii_digit()));
        number.ok_or_else(|| format!("{name} must be a number from 1 to {max}"))
    }
}

/// Replaces `%XX`. `None` when an escape is broken or the result is not UTF-8 text without control characters.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(b) = bytes.next() {
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        out.push(match b {
            // Two hexadecimal digits are at most 255.
            b'%' => u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?,
            _ => b,
        });
    }
    String::from_utf8(out).ok().filter(|s| !s.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced_or_refused() {
        assert_eq!(decode("XBT%2fUSD").as_deref(), Some("XBT/USD"));
        assert_eq!(decode("%E2%82%AC+a").as_deref(), Some("€+a"));
        for text in ["%", "%4", "%zz", "%ff", "%0a", "%00", "%+1"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn parameters_are_known_single_and_in_range() {
        let parse = |text| Query::parse(text, &["depth", "require"]);
        let query = parse("depth=20&require=live&").expect("good");
        assert_eq!((query.number("depth", 5, 5000), query.get("require")), (Ok(20), Some("live")));
        assert_eq!(parse("").expect("good").number("depth", 5, 5000), Ok(5));
        for text in
            ["depth=0", "depth=5001", "depth=", "depth", "depth=-1", "depth=%2B1", "depth=1e3", "depth=x"]
        {
            assert!(parse(text).expect("known").number("depth", 5, 5000).is_err(), "{text}");
        }
        for text in ["dept=1", "depth=1&depth=1", "depth=%", "=1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
