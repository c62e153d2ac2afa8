//! Decodes Deribit notifications: books here, the others in `events`.
//!
//! Source: <https://docs.deribit.com/subscriptions/orderbook/bookinstrument_nameinterval>

use super::route::{SUBSCRIPTION, by_channel};
use super::{events, levels};
use crate::engine::event::{BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Span};
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(book(text, &mut out.bids, &mut out.asks)?),
        Channel::Trade => {
            events::trades(text, &mut out.trades)?;
            Event::Trades
        }
        Channel::Quote => Event::Quote(events::quote(text)?),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            return Err(DecodeError::BadField("channel"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// Reads a notification of this channel; `data` reads what is inside. Answers the instrument it was routed by.
pub fn notification<'t>(
    text: &'t str,
    channel: Channel,
    mut data: impl FnMut(&mut Json<'t>) -> Result<()>,
) -> Result<&'t str> {
    let (mut method, mut params, mut name, mut has_data) = (None, None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "method" => put(&mut method, "method", json.value()?),
        "params" => {
            put(&mut params, "params", ())?;
            json.object(|key, json| match key {
                "channel" => put(&mut name, "channel", json.value()?),
                "data" => {
                    put(&mut has_data, "data", ())?;
                    data(json)
                }
                _ => json.skip(),
            })
        }
        _ => json.skip(),
    })?;
    json.end()?;
    if required(method, "method")? != Value::Text(SUBSCRIPTION) {
        return Err(DecodeError::BadField("method"));
    }
    let name = required(field::text(required(name, "channel")?, "channel")?, "channel")?;
    required(has_data, "data")?;
    match by_channel(name) {
        Some((symbol, of)) if of == channel => Ok(symbol),
        _ => Err(DecodeError::BadField("channel")),
    }
}

/// A notification names its instrument once more inside.
pub fn check_symbol(inside: Option<Value<'_>>, routed: &str) -> Result<()> {
    match required(inside, "instrument_name")? {
        Value::Text(name) if name == routed => Ok(()),
        Value::Text(_) => Err(DecodeError::WrongSymbol),
        _ => Err(DecodeError::BadField("instrument_name")),
    }
}

pub fn whole(value: Option<Value<'_>>, name: &'static str) -> Result<u64> {
    required(field::whole(required(value, name)?, name)?, name)
}

/// `change_id` is where the book stands after the message; a change names the one before it, a snapshot need not.
fn book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut kind, mut symbol, mut time) = (None, None, None);
    let (mut id, mut previous, mut has_bids, mut has_asks) = (None, None, None, None);
    let routed = notification(text, Channel::Book, |json| {
        json.object(|key, json| match key {
            "type" => put(&mut kind, "type", json.value()?),
            "instrument_name" => put(&mut symbol, "instrument_name", json.value()?),
            "timestamp" => put(&mut time, "timestamp", field::millis(json.value()?, "timestamp")?),
            "change_id" => put(&mut id, "change_id", json.value()?),
            "prev_change_id" => put(&mut previous, "prev_change_id", json.value()?),
            "bids" => {
                put(&mut has_bids, "bids", ())?;
                levels::read(json, "bids", bids)
            }
            "asks" => {
                put(&mut has_asks, "asks", ())?;
                levels::read(json, "asks", asks)
            }
            _ => json.skip(),
        })
    })?;
    check_symbol(symbol, routed)?;
    required(has_bids, "bids")?;
    required(has_asks, "asks")?;
    let id = whole(id, "change_id")?;
    let (kind, span) = match required(kind, "type")? {
        Value::Text("snapshot") => (BookKind::Snapshot, Span::at(id)),
        Value::Text("change") => {
            let previous = Some(whole(previous, "prev_change_id")?);
            (BookKind::Delta, Span { first: id, last: id, previous })
        }
        _ => return Err(DecodeError::BadField("type")),
    };
    Ok(BookEvent {
        cross: None,
        kind,
        span: Some(span),
        exchange_time: time.flatten(),
        checksum: None,
        venue_time: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Wall;

    const SNAPSHOT: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"timestamp":1786563084954,"type":"snapshot","change_id":169600103289,"instrument_name":"BTC-PERPETUAL","bids":[["new",63324.5,372280],["new",63324,1360]],"asks":[["new",63325,7730],["new",63330,220]]}}}"#;
    const CHANGE: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"timestamp":1786563085228,"type":"change","change_id":169600103676,"instrument_name":"BTC-PERPETUAL","bids":[["delete",62533,0]],"asks":[["change",63350.5,8250],["change",63353,10],["delete",64116.5,0],["change",94987.5,20]],"prev_change_id":169600103289}}}"#;

    fn decoded(text: &str) -> Result<Decoded> {
        let mut out = Decoded::default();
        decode(Channel::Book, text, &mut out).map(|()| out)
    }

    fn shown(levels: &[Level]) -> Vec<String> {
        levels.iter().map(|l| format!("{} {}", l.price, l.size)).collect()
    }

    /// Vector V1 of the dossier: recorded in 2026.
    #[test]
    fn recorded_books_are_read() {
        let out = decoded(SNAPSHOT).unwrap();
        let want = BookEvent {
            cross: None,
            kind: BookKind::Snapshot,
            span: Some(Span::at(169_600_103_289)),
            exchange_time: Wall::from_millis(1_786_563_084_954),
            checksum: None,
            venue_time: None,
        };
        assert_eq!(out.event, Some(Event::Book(want)));
        assert_eq!(shown(&out.bids), ["63324.5 372280", "63324 1360"]);
        assert_eq!(shown(&out.asks), ["63325 7730", "63330 220"]);
    }

    #[test]
    fn changes_are_read_in_any_order_and_form() {
        let span = Span { first: 169_600_103_676, last: 169_600_103_676, previous: Some(169_600_103_289) };
        for text in [
            CHANGE.to_owned(),
            CHANGE.replace(",", " , ").replace("100ms", "raw"),
            CHANGE.replace("169600103676", "\"169600103676\"").replace("62533,0", "6.2533e4,0.0"),
            r#"{"params":{"data":{"asks":[["change",63350.50,8250.0],["change",63353,10],["delete",64116.5,0],["change",94987.5,20]],"prev_change_id":169600103289,"new":{"x":[]},"bids":[["delete",62533,0]],"instrument_name":"BTC-PERPETUAL","change_id":169600103676,"type":"change","timestamp":1786563085228},"channel":"book.BTC-PERPETUAL.100ms"},"method":"subscription","jsonrpc":"2.0"}"#.to_owned(),
        ] {
            let out = decoded(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let Some(Event::Book(event)) = out.event else { panic!("a book") };
            assert_eq!((event.kind, event.span), (BookKind::Delta, Some(span)), "{text}");
            assert_eq!(event.exchange_time, Wall::from_millis(1_786_563_085_228), "{text}");
            assert_eq!(shown(&out.bids), ["62533 0"], "{text}");
            assert_eq!(shown(&out.asks), ["63350.5 8250", "63353 10", "64116.5 0", "94987.5 20"], "{text}");
        }
    }

    #[test]
    fn a_snapshot_may_say_that_nothing_was_before_it() {
        let text = SNAPSHOT.replace(r#""bids""#, r#""prev_change_id":null,"bids""#);
        let Some(Event::Book(event)) = decoded(&text).unwrap().event else { panic!("a book") };
        assert_eq!(event.span, Some(Span::at(169_600_103_289)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        use DecodeError::*;
        for (from, to, want) in [
            (r#","prev_change_id":169600103289"#, "", MissingField("prev_change_id")),
            (r#":169600103289"#, ":null", MissingField("prev_change_id")),
            (r#":169600103289"#, ":-1", BadField("prev_change_id")),
            (r#":169600103676"#, ":169600103676.5", BadField("change_id")),
            (r#":169600103676"#, ":18446744073709551616", BadField("change_id")),
            (r#""change_id":169600103676,"#, "", MissingField("change_id")),
            (r#""change_id":169600103676"#, r#""change_id":1,"change_id":1"#, BadField("change_id")),
            (r#""type":"change""#, r#""type":"news""#, BadField("type")),
            (r#""type":"change","#, "", MissingField("type")),
            (r#""instrument_name":"BTC-PERPETUAL","#, "", MissingField("instrument_name")),
            (r#""instrument_name":"BTC-PERPETUAL""#, r#""instrument_name":"ETH-PERPETUAL""#, WrongSymbol),
            (r#""instrument_name":"BTC-PERPETUAL""#, r#""instrument_name":1"#, BadField("instrument_name")),
            ("book.BTC-PERPETUAL.100ms", "trades.BTC-PERPETUAL.100ms", BadField("channel")),
            ("book.BTC-PERPETUAL.100ms", "book.BTC-PERPETUAL.none.1.100ms", BadField("channel")),
            (r#""channel":"book.BTC-PERPETUAL.100ms","#, "", MissingField("channel")),
            (r#""method":"subscription","#, "", MissingField("method")),
            (r#""method":"subscription""#, r#""method":"heartbeat""#, BadField("method")),
            (r#""data":{"#, r#""data":{},"data":{"#, BadField("data")),
            (r#""data":{"#, r#""old":{"#, MissingField("data")),
            (r#""params":{"#, r#""params":{},"params":{"#, BadField("params")),
            (r#""bids":[["delete",62533,0]],"#, "", MissingField("bids")),
            (r#""bids":[["delete",62533,0]]"#, r#""bids":null"#, BadField("bids")),
            (r#""delete",62533"#, r#""remove",62533"#, BadField("bids")),
            (r#""asks":["#, r#""asks":[],"asks":["#, BadField("asks")),
            ("1786563085228", "true", BadField("timestamp")),
            ("63350.5", "1e40", DoesNotFit("asks")),
        ] {
            let text = CHANGE.replacen(from, to, 1);
            assert_ne!(text, CHANGE, "{from} is in the sample");
            assert_eq!(decoded(&text).err(), Some(want), "{text}");
        }
        let mut out = Decoded::default();
        assert_eq!(decode(Channel::Book5, CHANGE, &mut out), Err(BadField("channel")));
        for text in ["", "[]", "<html>", "\u{1f}", r#"{"params":[]}"#, &"[".repeat(10_000)] {
            assert_eq!(decoded(text).err(), Some(Json), "{text}");
        }
    }

    #[test]
    fn a_cut_frame_is_refused_wherever_it_is_cut() {
        for text in [SNAPSHOT, CHANGE] {
            for cut in 0..text.len() {
                assert!(decoded(&text[..cut]).is_err(), "{cut}");
            }
        }
    }
}
