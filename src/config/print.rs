//! Writes the effective configuration as TOML: every value that applies, whoever set it.
//!
//! What is printed reads back as the same configuration, except for keys, which are never printed.

use super::checked::{Config, Feed, RecoveryConfig};
use super::units::{show_duration, show_rate, show_size};
use std::fmt::{self, Display, Write};

/// The whole configuration. Secrets show as `[redacted]`.
pub fn effective(config: &Config) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_config(&mut out, config);
    out
}

/// A TOML string in double quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn write_config(out: &mut String, config: &Config) -> fmt::Result {
    let Config { http, pipeline, memory, log, books, .. } = config;
    writeln!(out, "# effective configuration of {}", config.origin.escape_debug())?;
    writeln!(out, "[http]")?;
    writeln!(out, "listen = {}", quoted(&http.listen.to_string()))?;
    writeln!(out, "max_connections = {}", http.max_connections)?;
    writeln!(out, "request_timeout = \"{}\"", show_duration(http.request_timeout))?;

    writeln!(out, "\n[pipeline]")?;
    writeln!(out, "queue_messages = {}", pipeline.queue_messages)?;
    writeln!(out, "queue_bytes = \"{}\"", show_size(pipeline.queue_bytes as u64))?;
    writeln!(out, "batch = {}", pipeline.batch)?;
    writeln!(out, "workers = {}", pipeline.workers)?;
    writeln!(out, "overflow = \"{}\"", pipeline.overflow.name())?;

    writeln!(out, "\n[recovery]")?;
    for (key, value) in recovery(&config.recovery) {
        writeln!(out, "{key} = {value}")?;
    }

    writeln!(out, "\n[memory]")?;
    writeln!(out, "limit = \"{}\"  # {}", show_size(memory.limit_bytes), memory.limit_source.describe())?;
    writeln!(out, "warn = {:?}", memory.warn)?;
    writeln!(out, "throttle = {:?}", memory.throttle)?;
    writeln!(out, "critical = {:?}", memory.critical)?;

    writeln!(out, "\n[log]")?;
    writeln!(out, "level = \"{}\"", log.level.as_str().to_ascii_lowercase())?;
    writeln!(out, "format = \"{}\"", log.format.name())?;

    writeln!(out, "\n[books]")?;
    writeln!(out, "levels = {}", books.levels)?;
    writeln!(out, "resync_buffer = \"{}\"", show_size(books.resync_buffer as u64))?;
    writeln!(out, "trades = {}", books.trades)?;
    config.feeds.iter().try_for_each(|feed| write_feed(out, feed))
}

fn write_feed(out: &mut String, feed: &Feed) -> fmt::Result {
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let channels: Vec<String> = feed.channels.iter().map(|channel| channel.name().to_owned()).collect();
    writeln!(out, "\n[[feed]]")?;
    writeln!(out, "name = {}", quoted(&feed.name))?;
    writeln!(out, "venue = {}", quoted(&feed.venue_name))?;
    writeln!(out, "enabled = {}", feed.enabled)?;
    writeln!(out, "url = {}", quoted(&feed.url))?;
    writeln!(out, "rest_url = {}", quoted(&feed.rest_url))?;
    writeln!(out, "symbols = [{}]", list(&feed.symbols))?;
    writeln!(out, "channels = [{}]", list(&channels))?;
    writeln!(out, "connect_timeout = \"{}\"", show_duration(feed.connect_timeout))?;
    writeln!(out, "idle_timeout = \"{}\"", show_duration(feed.idle_timeout))?;
    writeln!(
        out,
        "backoff = {{ first = \"{}\", max = \"{}\", reset_after = \"{}\" }}",
        show_duration(feed.backoff.first),
        show_duration(feed.backoff.max),
        show_duration(feed.backoff.reset_after)
    )?;
    let inline: Vec<String> =
        recovery(&feed.recovery).into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    writeln!(out, "recovery = {{ {} }}", inline.join(", "))?;
    if let Some(path) = &feed.api_key_file {
        writeln!(out, "api_key_file = {}", quoted(&path.to_string_lossy()))?;
    }
    if let Some(secret) = &feed.key {
        writeln!(out, "# key = {secret}, from {}", feed.key_source.to_string().escape_debug())?;
    }
    writeln!(out, "max_message = \"{}\"", show_size(feed.max_message as u64))?;
    let budget = feed.rest_budget();
    let refill = budget.refill;
    let daily = budget.daily.map_or("no daily limit".to_owned(), |daily| format!("{daily} a day"));
    writeln!(
        out,
        "# REST budget that applies: {} in {}, {} at once, {daily}; a snapshot costs {}",
        refill.per_window,
        show_duration(refill.window),
        refill.burst,
        budget.snapshot_cost
    )?;
    writeln!(out, "# connections: {}", feed.connections())
}

/// Keys and values, absent ones left out: they mean "what the venue publishes".
fn recovery(recovery: &RecoveryConfig) -> Vec<(&'static str, String)> {
    let text = |value: &dyn Display| format!("\"{value}\"");
    let mut keys = vec![("max_concurrent", recovery.max_concurrent.to_string())];
    keys.extend(recovery.rate.map(|rate| ("rate", text(&show_rate(rate)))));
    keys.extend(recovery.burst.map(|burst| ("burst", burst.to_string())));
    keys.extend(recovery.daily.map(|daily| ("daily", daily.to_string())));
    keys.push(("timeout", text(&show_duration(recovery.timeout))));
    keys.push(("breaker_failures", recovery.breaker_failures.to_string()));
    keys.push(("breaker_open", text(&show_duration(recovery.breaker_open))));
    keys.push(("cache_ttl", text(&show_duration(recovery.cache_ttl))));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fixture;

    #[test]
    fn what_is_printed_reads_back_as_itself() {
        let text = r#"
            http.listen = "unix:/run/depthd/http.sock"
            memory.limit = "256MiB"
            recovery = { rate = "100/min", burst = 60, timeout = "1500ms" }
            [[feed]]
            name = "a"
            venue = "coinapi"
            symbols = ["BITSTAMP_SPOT_BTC_USD"]
            channels = ["book50", "quote"]
            recovery = { max_concurrent = 1, daily = 900 }
            backoff = { first = "1s" }
            [[feed]]
            name = "b"
            venue = "binance"
            enabled = false
            url = "ws://127.0.0.1:4000"
            symbols = ["BTCUSDT", "ETHUSDT"]
            max_message = "1000KB"
        "#;
        fixture::with_env(&[("COINAPI_KEY", "hunter2")], |around| {
            let read = Config::from_toml(text, "a", around).expect("a good configuration");
            let printed = effective(&read);
            assert!(!printed.contains("hunter2") && printed.contains("# key = [redacted]"), "{printed}");
            let again =
                Config::from_toml(&printed, "a", around).unwrap_or_else(|why| panic!("{why:?}\n{printed}"));
            assert_eq!(again, read);
        });
    }

    #[test]
    fn hostile_text_stays_inside_its_quotes() {
        assert_eq!(quoted("a\"b\\c\nd\u{7f}"), r#""a\"b\\c\u000Ad\u007F""#);
    }
}
