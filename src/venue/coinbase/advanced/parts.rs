//! Takes apart a frame of several events or products.
//!
//! A part is one event of a book, one ticker, or the trades of one product that stand side by side: the text from the first
//! to the last of them, which the decoder reads as a list without brackets.

use super::route::channel;
use crate::engine::event::{Channel, DecodeError};
use crate::venue::Parts;
use crate::venue::field::{put, required};
use crate::venue::json::{Json, Value};

pub fn parts<'f>(text: &'f str, part: &mut Parts<'_, 'f>) -> Result<(), DecodeError> {
    // The channel may stand behind the events.
    let (mut name, mut events) = (None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "channel" => put(&mut name, "channel", json.value()?),
        "events" => {
            put(&mut events, "events", json.clone())?;
            json.skip()
        }
        _ => json.skip(),
    })?;
    json.end()?;
    let Value::Text(name) = required(name, "channel")? else { return Err(DecodeError::BadField("channel")) };
    let channel = channel(name).ok_or(DecodeError::BadField("channel"))?;
    let mut events = required(events, "events")?;
    events.array(|json| match channel {
        Channel::Book => {
            let (symbol, event) = object(text, json)?;
            part(required(symbol, "product_id")?, channel, event);
            Ok(())
        }
        _ => json.object(|key, json| match key {
            "trades" if json.peek() == Some(b'[') => {
                runs(text, json, |symbol, run| part(symbol, channel, run))
            }
            "tickers" if json.peek() == Some(b'[') => json.array(|json| {
                let (symbol, ticker) = object(text, json)?;
                part(required(symbol, "product_id")?, channel, ticker);
                Ok(())
            }),
            _ => json.skip(),
        }),
    })
}

/// Reads an object: its product and its text.
fn object<'f>(text: &'f str, json: &mut Json<'f>) -> Result<(Option<&'f str>, &'f str), DecodeError> {
    json.peek(); // over white space
    let (from, mut symbol) = (json.position(), None);
    json.object(|key, json| match key {
        "product_id" => put(&mut symbol, "product_id", json.value()?),
        _ => json.skip(),
    })?;
    let symbol = match symbol {
        Some(Value::Text(symbol)) => Some(symbol),
        Some(_) => return Err(DecodeError::BadField("product_id")),
        None => None,
    };
    Ok((symbol, text.get(from..json.position()).ok_or(DecodeError::Json)?))
}

/// Hands out neighbors of one product together.
fn runs<'f>(
    text: &'f str,
    json: &mut Json<'f>,
    mut each: impl FnMut(&'f str, &'f str),
) -> Result<(), DecodeError> {
    let mut run: Option<(&'f str, usize, usize)> = None;
    let mut hand_out = |run: Option<(&'f str, usize, usize)>| {
        if let Some((symbol, from, to)) = run {
            each(symbol, text.get(from..to).ok_or(DecodeError::Json)?);
        }
        Ok(())
    };
    json.array(|json| {
        let (symbol, item) = object(text, json)?;
        let (symbol, to) = (required(symbol, "product_id")?, json.position());
        run = match run {
            Some((of, from, _)) if of == symbol => Some((of, from, to)),
            done => {
                hand_out(done)?;
                Some((symbol, to - item.len(), to))
            }
        };
        Ok(())
    })?;
    hand_out(run)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{TICKER, TRADES, UPDATE};
    use super::*;

    fn taken(text: &str) -> Result<Vec<(&str, Channel, &str)>, DecodeError> {
        let mut out = Vec::new();
        parts(text, &mut |symbol, channel, part| out.push((symbol, channel, part))).map(|()| out)
    }

    #[test]
    fn events_come_one_by_one_and_neighbors_together() {
        let book = r#"{"events":[{"updates":[],"product_id":"A-B"} , {"product_id":"C-D"},{"product_id":"A-B","x":{}}],"channel":"l2_data"}"#;
        assert_eq!(
            taken(book).unwrap(),
            [
                ("A-B", Channel::Book, r#"{"updates":[],"product_id":"A-B"}"#),
                ("C-D", Channel::Book, r#"{"product_id":"C-D"}"#),
                ("A-B", Channel::Book, r#"{"product_id":"A-B","x":{}}"#),
            ]
        );
        let trades = r#"{"channel":"market_trades","events":[{"trades":[{"product_id":"A-B","n":1}, {"n":2,"product_id":"A-B"},{"product_id":"C-D"}]},{"type":"x","trades":[]},{"trades":[{"product_id":"C-D","n":3}]}]}"#;
        assert_eq!(
            taken(trades).unwrap(),
            [
                ("A-B", Channel::Trade, r#"{"product_id":"A-B","n":1}, {"n":2,"product_id":"A-B"}"#),
                ("C-D", Channel::Trade, r#"{"product_id":"C-D"}"#),
                ("C-D", Channel::Trade, r#"{"product_id":"C-D","n":3}"#),
            ]
        );
        let [(symbol, channel, part)] = taken(TICKER).unwrap()[..] else { panic!("one part") };
        assert_eq!((symbol, channel), ("BTC-USD", Channel::Quote));
        assert!(part.starts_with(r#"{"type":"ticker","#) && part.ends_with(r#""0.49990114"}"#));
    }

    #[test]
    fn what_cannot_be_taken_apart_is_refused() {
        use DecodeError::{BadField, Json, MissingField};
        for (text, want) in [
            ("", Json),
            (r#"{"channel":"l2_data"}"#, MissingField("events")),
            (r#"{"events":[]}"#, MissingField("channel")),
            (r#"{"channel":7,"events":[]}"#, BadField("channel")),
            (r#"{"channel":"status","events":[]}"#, BadField("channel")),
            (r#"{"channel":"l2_data","events":[],"events":[]}"#, BadField("events")),
            (r#"{"channel":"l2_data","events":[{}]}"#, MissingField("product_id")),
            (r#"{"channel":"l2_data","events":[{"product_id":1}]}"#, BadField("product_id")),
            (r#"{"channel":"ticker","events":[{"tickers":[{}]}]}"#, MissingField("product_id")),
            (r#"{"channel":"ticker","events":[7]}"#, Json),
        ] {
            assert_eq!(taken(text), Err(want), "{text}");
        }
        for text in [UPDATE, TRADES, TICKER] {
            assert!((0..text.len()).all(|cut| taken(&text[..cut]).is_err()));
        }
    }
}
