//! Tidy: what no compiler checks. Layers, purity, one spawn, one clock, small files, no leftovers, no async runtime.
//!
//! Every rule is a function from a file to its offenses, tried on a planted offense before it is tried on the tree:
//! a rule that cannot fail says nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of code, without blanks, comments and the unit tests at the end.
const CODE_LINES_MAX: usize = 400;
/// Tests are tables more often than logic.
const TEST_LINES_MAX: usize = 500;

/// A source file, by its path from the top with `/`.
struct Source {
    path: String,
    text: String,
}

/// A rule: what is wrong with this file, if anything.
type Rule = fn(&Source) -> Vec<String>;

const RULES: [(&str, Rule); 9] = [
    ("header", header),
    ("size", size),
    ("purity", purity),
    ("direction", direction),
    ("one spawn", one_spawn),
    ("one clock", one_clock),
    ("leftovers", leftovers),
    ("unwrap", unwrap),
    ("paths", paths),
];

#[test]
fn the_tree_is_tidy() {
    let sources = sources();
    assert!(sources.len() > 40, "found only {} files: looking in the wrong place?", sources.len());
    let mut offenses = Vec::new();
    for (name, rule) in RULES {
        for source in &sources {
            offenses.extend(rule(source).into_iter().map(|what| format!("{}: {name}: {what}", source.path)));
        }
    }
    assert!(offenses.is_empty(), "{} offenses:\n{}", offenses.len(), offenses.join("\n"));
}

#[test]
fn every_rule_can_say_no() {
    let planted: [(&str, &str, String); 17] = [
        ("header", "src/x.rs", "fn f() {}".to_owned()),
        ("size", "src/x.rs", format!("//! x\n{}", "f();\n".repeat(CODE_LINES_MAX + 1))),
        ("purity", "src/engine/x.rs", "use std::net::TcpStream;".to_owned()),
        ("purity", "src/venue/x/y.rs", "fn f() { log::info!(\"\") }".to_owned()),
        ("direction", "src/engine/x.rs", "use crate::shell::queue;".to_owned()),
        ("direction", "src/engine/x.rs", "use crate::venue::Venue;".to_owned()),
        ("direction", "src/venue/x.rs", "use crate::config::Config;".to_owned()),
        ("direction", "src/http/x.rs", "use crate::shell::{reader, thread};".to_owned()),
        ("direction", "src/shell/x.rs", "use crate::app;".to_owned()),
        ("one spawn", "src/shell/x.rs", "use std::thread::Builder;".to_owned()),
        ("one clock", "src/shell/x.rs", "let t = Instant::now();".to_owned()),
        ("leftovers", "src/shell/x.rs", format!("{}!()", "todo")),
        ("leftovers", "tests/suite/x.rs", format!("#[{}]", "ignore")),
        ("leftovers", "src/shell/x.rs", "let (a, b) = unbounded();".to_owned()),
        ("unwrap", "src/shell/x.rs", "x.unwrap()".to_owned()),
        ("paths", "src/x.rs", format!("// see /{}/x", "home")),
        ("paths", "README.md", format!("cd /{}/x", "root")),
    ];
    for (name, path, text) in planted {
        let rule = RULES.iter().find(|(known, _)| *known == name).expect("a rule of that name").1;
        let source = Source { path: path.to_owned(), text };
        assert!(!rule(&source).is_empty(), "{name} lets this pass in {path}: {}", source.text);
    }
}

#[test]
fn what_is_right_passes() {
    let text = "//! A file.\n\nuse crate::engine::time::Mono;\n// Instant::now() is the shell's. https://x.org\n\
                fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn f() { x.unwrap() }\n}\n";
    let source = Source { path: "src/engine/x.rs".to_owned(), text: text.to_owned() };
    for (name, rule) in RULES {
        assert_eq!(rule(&source), Vec::<String>::new(), "{name}");
    }
}

/// The lock file names every package that could be linked on any platform.
#[test]
fn there_is_no_async_runtime() {
    let lock = fs::read_to_string(top().join("Cargo.lock")).expect("the lock file is committed");
    let packages: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
    assert!(packages.contains(&"\"tungstenite\""), "not the lock file of this project");
    let runtimes =
        ["tokio", "async-std", "smol", "async-executor", "mio", "futures-executor", "glommio", "actix-rt"];
    for runtime in runtimes {
        assert!(!packages.contains(&format!("\"{runtime}\"").as_str()), "{runtime} is in Cargo.lock");
    }
}

#[test]
fn the_top_level_stays_small() {
    let known = ["Cargo.toml", "Cargo.lock", "src", "tests", "systemd", "README.md", "target"];
    let entries = fs::read_dir(top()).expect("the top of the project");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let strange: Vec<_> =
        names.filter(|name| !name.starts_with('.') && !known.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "what belongs elsewhere: {strange:?}");
}

fn header(source: &Source) -> Vec<String> {
    let starts = !is_rust(source) || source.text.starts_with("//! ");
    if starts { Vec::new() } else { vec!["does not start with what it is (`//! …`)".to_owned()] }
}

fn size(source: &Source) -> Vec<String> {
    let max = if source.path.starts_with("tests/") { TEST_LINES_MAX } else { CODE_LINES_MAX };
    let lines = code(source).lines().filter(|line| !line.trim().is_empty()).count();
    if is_rust(source) && lines > max {
        vec![format!("{lines} lines of code, at most {max}")]
    } else {
        Vec::new()
    }
}

/// The engine and the venues are told everything, the time included.
fn purity(source: &Source) -> Vec<String> {
    let pure = source.path.starts_with("src/engine/") || source.path.starts_with("src/venue/");
    let impure = [
        "std::net",
        "std::thread",
        "std::fs",
        "std::env",
        "std::process",
        "std::io",
        "Instant",
        "SystemTime",
        "crossbeam",
        "log::",
        "println!",
        "rustix",
        "socket2",
        "ureq",
        "tungstenite",
        "static mut",
        "thread_local!",
    ];
    if pure { found(source, &impure) } else { Vec::new() }
}

/// Who may know whom. The engine sees of a venue only its plain data.
fn direction(source: &Source) -> Vec<String> {
    const ENGINE: [&str; 5] =
        ["engine", "venue::profile", "venue::Control", "venue::Request", "venue::Verdict"];
    let allowed: &[&str] = match layer(&source.path) {
        Some("engine") => &ENGINE,
        Some("venue") => &["engine", "venue"],
        Some("config") => &["engine", "venue", "config"],
        // The shell is what HTTP reads from, by a trait that HTTP states.
        // Macros stand at the top whatever file they are written in.
        Some("shell") => {
            &["engine", "venue", "config", "shell", "http::Source", "http::Ask", "modelled_select"]
        }
        Some("http") => &["engine", "http", "shell::thread"],
        Some("sim") => &["engine", "venue", "sim", "shell::thread"],
        _ => return Vec::new(),
    };
    let text = code(source);
    let uses = text.match_indices("crate::").map(|(at, found)| &text[at + found.len()..]);
    let paths = uses.flat_map(imported);
    let within = |path: &str| {
        allowed
            .iter()
            .any(|one| path.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
    };
    paths.filter(|path| !within(path)).map(|path| format!("must not know crate::{path}")).collect()
}

/// Threads have names, explicit stacks and somebody who joins them.
fn one_spawn(source: &Source) -> Vec<String> {
    if source.path == "src/shell/thread.rs" || !source.path.starts_with("src/") {
        return Vec::new();
    }
    found(
        source,
        &["thread::Builder", "std::thread::spawn", "thread::scope", "use std::thread;", "use std::thread::{"],
    )
}

/// One place reads the clock; a simulated venue is another machine and has its own.
fn one_clock(source: &Source) -> Vec<String> {
    let clock = source.path == "src/shell/clock.rs" || layer(&source.path) == Some("sim");
    if clock || !source.path.starts_with("src/") {
        return Vec::new();
    }
    found(source, &["Instant::now", "SystemTime::now", "UNIX_EPOCH"])
}

fn leftovers(source: &Source) -> Vec<String> {
    let words = [
        "todo!",
        "unimplemented!",
        "dbg!",
        "FIXME",
        "XXX",
        "#[ignore",
        "unbounded(",
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "panic = \"abort\"",
    ];
    // An allocator that counts can be had in no other way.
    let counts = source.path == "tests/bench/e2e/meter.rs";
    let may = |word: &str| counts && word.starts_with("unsafe");
    let hits = words.iter().filter(|word| source.text.contains(**word) && !may(word));
    hits.map(|word| format!("holds {word}")).collect()
}

/// `expect` says which invariant failed.
fn unwrap(source: &Source) -> Vec<String> {
    let test_file = source.path.ends_with("/tests.rs") || source.path.ends_with("/testing.rs");
    if source.path.starts_with("src/") && !test_file { found(source, &[".unwrap()"]) } else { Vec::new() }
}

/// Nothing in the tree knows the machine it was written on.
fn paths(source: &Source) -> Vec<String> {
    let words = ["/home/", "/root/", "/work/", "/Users/"];
    words.iter().filter(|word| source.text.contains(**word)).map(|word| format!("names {word}")).collect()
}

/// The first words of a path after `crate::`; a list in braces gives one path each.
fn imported(rest: &str) -> Vec<String> {
    let word =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let first = word(rest);
    let Some(below) = rest[first.len()..].strip_prefix("::") else { return vec![first] };
    let Some(list) = below.strip_prefix('{') else { return vec![format!("{first}::{}", word(below))] };
    let list = list.split(['}', '{', ';']).next().unwrap_or_default();
    let names = list.split(',').map(|name| word(name.trim_start())).filter(|name| !name.is_empty());
    // `self` and type names of the module itself count as the module.
    names.map(|name| if name == "self" { first.clone() } else { format!("{first}::{name}") }).collect()
}

fn found(source: &Source, tokens: &[&str]) -> Vec<String> {
    let text = code(source);
    tokens.iter().filter(|token| text.contains(**token)).map(|token| format!("uses {token}")).collect()
}

/// The text without comments and without the unit tests at its end.
fn code(source: &Source) -> String {
    let text = source.text.as_str();
    let end = text.match_indices("#[cfg(test)]\n").find(|(at, marker)| {
        let next = text[at + marker.len()..].lines().next().unwrap_or_default();
        next.starts_with("mod ") && next.ends_with('{')
    });
    let text = end.map_or(text, |(at, _)| &text[..at]);
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
        out.push_str(comment.map_or(line, |(at, _)| &line[..at]));
        out.push('\n');
    }
    out
}

fn layer(path: &str) -> Option<&str> {
    path.strip_prefix("src/").and_then(|rest| rest.split_once('/')).map(|(layer, _)| layer)
}

fn is_rust(source: &Source) -> bool {
    source.path.ends_with(".rs")
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Everything a person wrote, except this file, which has to name what it forbids.
fn sources() -> Vec<Source> {
    let mut files = vec![top().join("README.md"), top().join("Cargo.toml"), top().join(".ci/run")];
    for folder in ["src", "tests", "systemd"] {
        collect(&top().join(folder), &mut files);
    }
    let mut sources = Vec::new();
    for file in files {
        let path = file.strip_prefix(top()).expect("below the top").to_string_lossy().replace('\\', "/");
        if path == "tests/suite/tidy.rs" {
            continue;
        }
        // What is not text, like a fuzzing corpus, has no rules.
        if let Ok(text) = fs::read_to_string(&file) {
            sources.push(Source { path, text });
        }
    }
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            // What cargo builds, and what fuzzing keeps: inputs may hold any word.
            if !["target", "corpus", "regressions", "artifacts"].iter().any(|name| path.ends_with(name)) {
                collect(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}
