//! Configurations as a person meets them: the example, the documented one, and bad ones, through `depthd check`.

use depthd::cli::args::{CheckArgs, ConfigArgs};
use depthd::cli::{Exit, check};
use depthd::config::{Config, Surroundings, Venues, memory};
use depthd::engine::event::Channel;
use depthd::venue::catalog;
use std::path::{Path, PathBuf};

/// What `depthd check` says: exit, output, errors.
fn check(args: ConfigArgs, env: &[(&str, &str)]) -> (Exit, String, String) {
    let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let around = Surroundings { env: &env, venues: Venues::known() };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = check::run(&CheckArgs { config: args }, &around, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (exit, text(out), text(err))
}

fn file(path: &Path) -> ConfigArgs {
    ConfigArgs { config: Some(path.to_owned()), ..ConfigArgs::default() }
}

/// The example's path and text.
pub fn example() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/depthd.toml");
    let text = std::fs::read_to_string(&path).expect("the example is there");
    (path, text)
}

/// Reads `text` with nothing but a key in the environment.
pub fn read(text: &str) -> Result<Config, String> {
    let env = |name: &str| (name == "COINAPI_KEY").then(|| "hunter2".to_owned());
    let around = Surroundings { env: &env, venues: Venues::known() };
    let lines = |mistakes: Vec<_>| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    Config::from_toml(text, "f.toml", &around).map_err(lines)
}

/// A file in the temporary folder that goes away with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn with(name: &str, bytes: &[u8]) -> Temporary {
        let path = std::env::temp_dir().join(format!("depthd-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_example_is_right_as_it_stands() {
    let (exit, out, err) = check(file(&example().0), &[]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    assert!(out.contains("symbols = [\"BTCUSDT\", \"ETHUSDT\"]") && out.contains("worst case"), "{out}");
}

#[test]
fn every_key_the_example_mentions_exists() {
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") && !rest.starts_with(char::is_uppercase) => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    let (_, text) = example();
    let text: String = text.lines().map(uncommented).collect();
    // The venue needs 50 units for a snapshot of its own; the example's figures are coinapi's.
    // One binance snapshot costs 50 units, and the figures shown are coinapi's.
    let config = read(&text.replace("burst = 2 ", "burst = 60")).expect("every key is known");
    assert_eq!(config.recovery.daily, Some(1000));
    assert_eq!(config.memory.limit_bytes, 64 << 20);
}

/// CONTRACT.md section 2, whole.
const DOCUMENTED: &str = r#"
[http]
listen = "127.0.0.1:5000"
max_connections = 64
request_timeout = "5s"
[pipeline]
queue_messages = 500
queue_bytes = "8MiB"
batch = 10
workers = 2
overflow = "drop_newest"
[recovery]
max_concurrent = 2
rate = "2/s"
burst = 2
daily = 1000
timeout = "2s"
breaker_failures = 5
breaker_open = "30s"
cache_ttl = "1s"
[memory]
limit = "64MiB"
warn = 0.70
throttle = 0.80
critical = 0.90
[log]
level = "info"
format = "auto"
[[feed]]
name = "coinapi"
venue = "coinapi"
enabled = true
url = "wss://ws.coinapi.io/v1/"
rest_url = "https://rest.coinapi.io"
symbols = ["BITSTAMP_SPOT_BTC_USD", "COINBASE_SPOT_ETH_USD"]
channels = ["book", "trade", "quote"]
connect_timeout = "30s"
idle_timeout = "10s"
backoff = { first = "500ms", max = "30s", reset_after = "60s" }
max_message = "16MiB"
"#;

#[test]
fn the_documented_configuration_is_right_fits_and_hides_its_key() {
    let config = Temporary::with("documented", DOCUMENTED.as_bytes());
    let (exit, out, err) = check(file(&config.0), &[("COINAPI_KEY", "hunter2")]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    assert!(out.contains("[redacted]") && !out.contains("hunter2"), "{out}");
}

#[test]
fn a_bad_file_says_everything_that_is_wrong_with_it() {
    let text =
        DOCUMENTED.replace("workers = 2", "workerz = 2").replace("\"5s\"", "5").replace("\"wss:", "\"http:");
    let config = Temporary::with("bad", text.as_bytes());
    let (exit, out, err) = check(file(&config.0), &[]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    let name = config.0.display();
    for part in [
        format!("error: {name}:5: http.request_timeout: expected a text"),
        format!("error: {name}:10: pipeline.workerz: unknown key; did you mean `workers`?"),
        format!("error: {name}:29: feed[1]: coinapi needs a key: set COINAPI_KEY"),
        format!("error: {name}:33: feed[1].url: another scheme"),
    ] {
        assert!(err.contains(&part), "{err}\nlacks {part}");
    }
    assert_eq!(err.lines().count(), 4, "{err}");
}

/// Liquidations are a channel where the venue publishes them, beside the books only where one connection serves both.
#[test]
fn liquidations_are_taken_where_the_venue_has_them() {
    let feed = |venue: &str, symbol: &str, channels: &str| {
        read(&format!(
            "[[feed]]\nname = \"a\"\nvenue = \"{venue}\"\nsymbols = [\"{symbol}\"]\nchannels = {channels}\n"
        ))
    };
    let alone = feed("binance-usdm", "BTCUSDT", r#"["liquidation"]"#).expect("on its own");
    assert!(!alone.feeds[0].carries_books());
    feed("binance-coinm", "BTCUSD_PERP", r#"["book", "liquidation"]"#).expect("one address has both");
    let refusal =
        |venue: &str, symbol: &str, channels: &str| feed(venue, symbol, channels).expect_err("refused");
    assert_eq!(
        refusal("binance-usdm", "BTCUSDT", r#"["book", "trade", "liquidation"]"#),
        "f.toml:5: feed[1].channels: binance-usdm serves liquidation at another address than book, trade: add a second [[feed]] with channels = \
         [\"liquidation\"], and take it out of this one"
    );
    for (venue, symbol) in [("binance", "BTCUSDT"), ("kraken", "BTC/USD"), ("hyperliquid", "BTC")] {
        let why = refusal(venue, symbol, r#"["book", "liquidation"]"#);
        assert!(why.contains(&format!("\"liquidation\" is none of {venue}'s channels: book")), "{why}");
    }
    for name in catalog::NAMES {
        let profile = catalog::by_name(name).expect("a venue").profile();
        assert!(!profile.default_channels.contains(&Channel::Liquidation), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_table() {
    let config = Temporary::with("small", DOCUMENTED.replace("64MiB", "32MiB").as_bytes());
    let (exit, out, err) = check(file(&config.0), &[("COINAPI_KEY", "k")]);
    assert_eq!(exit, Exit::Usage);
    assert!(out.contains("largest message per connection") && err.contains("memory.limit"), "{out}{err}");
}

#[test]
fn files_that_are_no_configuration_say_so() {
    let binary = Temporary::with("binary", &[0xff, 0xfe, 0, 1, 2]);
    let huge = Temporary::with("huge", &vec![b'#'; (1 << 20) + 1]);
    let folder = std::env::temp_dir();
    for (path, part) in [
        (binary.0.as_path(), "UTF-8"),
        (huge.0.as_path(), "larger than 512KiB"),
        (Path::new("/nonexistent.toml"), "No such file"),
        (folder.as_path(), "cannot be read"),
    ] {
        let (exit, _, err) = check(file(path), &[]);
        assert_eq!(exit, Exit::Usage);
        assert!(err.contains(part) && err.contains(&*path.to_string_lossy()), "{err}");
    }
}

#[test]
fn flags_are_enough() {
    let flags = |feed: &[&str], symbols: &[&str]| ConfigArgs {
        feed: feed.iter().map(|text| (*text).to_owned()).collect(),
        symbols: symbols.iter().map(|text| (*text).to_owned()).collect(),
        ..ConfigArgs::default()
    };
    let (exit, out, err) = check(flags(&["binance"], &["BTCUSDT, ETHUSDT"]), &[]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    assert!(out.contains("wss://stream.binance.com:9443"), "{out}");
    for (feed, symbols, part) in [
        (&["binance"][..], &[][..], "its own --symbols"),
        (&["binance"], &["BTCUSDT,"], "feed[1].symbols"),
        (&["nyse"], &["IBM"], "the venues are coinapi, binance"),
        (&["coinapi"], &["BITSTAMP_SPOT_BTC_USD"], "needs a key"),
    ] {
        let (exit, _, err) = check(flags(feed, symbols), &[]);
        assert_eq!(exit, Exit::Usage);
        assert!(err.starts_with("error: command line: ") && err.contains(part), "{err}");
    }
}

/// A reload reads a file while an editor writes it.
#[test]
fn half_a_file_is_never_a_panic() {
    let (_, text) = example();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let _ = read(&text[..end]);
    }
    for nonsense in
        ["[[[[[[", "a.b.c.d = {{{", "feed = [[[[]]]]", "\u{feff}", "x = 1e999999", "[feed]\nname = 1"]
    {
        assert!(read(nonsense).is_err(), "{nonsense}");
    }
    assert!(read(&format!("x = {}", "[".repeat(100_000))).is_err());
}

/// The arithmetic agrees with the parts it speaks for.
#[test]
fn the_bounds_counted_are_the_bounds_kept() {
    use depthd::{http::limits, shell};
    assert_eq!(memory::REST_BODY_BYTES_MAX, shell::rest::BODY_BYTES_MAX as u64);
    assert!(memory::LOG_LINE_BYTES_MAX >= shell::log::LINE_BYTES_MAX as u64);
    assert_eq!(memory::BATCH_BYTES, shell::queue::POOLED_BYTES_MAX as u64);
    for stack in [shell::reader::STACK_BYTES, shell::worker::STACK_BYTES, limits::HANDLER_STACK_BYTES] {
        assert!(memory::STACK_BYTES >= stack as u64);
    }
    let answers = memory::HTTP_UPSTREAM_MAX + 2 * memory::HTTP_HANDLERS;
    let slots = 64 + memory::HTTP_LINGERING_MAX;
    let counted = answers * memory::HTTP_ANSWER_BYTES_MAX + slots * memory::HTTP_SLOT_BYTES;
    assert!(counted >= limits::bytes_max(64) as u64, "{counted} counted");
}
