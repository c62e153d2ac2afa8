//! Finds whose a frame is: arrays by the number of their stream, objects are about the connection.
//!
//! Source: <https://docs.bitfinex.com/docs/ws-general>, <https://docs.bitfinex.com/reference/ws-public-trades>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::handles::Handles;
use crate::venue::json::{Json, Value};

pub fn route<'f>(text: &'f str, handles: &'f Handles) -> Route<'f> {
    quick(text, handles).unwrap_or_else(|| match read(text, handles) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

/// The frames that nearly all are, by their first few bytes.
fn quick<'f>(text: &'f str, handles: &'f Handles) -> Option<Route<'f>> {
    let mut json = Json::new(text);
    let number = json.literal("[").then(|| json.plain_whole())??;
    if !json.literal(",") {
        return None;
    }
    let said = match json.peek()? {
        b'[' => Said::List,
        _ => Said::Word(json.plain_text()?),
    };
    match place(number, said, handles) {
        Route::Unknown | Route::Unused => None, // which is to be well formed
        route => Some(route),
    }
}

/// What a frame says, as far as it matters for whose it is.
#[derive(Clone, Copy)]
enum Said<'f> {
    List,
    Word(&'f str),
    Else,
}

fn place<'f>(number: u64, said: Said<'_>, handles: &'f Handles) -> Route<'f> {
    if let Said::Word("hb") = said {
        return Route::Control;
    }
    match (handles.stream(number), said) {
        (Some((symbol, Channel::Book)), Said::List | Said::Word("cs")) => {
            Route::Data { symbol, channel: Channel::Book }
        }
        // Each trade comes twice, as executed and (`tu`) once more with details that are not used. The list that
        // comes first is of the past, and comes again with every connection.
        (Some((symbol, Channel::Trade)), Said::Word("te")) => Route::Data { symbol, channel: Channel::Trade },
        (Some((_, Channel::Trade)), Said::List | Said::Word("tu")) => Route::Unused,
        // Late messages of a stream that was left, too.
        _ => Route::Unknown,
    }
}

/// The slow way: the whole frame.
fn read<'f>(text: &'f str, handles: &'f Handles) -> Result<Route<'f>, DecodeError> {
    let mut json = Json::new(text);
    if json.peek() == Some(b'{') {
        let mut event = None;
        json.object(|key, json| match key {
            "event" => put(&mut event, "event", json.value()?),
            _ => json.skip(),
        })?;
        json.end()?;
        return match event {
            Some(Value::Text(_)) => Ok(Route::Control),
            Some(_) => Err(DecodeError::BadField("event")),
            None => Ok(Route::Unknown),
        };
    }
    let (mut items, mut number, mut said) = (0u64, None, Said::Else);
    json.array(|json| {
        items += 1;
        match (items, json.peek()) {
            (1, _) => {
                if let Value::Number(digits) = json.value()? {
                    number = digits.parse().ok();
                }
            }
            (2, Some(b'[')) => {
                said = Said::List;
                json.skip()?;
            }
            (2, _) => {
                if let Value::Text(word) = json.value()? {
                    said = Said::Word(word);
                }
            }
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    Ok(number.map_or(Route::Unknown, |number| place(number, said, handles)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_placed_by_the_number_of_their_stream() {
        let mut handles = Handles::default();
        handles.bind(225_206, "tDOGUSD", Channel::Book);
        handles.bind(17_470, "tBTCUSD", Channel::Trade);
        let book = Route::Data { symbol: "tDOGUSD", channel: Channel::Book };
        let trade = Route::Data { symbol: "tBTCUSD", channel: Channel::Trade };
        let malformed = Route::Malformed(DecodeError::Json);
        for (text, want) in [
            (r#"[225206,[[277520,1,0.00383141],[277510,1,0.027]],12]"#, book),
            (r#"[225206,[215350,0,1],18]"#, book),
            (r#"[225206,"cs",-1175357890,19]"#, book),
            (" [ 225206 ,\n[ 215350 , 0 , 1 ] , 18 ] ", book),
            (r#"[17470,"te",[401597395,1574694478808,0.005,7245.3],12]"#, trade),
            (r#"[ 17470, "te",[401597395,1574694478808,0.005,7245.3],12]"#, trade),
            (r#"[17470,"tu",[401597395,1574694478808,0.005,7245.3],13]"#, Route::Unused),
            (r#"[17470,[[401597395,1574694478808,0.005,7245.3]],12]"#, Route::Unused),
            (r#"[17470,"cs",1,12]"#, Route::Unknown),
            (r#"[225206,"te",[1,2,3,4],12]"#, Route::Unknown),
            (r#"[225206,null,12]"#, Route::Unknown),
            (r#"[225206]"#, Route::Unknown),
            (r#"[225206,"hb",20]"#, Route::Control),
            (r#"[999,"hb",20]"#, Route::Control),
            (r#"[ 999 , "hb" ]"#, Route::Control),
            // Of a stream that nobody bound, or whose number is none.
            (r#"[232949,[0.068965,60157.36709703,0.0774,48578.50804052],1]"#, Route::Unknown),
            (r#"["225206",[215350,0,1],18]"#, Route::Unknown),
            (r#"[-225206,[215350,0,1],18]"#, Route::Unknown),
            (r#"[225206.0,[215350,0,1],18]"#, Route::Unknown),
            (r#"[2252060000000000000000000,[215350,0,1],18]"#, Route::Unknown),
            (r#"[]"#, Route::Unknown),
            (r#"{"event":"info","version":2}"#, Route::Control),
            (r#" {"code":20051 , "event" : "info"} "#, Route::Control),
            (r#"{"channel":"book"}"#, Route::Unknown),
            (r#"{"event":7}"#, Route::Malformed(DecodeError::BadField("event"))),
            (r#"{"event":"a","event":"b"}"#, Route::Malformed(DecodeError::BadField("event"))),
            (r#"[232949,[0.068965,"#, malformed),
            (r#"[0225206,[1,2,3],18]"#, malformed),
            (r#"{"event":"#, malformed),
            ("7", malformed),
            ("", malformed),
            ("<html>", malformed),
        ] {
            assert_eq!(route(text, &handles), want, "{text}");
        }
    }
}
