//! The feeds: each against the facts of its venue.

use super::address::{self, Privacy};
use super::checked::{BackoffConfig, Feed, RecoveryConfig};
use super::key::{self, KeySource, Secret};
use super::raw::{self, Section};
use super::{Surroundings, sections};
use crate::engine::event::Channel;
use crate::venue::Venue;
use crate::venue::canonical::Canonical;
use crate::venue::profile::Profile;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

/// Part of paths and labels, so that it must survive both without escaping.
const NAME_BYTES_MAX: usize = 32;
/// Every feed is a label on some twenty metrics and at least one thread.
const FEEDS_MAX: usize = 64;
/// Over one feed. The memory table says no long before; this only bounds the reading.
const SYMBOLS_MAX: usize = 10_000;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Reads every `[[feed]]`. A feed whose venue is unknown is reported and left out.
pub(super) fn read(
    list: Vec<Section<'_>>,
    recovery: &RecoveryConfig,
    around: &Surroundings<'_>,
) -> Vec<Feed> {
    let mut names = HashSet::new();
    let mut feeds = Vec::new();
    for (index, section) in list.into_iter().enumerate() {
        if index == FEEDS_MAX {
            section.mistake("", format!("too many feeds: at most {FEEDS_MAX}"));
            break;
        }
        let name = section.read("name", String::new(), |v| name(&raw::text(v)?));
        if !section.has("name") {
            section.mistake("name", "is missing: a feed needs a name of its own");
        } else if !name.is_empty() && !names.insert(name.clone()) {
            section.mistake("name", format!("{name:?} is the name of an earlier feed too"));
        }
        feeds.extend(feed(section, name, recovery, around, &feeds));
    }
    feeds
}

fn feed(
    section: Section<'_>,
    name: String,
    recovery: &RecoveryConfig,
    around: &Surroundings<'_>,
    earlier: &[Feed],
) -> Option<Feed> {
    let venue_name = section.read("venue", String::new(), raw::text);
    let Some(venue) = (around.venues.by_name)(&venue_name) else {
        let known = around.venues.names.join(", ");
        let what =
            if section.has("venue") { format!("{venue_name:?} is unknown") } else { "is missing".to_owned() };
        section.mistake("venue", format!("{what}; the venues are {known}"));
        return None;
    };
    let profile = venue.profile();
    let enabled = section.read("enabled", true, raw::flag) && !switched_off(&venue_name, around.env);
    let api_key_file = section.read("api_key_file", None, |v| raw::text(v).map(|t| Some(PathBuf::from(t))));
    let (key, key_source) = key_of(&section, profile, enabled, api_key_file.as_deref(), around.env);
    let feed = Feed {
        enabled,
        url: url(&section, "url", profile.url, ["ws", "wss"]),
        rest_url: url(&section, "rest_url", profile.rest_url, ["http", "https"]),
        symbols: symbols(&section, venue.as_ref()),
        channels: channels(&section, venue.as_ref()),
        connect_timeout: section.read("connect_timeout", 30 * SECOND, raw::duration(50 * MS..=5 * MINUTE)),
        idle_timeout: section.read("idle_timeout", IDLE_DEFAULT, raw::duration(50 * MS..=10 * MINUTE)),
        backoff: backoff(section.section("backoff")),
        recovery: sections::recovery(section.section("recovery"), recovery),
        // The smallest still holds a full book of a quiet symbol; the largest is tungstenite's own bound.
        max_message: section.read("max_message", 16 << 20, raw::size(64 << 10..=64 << 20)) as usize,
        name,
        venue_name,
        profile,
        key,
        key_source,
        api_key_file,
    };
    check_budget(&section, &feed);
    check_address(&section, &feed, earlier);
    section.finish();
    Some(feed)
}

fn name(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.bytes().all(legal) {
        return Err(format!("{text:?} is no name: 1 to {NAME_BYTES_MAX} of a-z, 0-9, - and _"));
    }
    Ok(text.to_owned())
}

/// `<VENUE>_WS_ENABLED=false` switches every feed of a venue off; CONTRACT promises it for coinapi.
fn switched_off(venue: &str, env: &dyn Fn(&str) -> Option<String>) -> bool {
    let variable = format!("{}_WS_ENABLED", venue.to_ascii_uppercase().replace('-', "_"));
    env(&variable)
        .is_some_and(|text| matches!(text.trim().to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off"))
}

fn url(section: &Section<'_>, key: &'static str, default: &str, schemes: [&str; 2]) -> String {
    let mut privacy = Privacy::Encrypted;
    let url = section.read(key, default.to_owned(), |v| {
        let text = raw::text(v)?;
        privacy = address::check(&text, schemes)?;
        Ok(text)
    });
    if privacy == Privacy::Open {
        section.warning(key, "is not encrypted: whoever is on the way can read the key and change the books");
    }
    url
}

fn symbols(section: &Section<'_>, venue: &dyn Venue) -> Vec<String> {
    let mut symbols = section.read("symbols", Vec::new(), raw::texts);
    if symbols.is_empty() && !section.has("symbols") {
        section.mistake("symbols", "is missing: name at least one");
    } else if symbols.is_empty() {
        // A filter of no symbols means all of them at some venues.
        section.mistake("symbols", "must name at least one");
    }
    if symbols.len() > SYMBOLS_MAX {
        section.mistake("symbols", format!("too many: at most {SYMBOLS_MAX} a feed"));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    for symbol in &mut symbols {
        if let Some(native) = Canonical::parse(symbol).and_then(|market| venue.native(&market)) {
            *symbol = native;
        }
        if let Err(why) = venue.check_symbol(symbol) {
            section.mistake("symbols", format!("{symbol:?}: {why}"));
        } else if !seen.insert(venue.symbol_key(symbol)) {
            section.mistake("symbols", format!("{symbol:?} is there twice"));
        }
    }
    symbols
}

fn channels(section: &Section<'_>, venue: &dyn Venue) -> Vec<Channel> {
    let profile = venue.profile();
    let channels = section.read("channels", profile.default_channels.to_vec(), |v| {
        raw::texts(v)?.iter().map(|text| channel(text, profile)).collect()
    });
    if channels.is_empty() && section.has("channels") {
        section.mistake("channels", "must name at least one channel that the venue has");
    }
    if channels.iter().collect::<HashSet<_>>().len() < channels.len() {
        section.mistake("channels", "the same channel is there twice");
    }
    // Two kinds of book on one connection would be two sequences for one book.
    if channels.iter().filter(|channel| channel.is_book()).count() > 1 {
        section.mistake("channels", "at most one kind of book; make a second feed for the other");
    }
    if let Err(why) = venue.check_channels(&channels) {
        section.mistake("channels", why);
    }
    channels
}

fn channel(text: &str, profile: &Profile) -> Result<Channel, String> {
    let names = || profile.channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(", ");
    let found = Channel::from_name(text).filter(|channel| profile.channels.contains(channel));
    found.ok_or_else(|| format!("{text:?} is none of {}'s channels: {}", profile.name, names()))
}

/// A peer that is asked for a sign of life after five seconds of silence and gives none for five more is gone. Binance,
/// which says nothing of a quiet symbol but a ping every 20 s, answers in between like any other.
const IDLE_DEFAULT: Duration = Duration::from_secs(10);

fn backoff(section: Section<'_>) -> BackoffConfig {
    let backoff = BackoffConfig {
        first: section.read("first", 500 * MS, raw::duration(10 * MS..=MINUTE)),
        max: section.read("max", 30 * SECOND, raw::duration(10 * MS..=HOUR)),
        reset_after: section.read("reset_after", 60 * SECOND, raw::duration(10 * MS..=HOUR)),
    };
    if backoff.max < backoff.first {
        section.mistake("max", "must not be shorter than `first`");
    }
    section.finish();
    backoff
}

fn key_of(
    section: &Section<'_>,
    profile: &Profile,
    enabled: bool,
    file: Option<&std::path::Path>,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Option<Secret>, KeySource) {
    if !profile.needs_key {
        if file.is_some() {
            section.mistake("api_key_file", format!("{} needs no key: remove it", profile.name));
        }
        return (None, KeySource::None);
    }
    if !enabled {
        return (None, KeySource::None);
    }
    match key::find(env, profile.name, file) {
        Ok(Some((secret, source))) => (Some(secret), source),
        Ok(None) => {
            let (variable, credential) = (key::variable(profile.name), key::credential(profile.name));
            section.mistake(
                "",
                format!(
                    "{} needs a key: set {variable}, or give systemd the credential {credential}, or name an \
                     api_key_file; or say enabled = false",
                    profile.name
                ),
            );
            (None, KeySource::None)
        }
        Err(why) => {
            section.mistake(if file.is_some() { "api_key_file" } else { "" }, why);
            (None, KeySource::None)
        }
    }
}

/// A bucket smaller than one snapshot would never let one through.
fn check_budget(section: &Section<'_>, feed: &Feed) {
    let budget = feed.rest_budget();
    let (venue, cost) = (feed.profile.name, budget.snapshot_cost);
    let why =
        format!("below {cost}: that is what one snapshot costs in {venue}'s own units, which are not calls");
    if budget.refill.burst < cost {
        section.mistake("recovery", format!("burst = {} is {why}", budget.refill.burst));
    }
    if let Some(daily) = budget.daily.filter(|daily| *daily < cost) {
        section.mistake("recovery", format!("daily = {daily} is {why}"));
    }
}

/// What the venue allows one address over all its connections. A feed of another `url` is somebody else's to allow. Said at
/// the feed that is one too many, and not again at those after it.
fn check_address(section: &Section<'_>, feed: &Feed, earlier: &[Feed]) {
    let counts = |feed: &Feed| feed.enabled && feed.url == feed.profile.url;
    if !counts(feed) {
        return;
    }
    let before: Vec<&Feed> =
        earlier.iter().filter(|other| counts(other) && other.venue_name == feed.venue_name).collect();
    let check = |of: &dyn Fn(&Feed) -> usize, max: Option<usize>, key, what: &str| {
        let earlier = before.iter().map(|other| of(other)).sum::<usize>();
        let all = earlier.saturating_add(of(feed));
        if let Some(max) = max.filter(|max| earlier <= *max && all > *max) {
            let name = feed.profile.name;
            section.mistake(key, format!("{all} {what} to {name} over all feeds: at most {max} an address"));
        }
    };
    let limits = feed.profile.address;
    check(&Feed::connections, limits.connections, "symbols", "connections");
    check(
        &|feed| feed.symbols.len().saturating_mul(feed.channels.len()),
        limits.subscriptions,
        "symbols",
        "subscriptions (symbols times channels)",
    );
}
