//! `depthd symbols VENUE [PATTERN]`: what a venue has to subscribe to, asked of the venue.
//!
//! Through the same client as the daemon's own calls: its deadlines, its TLS, bounded bodies. Nothing is kept.

use crate::cli::args::SymbolsArgs;
use crate::cli::{Exit, harmless};
use crate::config::{Secret, Surroundings, check_rest_url, key_of};
use crate::shell::clock::Clock;
use crate::shell::link;
use crate::shell::resolver::Resolver;
use crate::shell::rest::RestClient;
use crate::shell::voice::Voice;
use crate::shell::wake::Wake;
use crate::venue::instrument::{Instrument, Page};
use crate::venue::{RestReply, RestRequest, Venue, Verdict};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

mod nearest;

/// The longest list known, Binance's, has some 15 MB; four times that is room to grow.
const LIST_BYTES_MAX: usize = 64 << 20;
/// Pages followed: of 250 products each, more than any venue has.
const PAGES_MAX: usize = 64;
/// Longer than any symbol.
const PATTERN_BYTES_MAX: usize = 128;
/// Shown of an answer that is no list.
const BODY_SHOWN_CHARS: usize = 200;
/// A lookup that hangs is left to the end of the process, which is now.
const LOOKUP_PATIENCE: Duration = Duration::ZERO;

/// Prints the list to `out`, one instrument a line: its symbol, and its canonical name if it has one.
pub fn run(args: &SymbolsArgs, around: &Surroundings<'_>, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let mut failed = |exit, why: &str| {
        let _ = writeln!(err, "error: {}", harmless(why));
        exit
    };
    let name = &args.venue;
    let Some(venue) = (around.venues.by_name)(name) else {
        let known = around.venues.names.join(", ");
        return failed(Exit::Usage, &format!("{name:?} is no venue; the venues are {known}"));
    };
    let pattern = args.pattern.as_deref().unwrap_or_default();
    if pattern.len() > PATTERN_BYTES_MAX {
        return failed(Exit::Usage, &format!("a PATTERN has at most {PATTERN_BYTES_MAX} bytes"));
    }
    let (requests, key) = match requests(args, venue.as_ref(), around) {
        Ok(asked) => asked,
        Err(why) => return failed(Exit::Usage, &why),
    };
    let mut list = match fetch(venue.as_ref(), requests, args.timeout) {
        Ok(list) => list,
        Err(why) => {
            // What a venue answers may repeat the key.
            let voice = Voice::new(name, key);
            return failed(Exit::Failure, &format!("no list of {name}: {}", voice.redacted(&why)));
        }
    };
    list.sort();
    list.dedup();
    let found: Vec<&Instrument> = list.iter().filter(|one| holds(one, pattern)).collect();
    if !found.is_empty() {
        // A reader that has gone away (`| head`) has seen enough.
        let _ = print(&found, out);
        return Exit::Clean;
    }
    let nearest = nearest::to(pattern, &list);
    let _ = writeln!(err, "{}", nothing(name, pattern, list.len()));
    if !nearest.is_empty() {
        let _ = writeln!(err, "the nearest:").and_then(|()| print(&nearest, err));
    }
    Exit::Failure
}

/// The calls to make, and the key in them if the venue needs one.
fn requests(
    args: &SymbolsArgs,
    venue: &dyn Venue,
    around: &Surroundings<'_>,
) -> Result<(Vec<RestRequest>, Option<Secret>), String> {
    let profile = venue.profile();
    let url = args.url.as_deref().unwrap_or(profile.rest_url);
    let open = check_rest_url(url).map_err(|why| format!("--url: {why}"))?;
    let key = if profile.needs_key { key_of(around.env, profile.name)? } else { None };
    if open && key.is_some() {
        return Err("--url is not encrypted, and the key would go with it: write https://".to_owned());
    }
    let requests = venue
        .instruments_requests(url, args.pattern.as_deref(), key.as_ref().map(Secret::reveal))
        .map_err(|why| format!("{}: {why}", profile.name))?;
    Ok((requests, key))
}

/// Makes the calls, one after the other, and the pages after them.
fn fetch(
    venue: &dyn Venue,
    requests: Vec<RestRequest>,
    timeout: Duration,
) -> Result<Vec<Instrument>, String> {
    let clock = Clock::start();
    let wake = Arc::new(Wake::new().map_err(|e: io::Error| e.to_string())?);
    let resolver = Resolver::start(clock.clone()).map_err(|e| e.to_string())?;
    let client = RestClient::new(link::tls_config(), resolver.asker(), clock, wake, timeout, 1)
        .with_bodies_of(LIST_BYTES_MAX);
    let all = requests.iter().try_fold(Vec::new(), |mut all, request| {
        pages(venue, &client, request, &mut all)?;
        Ok(all)
    });
    drop(client);
    resolver.stop(LOOKUP_PATIENCE);
    all
}

fn pages(
    venue: &dyn Venue,
    client: &RestClient,
    first: &RestRequest,
    all: &mut Vec<Instrument>,
) -> Result<(), String> {
    let mut next = first.clone();
    for _ in 0..PAGES_MAX {
        let Page { instruments, cursor } = page(venue, client, &next)?;
        all.extend(instruments);
        let Some(cursor) = cursor else { return Ok(()) };
        next.url = format!("{}&cursor={cursor}", first.url);
    }
    Err(format!("it goes on after {PAGES_MAX} pages"))
}

fn page(venue: &dyn Venue, client: &RestClient, request: &RestRequest) -> Result<Page, String> {
    let answer = client.get(request).map_err(|why| format!("{}: {why}", request.url))?;
    let reply = RestReply { status: answer.status, headers: &answer.headers, body: &answer.body };
    if venue.verdict(&reply) == Verdict::Good {
        return venue.instruments(&answer.body).map_err(|why| {
            format!("{}: the answer cannot be read: {why}: {}", request.url, shown(&answer.body))
        });
    }
    Err(format!("{}: status {}: {}", request.url, answer.status, shown(&answer.body)))
}

/// The beginning of a body.
fn shown(body: &[u8]) -> String {
    let beginning = &body[..body.len().min(BODY_SHOWN_CHARS * char::MAX_LEN_UTF8)];
    String::from_utf8_lossy(beginning).chars().take(BODY_SHOWN_CHARS).collect()
}

/// Whether either name has `pattern` in it, in whatever letter case.
fn holds(one: &Instrument, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    names(one).any(|name| name.to_lowercase().contains(&pattern))
}

fn names(one: &Instrument) -> impl Iterator<Item = String> {
    std::iter::once(one.symbol.clone()).chain(one.canonical.as_ref().map(ToString::to_string))
}

fn print(list: &[&Instrument], to: &mut dyn Write) -> io::Result<()> {
    let mut lines = String::new();
    for one in list {
        let line: Vec<String> = names(one).collect();
        lines += &line.join("  ");
        lines.push('\n');
    }
    to.write_all(lines.as_bytes()).and_then(|()| to.flush())
}

fn nothing(venue: &str, pattern: &str, total: usize) -> String {
    match total {
        0 => format!("{venue} lists nothing that could be subscribed"),
        _ => format!("none of the {total} symbols of {venue} has {pattern:?} in it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::canonical::Canonical;

    #[test]
    fn either_name_is_searched_in_any_letter_case() {
        let one = Instrument { symbol: "tBTCUST".to_owned(), canonical: Canonical::parse("BTC-USDT") };
        for pattern in ["", "btc", "BTCUST", "tbtc", "btc-usdt", "-USD"] {
            assert!(holds(&one, pattern), "{pattern}");
        }
        assert!(!holds(&one, "BTCUSDT"));
        assert!(!holds(&Instrument { canonical: None, ..one }, "btc-"));
    }

    #[test]
    fn of_a_body_the_beginning_is_shown() {
        assert_eq!(shown(b"<html>\xff"), "<html>\u{fffd}");
        assert_eq!(shown("币".repeat(10_000).as_bytes()).chars().count(), BODY_SHOWN_CHARS);
    }
}
