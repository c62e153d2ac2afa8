//! Decodes Kraken data frames: book messages here, the others in `events`.
//!
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book>

use super::{events, levels};
use crate::engine::event::{BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level};
use crate::engine::time::Wall;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(match plain_book(text, &mut out.bids, &mut out.asks) {
            Some(event) => event,
            None => {
                out.clear();
                book(text, &mut out.bids, &mut out.asks)?
            }
        }),
        Channel::Trade => {
            events::trades(text, &mut out.trades)?;
            Event::Trades
        }
        Channel::Quote => Event::Quote(events::quote(text)?),
        Channel::Instrument => Event::Precision(events::precision(text)?),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation => {
            return Err(DecodeError::BadField("channel"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// Reads a book message in the one form that all of them are sent in, key by key as the documents show it. `None`, with who
/// knows what in the vectors, leaves it to [`book`].
fn plain_book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<BookEvent> {
    let mut json = Json::new(text);
    let kind = kind_named(json.literal(r#"{"channel":"book","type":"#).then(|| json.plain_text())??)?;
    json.literal(r#","data":[{"symbol":"#).then(|| json.plain_text())??;
    json.literal(r#","bids":"#).then(|| levels::plain(&mut json, bids))??;
    json.literal(r#","asks":"#).then(|| levels::plain(&mut json, asks))??;
    let sum = json.literal(r#","checksum":"#).then(|| json.plain_whole())??;
    let time = json.literal(r#","timestamp":"#).then(|| json.plain_text())??;
    let good = json.literal("}]}") && json.bytes_left() == 0;
    let checksum = Some(u32::try_from(sum).ok().filter(|_| good)?);
    Some(BookEvent {
        cross: None,
        kind,
        span: None,
        exchange_time: Wall::parse(time),
        checksum,
        venue_time: None,
    })
}

fn book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut name, mut kind, mut data, mut entry) = (None, None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "channel" => put(&mut name, "channel", json.value()?),
        "type" => put(&mut kind, "type", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            // Each message is of one book.
            json.array(|json| put(&mut entry, "data", Entry::read(json, bids, asks)?))
        }
        _ => json.skip(),
    })?;
    json.end()?;
    if required(name, "channel")? != Value::Text("book") {
        return Err(DecodeError::BadField("channel"));
    }
    let kind = match required(kind, "type")? {
        Value::Text(kind) => kind_named(kind),
        _ => None,
    };
    let entry = required(entry, "data")?;
    Ok(BookEvent {
        cross: None,
        kind: kind.ok_or(DecodeError::BadField("type"))?,
        span: None,
        exchange_time: entry.time,
        checksum: Some(entry.checksum),
        venue_time: None,
    })
}

fn kind_named(name: &str) -> Option<BookKind> {
    match name {
        "snapshot" => Some(BookKind::Snapshot),
        "update" => Some(BookKind::Delta),
        _ => None,
    }
}

/// What a book message says besides its levels.
struct Entry {
    /// Of the state after the message: nothing else says that none was lost, so it must be there.
    checksum: u32,
    time: Option<Wall>,
}

impl Entry {
    fn read(json: &mut Json<'_>, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<Entry> {
        let (mut symbol, mut sum, mut time, mut has_bids, mut has_asks) = (None, None, None, None, None);
        json.object(|key, json| match key {
            "symbol" => put(&mut symbol, "symbol", field::text(json.value()?, "symbol")?),
            "bids" => {
                put(&mut has_bids, "bids", ())?;
                levels::read(json, "bids", bids)
            }
            "asks" => {
                put(&mut has_asks, "asks", ())?;
                levels::read(json, "asks", asks)
            }
            "checksum" => put(&mut sum, "checksum", field::whole(json.value()?, "checksum")?),
            "timestamp" => put(&mut time, "timestamp", field::time(json.value()?, "timestamp")?),
            _ => json.skip(),
        })?;
        required(symbol.flatten(), "symbol")?;
        required(has_bids, "bids")?;
        required(has_asks, "asks")?;
        let checksum = u32::try_from(required(sum.flatten(), "checksum")?);
        let checksum = checksum.map_err(|_| DecodeError::BadField("checksum"))?;
        Ok(Entry { checksum, time: time.flatten() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded: the first update of the dossier's second vector.
    const UPDATE: &str = r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":85601.6,"qty":0},{"price":85608.0,"qty":0.04358176}],"checksum":3973935795,"timestamp":"2026-10-06T08:04:56.153890Z"}]}"#;

    fn decoded(text: &str) -> Result<Decoded> {
        let mut out = Decoded::default();
        decode(Channel::Book, text, &mut out).map(|()| out)
    }

    fn shown(levels: &[Level]) -> Vec<String> {
        levels.iter().map(|l| format!("{} {}", l.price, l.size)).collect()
    }

    #[test]
    fn book_messages_are_read_in_any_order_and_form() {
        for text in [
            UPDATE.to_owned(),
            UPDATE.replace(",", " , "),
            UPDATE.replace("85601.6", "8.56016e4").replace("3973935795", "\"3973935795\""),
            r#"{"data":[{"timestamp":"2026-10-06T08:04:56.153890Z","checksum":3973935795,"asks":[{"qty":0.0,"price":85601.60},{"qty":4.358176E-2,"price":85608}],"new":[{}],"bids":[],"symbol":"BTC/USD"}],"type":"update","channel":"book"}"#.to_owned(),
        ] {
            let mut out = decoded(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            // Twice: once there is room, the quick way is taken.
            for _ in 0..2 {
                let want = BookEvent { cross: None,
                    kind: BookKind::Delta,
                    span: None,
                    exchange_time: Wall::parse("2026-10-06T08:04:56.153890Z"),
                    checksum: Some(3_973_935_795),
                    venue_time: None,
                };
                assert_eq!(out.event, Some(Event::Book(want)), "{text}");
                assert_eq!(shown(&out.asks), ["85601.6 0", "85608 0.04358176"], "{text}");
                assert!(out.bids.is_empty());
                out.clear();
                decode(Channel::Book, &text, &mut out).unwrap();
            }
        }
        let snapshot = UPDATE.replace("update", "snapshot");
        let Some(Event::Book(event)) = decoded(&snapshot).unwrap().event else { panic!("a book") };
        assert_eq!(event.kind, BookKind::Snapshot);
        let timeless = UPDATE.replace(r#","timestamp":"2026-10-06T08:04:56.153890Z""#, "");
        let Some(Event::Book(event)) = decoded(&timeless).unwrap().event else { panic!("a book") };
        assert_eq!((event.exchange_time, event.checksum), (None, Some(3_973_935_795)));
    }

    #[test]
    fn the_usual_form_is_read_the_quick_way() {
        let (mut bids, mut asks) = (Vec::new(), Vec::with_capacity(2));
        assert!(plain_book(UPDATE, &mut bids, &mut asks).is_some());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        use DecodeError::*;
        for (from, to, want) in [
            (r#""checksum":3973935795,"#, "", MissingField("checksum")),
            ("3973935795", "null", MissingField("checksum")),
            ("3973935795", "4294967296", BadField("checksum")),
            ("3973935795", "-1", BadField("checksum")),
            ("3973935795", "3973935795.0", BadField("checksum")),
            (r#""bids":[],"#, "", MissingField("bids")),
            (r#""bids":[]"#, r#""bids":null"#, BadField("bids")),
            (r#""bids":[]"#, r#""bids":[],"bids":[]"#, BadField("bids")),
            (r#""asks":["#, r#""offers":["#, MissingField("asks")),
            (r#""symbol":"BTC/USD","#, "", MissingField("symbol")),
            (r#""BTC/USD""#, "{}", BadField("symbol")),
            (r#""update""#, r#""delete""#, BadField("type")),
            (r#""type":"update","#, "", MissingField("type")),
            (r#""channel":"book""#, r#""channel":"level3""#, BadField("channel")),
            (r#""channel":"book","#, "", MissingField("channel")),
            (r#"{"channel""#, r#"{"data":[],"channel""#, BadField("data")),
            (r#"Z"}]}"#, r#"Z"},{"symbol":"A/B","bids":[],"asks":[],"checksum":1}]}"#, BadField("data")),
            (r#""2026-10-06T08:04:56.153890Z""#, "5", BadField("timestamp")),
            ("0.04358176", "0.00000000000000000000000000001", DoesNotFit("asks")),
            ("0.04358176", r#""x""#, BadField("asks")),
        ] {
            let text = UPDATE.replacen(from, to, 1);
            assert_ne!(text, UPDATE, "{from} is in the sample");
            assert_eq!(decoded(&text).err(), Some(want), "{text}");
        }
        let mut out = Decoded::default();
        assert_eq!(decode(Channel::Book5, UPDATE, &mut out), Err(BadField("channel")));
        assert_eq!(
            decoded(r#"{"channel":"book","type":"update","data":[]}"#).err(),
            Some(MissingField("data"))
        );
        for text in ["", "[]", "<html>", "\u{1f}", "{\"channel\":\"book\"", &"[".repeat(10_000)] {
            assert_eq!(decoded(text).err(), Some(Json), "{text}");
        }
    }

    #[test]
    fn a_cut_frame_is_refused_wherever_it_is_cut() {
        for cut in 0..UPDATE.len() {
            assert!(decoded(&UPDATE[..cut]).is_err(), "{cut}");
        }
    }
}
