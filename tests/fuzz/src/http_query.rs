//! Queries and escapes, against a reader that goes letter by letter.

use depthd::http::query::{Query, decode};

const KNOWN: [&str; 3] = ["depth", "limit", "require"];

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert_eq!(decode(text), slow(text));
    let parts: Vec<(Option<String>, Option<String>)> = text
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (slow(name), slow(value)))
        .collect();
    let is_known = |name: &String| KNOWN.contains(&name.as_str());
    let good = parts.iter().enumerate().all(|(i, (name, value))| {
        let once = !parts[..i].iter().any(|(earlier, _)| earlier == name);
        value.is_some() && name.as_ref().is_some_and(is_known) && once
    });
    let query = Query::parse(text, &KNOWN);
    assert_eq!(query.is_ok(), good, "{query:?}");
    let Ok(query) = query else { return };
    for (name, value) in parts {
        let (name, value) = (name.expect("decoded"), value.expect("decoded"));
        assert_eq!(query.get(&name), Some(value.as_str()));
        let digits = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit());
        // Leading zeros and all: eight digits are enough to tell.
        let number = value.trim_start_matches('0');
        let number =
            (digits && number.len() <= 8).then(|| format!("0{number}").parse::<usize>().expect("digits"));
        assert_eq!(query.number(&name, 7, 5_000).ok(), number.filter(|n| (1..=5_000).contains(n)), "{value}");
    }
    for name in KNOWN.into_iter().filter(|name| query.get(name).is_none()) {
        assert_eq!(query.number(name, 7, 5_000), Ok(7));
    }
}

pub fn work(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        drop(Query::parse(text, &KNOWN).map(|query| query.number("depth", 7, 5_000)));
    }
}

fn slow(text: &str) -> Option<String> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(letter) = rest.chars().next() {
        let taken = if letter == '%' {
            let hex = rest.get(1..3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            out.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits"));
            3
        } else {
            out.extend_from_slice(&rest.as_bytes()[..letter.len_utf8()]);
            letter.len_utf8()
        };
        rest = &rest[taken..];
    }
    let text = String::from_utf8(out).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}
