//! Reads a side of a Kraken book: `[{"price":…,"qty":…},…]`.

use crate::engine::event::{DecodeError, Level};
use crate::venue::field::{LEVELS_PER_SIDE_MAX, next_decimal, put, required};
use crate::venue::json::Json;
use crate::venue::side;

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads a list of levels into `into`. It must be a list: anything else would pass for an empty side. One level may come
/// more than once, and the last of it counts.
pub fn read(json: &mut Json<'_>, name: &'static str, into: &mut Vec<Level>) -> Result<()> {
    side::read(json, name, into, plain_level, |json| level(json, name))
}

/// Reads a list that has the form they mostly have, and for which there is room. `None` for any other, and then how much was
/// read and put in is unknown.
pub fn plain(json: &mut Json<'_>, into: &mut Vec<Level>) -> Option<()> {
    if !json.literal("[") {
        return None;
    }
    if json.literal("]") {
        return Some(());
    }
    while into.len() < into.capacity().min(LEVELS_PER_SIDE_MAX) {
        into.push(plain_level(json)?);
        if json.literal("]") {
            return Some(());
        }
        if !json.literal(",") {
            return None;
        }
    }
    None
}

#[inline(always)] // the loop around it is what takes a decoder's time
fn plain_level(json: &mut Json<'_>) -> Option<Level> {
    let price = json.literal(r#"{"price":"#).then(|| json.plain_number())??;
    let size = json.literal(r#","qty":"#).then(|| json.plain_number())??;
    json.literal("}").then_some(Level { price, size })
}

fn level(json: &mut Json<'_>, name: &'static str) -> Result<Level> {
    let (mut price, mut size) = (None, None);
    json.object(|key, json| match key {
        "price" => put(&mut price, name, next_decimal(json, name)?),
        "qty" => put(&mut size, name, next_decimal(json, name)?),
        _ => json.skip(),
    })?;
    Ok(Level { price: required(price.flatten(), name)?, size: required(size.flatten(), name)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Result<Vec<String>> {
        let mut into = Vec::new();
        let mut json = Json::new(text);
        read(&mut json, "bids", &mut into)?;
        json.end()?;
        let slow: Vec<String> = into.iter().map(|l| format!("{} {}", l.price, l.size)).collect();
        // Where the quick way reads it, it reads the same.
        let mut again = Vec::with_capacity(into.len().max(1));
        let mut json = Json::new(text);
        if plain(&mut json, &mut again).is_some() {
            assert_eq!(again, into, "{text}");
        }
        Ok(slow)
    }

    #[test]
    fn sides_are_read_in_any_form() {
        assert_eq!(levels("[]"), Ok(vec![]));
        assert_eq!(levels(r#"[{"price":85601.6,"qty":0}]"#), Ok(vec!["85601.6 0".into()]));
        let text = r#"[{"price":0.5667,"qty":4831.75496356},{"price":1E-5,"qty":5e-05}]"#;
        assert_eq!(levels(text), Ok(vec!["0.5667 4831.75496356".into(), "0.00001 0.00005".into()]));
        let text = r#" [ { "qty" : "2.50" , "x" : [ { } ] , "price" : 7 } ] "#;
        assert_eq!(levels(text), Ok(vec!["7 2.5".into()]));
    }

    #[test]
    fn sides_that_make_no_sense_are_refused() {
        use DecodeError::*;
        for (text, want) in [
            (r#"[{"price":1}]"#, MissingField("bids")),
            (r#"[{"price":null,"qty":1}]"#, MissingField("bids")),
            (r#"[{"price":1,"qty":1,"qty":1}]"#, BadField("bids")),
            (r#"[{"price":true,"qty":1}]"#, BadField("bids")),
            (r#"[{"price":"","qty":1}]"#, BadField("bids")),
            (r#"[{"price":1e40,"qty":1}]"#, DoesNotFit("bids")),
            (r#"[{"price":01,"qty":1}]"#, Json),
            (r#"[[1,1]]"#, Json),
            (r#"[{"price":1,"qty":1},]"#, Json),
            ("null", BadField("bids")),
            ("{}", BadField("bids")),
        ] {
            assert_eq!(levels(text), Err(want), "{text}");
        }
    }

    #[test]
    fn a_side_is_bounded_and_takes_no_more_memory_than_its_text() {
        let side = |n: usize| format!("[{}]", vec![r#"{"price":1,"qty":1}"#; n].join(","));
        assert_eq!(levels(&side(LEVELS_PER_SIDE_MAX)).map(|l| l.len()), Ok(LEVELS_PER_SIDE_MAX));
        assert_eq!(levels(&side(LEVELS_PER_SIDE_MAX + 1)), Err(DecodeError::TooDeep));
        let (text, mut into) = (side(1_000), Vec::new());
        read(&mut Json::new(&text), "bids", &mut into).unwrap();
        assert_eq!(into.capacity(), 1_000);
        into.clear();
        assert!(plain(&mut Json::new(&text), &mut into).is_some(), "there is room, and it is used");
    }
}
