//! D8: whatever can go wrong has a name, and every name is met by a test.
//!
//! The names are read from the sources, so that a new one without a test is found the day it is written. Whether a
//! test asserts the right thing of it is for its reviewer.

use super::amount::figure;
use std::fs;
use std::path::{Path, PathBuf};

/// Where each closed set of names stands.
const SETS: [(&str, &str); 16] = [
    ("src/engine/event.rs", "DecodeError"),
    ("src/engine/book/fault.rs", "BookFault"),
    ("src/engine/state.rs", "StaleReason"),
    ("src/engine/sync/outcome.rs", "Gap"),
    ("src/engine/sync/outcome.rs", "Discard"),
    ("src/engine/connection/end.rs", "EndReason"),
    ("src/engine/need.rs", "Joined"),
    ("src/shell/dial.rs", "DialError"),
    ("src/shell/link.rs", "OpenError"),
    ("src/http/refusal.rs", "Refusal"),
    ("src/venue/mod.rs", "Verdict"),
    ("src/sim/fault.rs", "StreamFault"),
    ("src/sim/fault.rs", "Malformed"),
    ("src/sim/fault.rs", "LinkFault"),
    ("src/sim/fault.rs", "UpgradeFault"),
    ("src/sim/fault.rs", "RestFault"),
];

#[test]
fn d8_every_kind_of_failure_is_met_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = test_code(root);
    let (mut kinds, mut missing) = (0, Vec::new());
    for (file, set) in SETS {
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let names = variants(&source, set);
        assert!(names.len() > 1, "{file} has no enum {set}");
        for name in names {
            kinds += 1;
            if !is_met(&tests, set, &name) {
                missing.push(format!("{set}::{name}"));
            }
        }
    }
    figure("D8", format_args!("{} of {kinds} kinds of failure met by a test", kinds - missing.len()));
    assert!(missing.is_empty(), "no test meets {}", missing.join(", "));
}

#[test]
fn a_kind_without_a_test_is_found() {
    let source = "pub enum Odd {\n    /// One.\n    One,\n    TwoWords(u8),\n    Three {\n        inner: u8,\n    },\n}\n";
    assert_eq!(variants(source, "Odd"), ["One", "TwoWords", "Three"]);
    assert!(is_met("x == Odd::One;", "Odd", "One") && is_met("contains(\"two_words\")", "Odd", "TwoWords"));
    assert!(!is_met("Odd::Oneness Other::One \"onerous\"", "Odd", "One"));
    assert!(!is_met("\"two_wordsmith\" \"two\"", "Odd", "TwoWords"));
}

/// By its path, or by the word that metrics and the log have for it.
fn is_met(tests: &str, set: &str, name: &str) -> bool {
    let mut word = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(c.to_ascii_lowercase());
    }
    let path = format!("{set}::{name}");
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    let by_path = tests.match_indices(&path).any(|(i, _)| !tests[i + path.len()..].starts_with(goes_on));
    // A test beside the code may name it bare.
    let by_path = by_path || tests.contains(&format!("({name})"));
    let by_word = ["\"", "("].iter().any(|before| {
        let text = format!("{before}{word}");
        tests.match_indices(&text).any(|(i, _)| tests[i + text.len()..].starts_with(['"', ':', ')']))
    });
    by_path || by_word
}

/// The names of an enum's variants, as they are set by the formatter.
fn variants(source: &str, set: &str) -> Vec<String> {
    let head = format!("enum {set} {{\n");
    let Some(start) = source.find(&head) else { return Vec::new() };
    let body = source[start + head.len()..].split("\n}").next().unwrap_or_default();
    let name = |line: &str| {
        let line = line.strip_prefix("    ")?;
        let word: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
        word.starts_with(|c: char| c.is_ascii_uppercase()).then_some(word)
    };
    body.lines().filter_map(name).collect()
}

/// Everything that is a test: what stands under `tests`, and what follows `#[cfg(test)]` in the sources.
fn test_code(root: &Path) -> String {
    let mut code = String::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") && !entry.ends_with("proof/named.rs") {
                code.push_str(&tests_of(root, &entry));
            }
        }
    }
    code
}

fn tests_of(root: &Path, file: &PathBuf) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let inside = file.strip_prefix(root).expect("under the root");
    let in_tests = inside.components().any(|c| c.as_os_str() == "tests");
    if in_tests || inside.ends_with("tests.rs") {
        return text;
    }
    text.split_once("#[cfg(test)]").map(|(_, tests)| tests.to_owned()).unwrap_or_default()
}
