//! Damaged frames and answers against every entrance of every venue: nothing panics, and nothing that is not JSON
//! is taken for data.

use depthd::engine::event::{Channel, Decoded};
use depthd::venue::handles::Handles;
use depthd::venue::{RestReply, Route, Venue, catalog};

const SAMPLES: [&str; 12] = [
    r#"{"type":"book","symbol_id":"A_SPOT_B_C","sequence":2,"time_exchange":"2013-09-28T22:40:50.1Z","time_coinapi":"2017-03-18T22:42:21.4763342Z","is_snapshot":false,"asks":[{"price":456.35,"size":0}],"bids":[{"size":1e2,"price":"7"}]}"#,
    r#"{"asks":null,"bids":[{"price":1,"size":2,"id":null}],"time_coinapi":"2017-03-18T22:42:21Z","symbol_id":"A_SPOT_B_C","sequence":7,"type":"book5"}"#,
    r#"{"type":"trade","symbol_id":"X","sequence":1,"uuid":"770C7A3B","price":770.000000000,"size":0.05,"taker_side":"BUY"}"#,
    r#"{"type":"quote","symbol_id":"X","sequence":1,"ask_price":770.0,"ask_size":3252,"bid_price":760,"bid_size":124}"#,
    r#"{"type":"reconnect","within_seconds":10,"before_time":"2020-08-06T19:19:09.7035429Z"}"#,
    r#"{"type":"error","message":"Invalid \"API\" \u006bey"}"#,
    r#"{"symbol_id":"A_SPOT_B_C","time_exchange":"2026-09-24T09:10:36.0854790Z","time_coinapi":"2026-09-24T09:10:36.1734713Z","asks":[{"price":83556.6,"size":0.01675362}],"bids":[]}"#,
    r#"{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[[1.5,2e3]]}}"#,
    r#"{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}"#,
    r#"{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#,
    r#"{"id":7,"error":{"code":-1003,"msg":"Too many \\ requests"}}"#,
    r#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}"#,
];

/// What a byte, or a value, is replaced with.
const REPLACEMENTS: [&str; 14] = [
    "",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "0",
    "-",
    "é",
    "\u{0}",
    "99999999999999999999999999999999",
];

/// What a value is replaced with.
const VALUES: [&str; 8] = ["null", "true", "-1", "1e999", "\"\"", "\"\\ud800\"", "[[[]]]", "{\"a\":{}}"];

#[test]
fn damage_at_any_byte_is_survived_and_never_decodes_what_is_not_json() {
    for sample in SAMPLES {
        enter(sample);
        for at in 0..sample.len() {
            enter(&sample[..at]);
            enter(&sample[at..]);
            for replacement in REPLACEMENTS {
                enter(&format!("{}{replacement}{}", &sample[..at], &sample[at + 1..]));
            }
        }
    }
}

#[test]
fn values_of_other_types_are_survived() {
    for sample in SAMPLES {
        for (at, _) in sample.match_indices(':') {
            let rest = &sample[at + 1..];
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            for value in VALUES {
                enter(&format!("{}{value}{}", &sample[..=at], &rest[end..]));
            }
        }
    }
}

#[test]
fn deep_and_long_input_is_survived() {
    for unit in ["[", "{\"a\":", "{\"data\":", "{\"error\":", "{\"stream\":\"", "\\\"", "\"", "1"] {
        enter(&unit.repeat(200_000));
    }
}

/// Shows `text` to everything that reads what a network sent.
fn enter(text: &str) {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    for venue in catalog::NAMES.map(|name| catalog::by_name(name).expect("a known venue")) {
        let _ = venue.control(text);
        match venue.route(text, Handles::NONE) {
            Route::Data { symbol, .. } => assert!(text.contains(symbol)),
            Route::Parts => {
                let read = venue.parts(text, &mut |symbol, _, part| {
                    assert!(text.contains(symbol) && text.contains(part));
                });
                assert!(read.is_err() || is_json, "{text}");
            }
            Route::Malformed(_) => {}
            Route::Control | Route::Unused | Route::Unknown => assert!(is_json, "{text}"),
        }
        for channel in Channel::ALL {
            let mut out = Decoded::default();
            if venue.decode(channel, text, &mut out).is_ok() {
                assert!(is_json && out.event.is_some(), "{text}");
            }
        }
        assert!(venue.snapshot("A_SPOT_B_C", text.as_bytes()).is_err() || is_json, "{text}");
        answer(&*venue, text);
    }
}

fn answer(venue: &dyn Venue, text: &str) {
    let headers = ["retry-after", "x-mbx-used-weight-1m", "x-wshelloperiplimit-retryafterms"]
        .map(|name| (name.to_owned(), text.to_owned()));
    for status in [200, 400, 403, 429, 550] {
        let reply = RestReply { status, headers: &headers, body: text.as_bytes() };
        let _ = (
            venue.verdict(&reply),
            venue.used_budget(&reply),
            venue.upgrade_refused(&reply, Default::default()),
        );
    }
}
