//! The configuration: text in, checked values or every mistake out.
//!
//! `raw` reads tables and remembers lines, `sections` and `feeds` check them, `checked` is what the program sees.
//! `memory` adds up the worst case, `bounds` threads and descriptors; `print` writes the effective configuration so that it reads back as itself.
//! Nothing here opens a socket or starts a thread; besides key files and the machine's memory it reads no file
//! but the one it is asked to [`Config::load`].

mod address;
pub mod bounds;
mod checked;
mod feeds;
#[cfg(test)]
mod fixture;
mod key;
mod machine;
pub mod memory;
mod mistake;
pub mod print;
mod raw;
mod sections;
pub mod units;

pub use checked::*;
pub use key::{KeySource, Secret};
pub use mistake::Mistake;
pub use sections::listen as parse_listen;

use crate::venue::{Venue, catalog};
use mistake::Findings;
use raw::{Document, Section};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeTable;

/// Where `depthd run` looks when it is not told.
pub const DEFAULT_PATH: &str = "/etc/depthd/depthd.toml";

/// Ten thousand symbols with room to spare; a larger file is a mistake of another kind, and to read what is TOML and
/// nothing else takes up to eighty times its bytes.
const FILE_BYTES_MAX: u64 = 512 << 10;

/// In a text longer than this only the first place that is not TOML is told: the parser keeps what it knows of each,
/// two hundred times the bytes it is about, and a file given by mistake may have nothing else.
const SEARCHED_BYTES_MAX: usize = 16 * 1024;

/// What a configuration is checked against.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// One environment variable by name.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub venues: Venues<'a>,
}

/// The venues this program speaks.
#[derive(Clone, Copy)]
pub struct Venues<'a> {
    pub by_name: &'a dyn Fn(&str) -> Option<Arc<dyn Venue>>,
    /// Named in messages.
    pub names: &'a [&'a str],
}

impl Venues<'_> {
    /// Every venue there is.
    pub const fn known() -> Venues<'static> {
        Venues { by_name: &catalog::by_name, names: &catalog::NAMES }
    }
}

/// Checks an address to send REST calls to. True: it is in the clear, and whoever is on the way can read a key.
///
/// # Errors
/// A sentence saying what is expected.
pub fn check_rest_url(text: &str) -> Result<bool, String> {
    address::check(text, ["http", "https"]).map(|privacy| privacy == address::Privacy::Open)
}

/// The key of a venue that needs one, where no file is named for it.
///
/// # Errors
/// A place that should hold it does not, or cannot be read.
pub fn key_of(env: &dyn Fn(&str) -> Option<String>, venue: &str) -> Result<Option<Secret>, String> {
    key::find(env, venue, None).map(|found| found.map(|(secret, _)| secret))
}

/// The process's own environment, for [`Surroundings`]. What is not UTF-8 is not there.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every mistake in it; or the one that it cannot be read.
    pub fn load(path: &Path, around: &Surroundings<'_>) -> Result<Config, Vec<Mistake>> {
        let name = path.display().to_string();
        let unreadable =
            |message: String| vec![Mistake { file: name.clone(), line: 0, key: String::new(), message }];
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|why| unreadable(format!("cannot be opened: {why}")))?;
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|why| unreadable(format!("cannot be read: {why}")))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable(format!("is larger than {}", units::show_size(FILE_BYTES_MAX))));
        }
        Config::from_toml(&text, &name, around)
    }

    /// Checks a configuration. `origin` names it in messages.
    ///
    /// # Errors
    /// Every mistake in it, in the order of its lines. Where it is not TOML at all, only that.
    pub fn from_toml(text: &str, origin: &str, around: &Surroundings<'_>) -> Result<Config, Vec<Mistake>> {
        let findings = Findings::new(origin, text);
        let document = Document { findings: &findings };
        let (table, errors) = if text.len() <= SEARCHED_BYTES_MAX {
            DeTable::parse_recoverable(text)
        } else {
            match DeTable::parse(text) {
                Ok(table) => (table, Vec::new()),
                Err(first) => (Spanned::new(0..0, DeTable::new()), vec![first]),
            }
        };
        for error in &errors {
            let line = error.span().map_or(0, |span| document.line_of(span.start));
            findings.mistake(line, "", format!("not TOML: {}", error.message().trim()));
        }
        // What was recovered from half a file would be judged for things that stand in the other half.
        if !findings.is_clean() {
            return Err(findings.into_result().err().unwrap_or_default());
        }
        let config = check(Section::top(document, table.get_ref()), origin, around);
        findings.into_result().map(|warnings| Config { warnings, ..config })
    }

    /// The configuration of `--feed VENUE --symbols A,B`: every default, and these feeds.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn from_flags(
        feeds: &[(String, Vec<String>)],
        listen: Option<&str>,
        around: &Surroundings<'_>,
    ) -> Result<Config, Vec<Mistake>> {
        let mut text = String::new();
        if let Some(listen) = listen {
            text.push_str(&format!("http.listen = {}\n", print::quoted(listen)));
        }
        for (index, (venue, symbols)) in feeds.iter().enumerate() {
            let earlier = feeds[..index].iter().filter(|(other, _)| other == venue).count();
            let name = if earlier == 0 { venue.clone() } else { format!("{venue}-{}", earlier + 1) };
            let (name, venue) = (print::quoted(&name), print::quoted(venue));
            let symbols = symbols.iter().map(|symbol| print::quoted(symbol)).collect::<Vec<_>>().join(", ");
            text.push_str(&format!("[[feed]]\nname = {name}\nvenue = {venue}\nsymbols = [{symbols}]\n"));
        }
        let without_line = |mistake| Mistake { line: 0, ..mistake };
        match Config::from_toml(&text, "command line", around) {
            Ok(mut config) => {
                config.warnings = config.warnings.into_iter().map(without_line).collect();
                Ok(config)
            }
            Err(mistakes) => Err(mistakes.into_iter().map(without_line).collect()),
        }
    }
}

fn check(top: Section<'_>, origin: &str, around: &Surroundings<'_>) -> Config {
    let recovery = sections::recovery(top.section("recovery"), &sections::recovery_defaults());
    let feeds = feeds::read(top.sections("feed"), &recovery, around);
    if !top.has("feed") {
        top.mistake("", "no feed: write at least one [[feed]]");
    } else if !feeds.iter().any(|feed| feed.enabled) {
        top.warning("", "no feed is enabled: nothing will be received");
    }
    let config = Config {
        origin: origin.to_owned(),
        http: sections::http(top.section("http")),
        pipeline: sections::pipeline(top.section("pipeline")),
        memory: sections::memory(top.section("memory")),
        log: sections::log(top.section("log"), (around.env)("DEPTHD_LOG")),
        books: sections::books(top.section("books")),
        recovery,
        feeds,
        warnings: Vec::new(),
    };
    top.finish();
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const FEED: &str = "[[feed]]\nname = \"a\"\nvenue = \"binance\"\nsymbols = [\"BTCUSDT\"]\n";

    fn read(text: &str) -> Result<Config, Vec<Mistake>> {
        fixture::with_env(&[], |around| Config::from_toml(text, "f.toml", around))
    }

    /// Expects exactly these mistakes: line, key, part of the message.
    #[track_caller]
    fn refused(text: &str, expected: &[(usize, &str, &str)]) {
        let mistakes = read(text).expect_err(text);
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
        for (mistake, (line, key, part)) in mistakes.iter().zip(expected) {
            assert_eq!((mistake.line, mistake.key.as_str()), (*line, *key), "{mistake}");
            assert!(mistake.message.contains(part), "{mistake} lacks {part:?}");
        }
    }

    /// A file given by mistake once took minutes and the memory of the daemon: every line was a mistake, quoted whole.
    #[test]
    fn a_file_of_nonsense_is_refused_in_few_words() {
        let keys: String = (0..5_000).map(|n| format!("key{n} = 1\n")).collect();
        let symbol = FEED.replace("BTCUSDT", &"é ".repeat(30_000));
        let lines = "= 1\n".repeat(100_000);
        for (text, count) in [(&keys, 101), (&symbol, 1), (&lines, 1)] {
            let mistakes = read(text).expect_err("nonsense");
            assert_eq!(mistakes.len(), count);
            assert!(mistakes.iter().all(|one| one.to_string().len() <= 1_024));
        }
        let last = read(&keys).expect_err("nonsense").pop().expect("the last");
        // 5,000 keys and the missing feed.
        assert_eq!(last.message, "and 4901 more mistakes in this file");
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let config = read(FEED).expect("a good configuration");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:5000");
        assert_eq!((config.http.max_connections, config.http.request_timeout), (64, Duration::from_secs(5)));
        let Pipeline { queue_messages, queue_bytes, batch, workers, overflow } = config.pipeline;
        assert_eq!((queue_messages, queue_bytes, batch, workers), (500, 8 << 20, 64, 2));
        assert_eq!(overflow, Overflow::DropNewest);
        assert_eq!((config.memory.warn, config.memory.throttle, config.memory.critical), (0.70, 0.80, 0.90));
        let feed = &config.feeds[0];
        assert_eq!((feed.url.as_str(), feed.max_message), ("wss://stream.example:9443", 16 << 20));
        assert_eq!(feed.rest_budget().refill.burst, 4800);
        assert_eq!((feed.recovery.clone(), feed.key.clone()), (config.recovery, None));
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_line() {
        let text = "[http]\nlisten = \"nowhere\"\nmax_conections = 3\n[pipeline]\nworkers = 0\nbatch = \"ten\"\n\
                    [recovery]\ntimeout = \"2\"\n[nonsense]\nx = 1\n[[feed]]\nname = \"a\"\nvenue = \"binance\"\n\
                    symbols = [\"btc\"]\nidle_timeout = \"1ms\"\n[[feed]]\nname = \"a\"\nvenue = \"nasdaq\"\n";
        refused(
            text,
            &[
                (2, "http.listen", "IP:PORT"),
                (3, "http.max_conections", "did you mean `max_connections`"),
                (5, "pipeline.workers", "1 to 64"),
                (6, "pipeline.batch", "expected a whole number, got string"),
                (8, "recovery.timeout", "like \"30s\""),
                (9, "nonsense", "unknown section"),
                (14, "feed[1].symbols", "\"btc\""),
                (15, "feed[1].idle_timeout", "50ms to 10min"),
                (17, "feed[2].name", "earlier feed"),
                (18, "feed[2].venue", "coinapi, binance"),
            ],
        );
    }

    #[test]
    fn each_rule_says_no() {
        refused("x = [", &[(1, "", "not TOML")]);
        refused("", &[(0, "", "no feed")]);
        refused("feed = 3\n", &[(1, "feed", "[[feed]]")]);
        refused("feed = [3]\n", &[(1, "feed[1]", "expected a table")]);
        refused(&format!("http = 3\n{FEED}"), &[(1, "http", "expected a table")]);
        refused(&format!("{FEED}venue = \"binance\"\n"), &[(5, "", "duplicate key")]);
        for (line, key, part) in [
            ("channels = []", "feed[1].channels", "at least one"),
            ("channels = [\"trade\", \"trade\"]", "feed[1].channels", "twice"),
            ("channels = [\"book5\"]", "feed[1].channels", "none of binance's"),
            ("api_key_file = \"/x\"", "feed[1].api_key_file", "needs no key"),
            ("url = \"https://x\"", "feed[1].url", "scheme"),
            ("rest_url = \"https://x/?k=1\"", "feed[1].rest_url", "query"),
            ("recovery = { burst = 49 }", "feed[1].recovery", "what one snapshot costs"),
            ("recovery = { daily = 49 }", "feed[1].recovery", "what one snapshot costs"),
            ("recovery = { rate = \"0/s\" }", "feed[1].recovery.rate", "at least 1"),
            ("backoff = { first = \"2s\", max = \"1s\" }", "feed[1].backoff.max", "shorter"),
            ("max_message = \"1GiB\"", "feed[1].max_message", "64MiB"),
        ] {
            refused(&format!("{FEED}{line}\n"), &[(5, key, part)]);
        }
        let twice = "[[feed]]\nname = \"a\"\nvenue = \"binance\"\nsymbols = [\"BTC\", \"BTC\"]\n";
        refused(twice, &[(4, "feed[1].symbols", "twice")]);
        refused(&twice.replace("[\"BTC\", \"BTC\"]", "[]"), &[(4, "feed[1].symbols", "at least one")]);
        refused(
            &twice.replace("\"a\"", "\"a/b\"").replace("\"BTC\", ", ""),
            &[(2, "feed[1].name", "no name")],
        );
        refused(&format!("memory.warn = 0.9\n{FEED}"), &[(1, "memory.warn", "rise")]);
    }

    /// Each feed fits by itself; what is counted is the address.
    #[test]
    fn what_a_venue_allows_an_address_holds_over_all_feeds() {
        let around = Surroundings { env: &|_| None, venues: Venues::known() };
        let read = |text: &str| Config::from_toml(text, "test", &around);
        let refused = |text: &str, expected: &[(usize, &str, &str)]| {
            let mistakes = read(text).expect_err("too much");
            assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
            for (mistake, (line, key, part)) in mistakes.iter().zip(expected) {
                assert_eq!((mistake.line, mistake.key.as_str()), (*line, *key), "{mistake}");
                assert!(mistake.message.contains(part), "{mistake} lacks {part:?}");
            }
        };
        let feed = |name: &str, coins: usize, more: &str| {
            let symbols: Vec<String> = (0..coins).map(|i| format!("C{i}")).collect();
            format!("[[feed]]\nname = \"{name}\"\nvenue = \"hyperliquid\"\nsymbols = {symbols:?}\n{more}\n")
        };
        let two = |second: usize, more: &str| feed("a", 300, "") + &feed("b", second, more);
        let books = "channels = [\"book\"]";
        assert!(read(&two(33, "")).is_ok() && read(&two(100, books)).is_ok());
        let said = "1002 subscriptions (symbols times channels) to hyperliquid over all feeds: at most 1000";
        refused(&two(34, ""), &[(9, "feed[2].symbols", said)]);
        refused(&two(101, books), &[(9, "feed[2].symbols", "1001 subscriptions")]);
        refused(&(two(34, "") + &feed("c", 1, "")), &[(9, "feed[2].symbols", said)]);
        let many = "11 connections to hyperliquid over all feeds: at most 10 an address";
        refused(
            &feed("a", 1_001, books),
            &[(4, "feed[1].symbols", many), (4, "feed[1].symbols", "1001 subscriptions")],
        );
        // Another address, or none at all.
        assert!(read(&two(34, "url = \"wss://127.0.0.1:1\"")).is_ok());
        assert!(read(&two(34, "enabled = false")).is_ok());
    }

    #[test]
    fn keys_are_found_or_asked_for() {
        let feed = FEED.replace("binance", "coinapi");
        refused(&feed, &[(1, "feed[1]", "set COINAPI_KEY")]);
        refused(
            &format!("{feed}api_key_file = \"/nonexistent\"\n"),
            &[(5, "feed[1].api_key_file", "/nonexistent")],
        );
        let read =
            |env: &[(&str, &str)]| fixture::with_env(env, |around| Config::from_toml(&feed, "f", around));
        let config = read(&[("COINAPI_KEY", "k-1")]).expect("a key");
        assert_eq!(config.feeds[0].key.as_ref().map(Secret::reveal), Some("k-1"));
        assert_eq!(config.feeds[0].key_source, KeySource::Environment("COINAPI_KEY".to_owned()));
        assert!(!format!("{config:?}").contains("k-1"), "a key in {config:?}");
        let config = read(&[("COINAPI_WS_ENABLED", "false")]).expect("no key needed");
        assert_eq!((config.enabled().count(), config.warnings.len()), (0, 1));
    }

    #[test]
    fn what_is_legal_and_odd_is_a_warning() {
        let text = format!("http.listen = \"0.0.0.0:80\"\n{FEED}url = \"ws://venue.example\"\n");
        let config = read(&text).expect("a good configuration");
        let lines: Vec<_> =
            config.warnings.iter().map(|warning| (warning.line, warning.key.as_str())).collect();
        assert_eq!(lines, [(1, "http.listen"), (6, "feed[1].url")]);
    }

    #[test]
    fn flags_make_a_configuration_too() {
        let feed = |venue: &str, symbols: &[&str]| {
            (venue.to_owned(), symbols.iter().map(|symbol| (*symbol).to_owned()).collect::<Vec<_>>())
        };
        fixture::with_env(&[], |around| {
            let feeds = [feed("binance", &["BTCUSDT", "ETHUSDT", "XRPUSDT"]), feed("binance", &["SOLUSDT"])];
            let config = Config::from_flags(&feeds, Some("127.0.0.1:0"), around).expect("good flags");
            assert_eq!((config.feeds[1].name.as_str(), config.feeds[0].connections()), ("binance-2", 2));
            let mistakes =
                Config::from_flags(&[feed("bin\"ance\n", &[])], None, around).expect_err("unknown");
            assert!(mistakes.iter().all(|m| m.file == "command line" && m.line == 0), "{mistakes:?}");
        });
    }
}
