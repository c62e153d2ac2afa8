//! What Binance says about the connection, against the slow reader.

use crate::coinapi_control::{bounded, is_scalar, last_text, message};
use crate::coinapi_frame::placed;
use crate::slow::{self, Members};
use depthd::venue::binance::Binance;
use depthd::venue::handles::Handles;
use depthd::venue::{Control, Venue};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    placed(&Binance, text);
    let control = Binance.control(text);
    let Some(outer) = Members::of(text).filter(|_| slow::nesting(text) <= 64) else {
        return assert_eq!(control, Control::Other);
    };
    // An error may be wrapped once; its members count where they stand.
    let (mut members, mut wrapped) = (Members::default(), false);
    for (key, raw) in outer.0 {
        match Members::of(&raw).filter(|_| key == "error") {
            Some(inner) => {
                members.0.extend(inner.0);
                wrapped = true;
            }
            None => members.0.push((key, raw)),
        }
    }
    let any = |name: &str, value: &str| {
        members.0.iter().any(|(key, raw)| key == name && slow::text(raw) == Some(value))
    };
    let number = |name: &str, quoted: bool| {
        let fits = |raw: &str| is_scalar(raw) && (quoted || !raw.starts_with('"'));
        members.0.iter().rfind(|(key, raw)| key == name && fits(raw))
    };
    let code = number("code", false);
    let expected = if any("stream", "!serverShutdown") || any("e", "serverShutdown") {
        Control::Reconnect { within: None }
    } else if wrapped || code.is_some() {
        let message = message(last_text(&members, "msg").unwrap_or_default());
        match code.and_then(|(_, raw)| raw.parse::<i64>().ok()) {
            Some(0..=3) => Control::Fatal { message },
            _ => Control::Error { message },
        }
    } else if members.0.iter().any(|(key, _)| key == "result") {
        let id = number("id", true).and_then(|(_, raw)| slow::scalar(Some(raw))?.parse().ok());
        Control::Ack { id, granted: None }
    } else {
        Control::Other
    };
    assert_eq!(control, expected);
    bounded(&control);
}

pub fn work(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        drop((
            Binance.control(text),
            matches!(Binance.route(text, Handles::NONE), depthd::venue::Route::Control),
        ));
    }
}
