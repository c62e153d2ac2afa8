//! OKX levels: price, size, a field that means nothing any more, and the number of orders, all of them strings.

use crate::engine::event::{DecodeError, Level};
use crate::venue::field;
use crate::venue::json::Json;

/// Reads `[["8476.98","415","0","13"],…]` into `into`; `null` adds nothing.
pub fn read(json: &mut Json<'_>, name: &'static str, into: &mut Vec<Level>) -> Result<(), DecodeError> {
    let (held, mut ahead) = (into.len(), json.clone());
    if plain(&mut ahead, into).is_some() {
        *json = ahead;
        return Ok(());
    }
    into.truncate(held);
    field::level_pairs(json, name, into)
}

/// The same where every level has this form, nothing stands between them and there is room for all. `None` for any other
/// list, and then how much was read and put in is unknown.
pub fn plain(json: &mut Json<'_>, into: &mut Vec<Level>) -> Option<()> {
    if json.literal("[]") {
        return Some(());
    }
    let mut before = "[[";
    // Room is made by the other way of reading, which bounds it: the first messages of a worker take that one.
    while into.len() < into.capacity() {
        let price = json.literal(before).then(|| json.plain_number())??;
        let size = json.literal(",").then(|| json.plain_number())??;
        json.literal(",").then(|| json.plain_text())??;
        json.literal(",").then(|| json.plain_text())??;
        into.push(Level { price, size });
        if json.literal("]]") {
            return Some(());
        }
        before = "],[";
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(levels: &[Level]) -> Vec<String> {
        levels.iter().map(|l| format!("{}={}", l.price, l.size)).collect()
    }

    #[test]
    fn both_ways_of_reading_agree() {
        for (text, want) in [
            ("[]", vec![]),
            (r#"[["8476.98","415","0","13"]]"#, vec!["8476.98=415"]),
            (r#"[["1","2","0","1"],["63920","0.2330179","4","0"]]"#, vec!["1=2", "63920=0.2330179"]),
        ] {
            for room in [0, 2] {
                let mut levels = Vec::with_capacity(room);
                let mut json = Json::new(text);
                read(&mut json, "asks", &mut levels).unwrap();
                json.end().unwrap();
                assert_eq!(shown(&levels), want, "{text}");
            }
            let mut levels = Vec::with_capacity(2);
            assert_eq!(plain(&mut Json::new(text), &mut levels), Some(()), "{text}");
            assert_eq!(shown(&levels), want, "{text}");
        }
    }

    #[test]
    fn other_forms_are_left_to_the_slow_way() {
        for (text, want) in [
            (r#"[ ["1","2","0","1"]]"#, Ok(1)),
            (r#"[["1","2"]]"#, Ok(1)),
            (r#"[["1","2","0","1"],[3,"4",0,1]]"#, Ok(2)),
            (r#"[["1","2","0","1"],["3","4","0","1","x"]]"#, Ok(2)),
            ("null", Ok(0)),
            (r#"[["1"]]"#, Err(DecodeError::MissingField("asks"))),
            (r#"[["1","x","0","1"]]"#, Err(DecodeError::BadField("asks"))),
            (r#"[["1","2","0","1"],]"#, Err(DecodeError::Json)),
            (r#"[["1","2","0","1"]"#, Err(DecodeError::Json)),
            ("{}", Err(DecodeError::BadField("asks"))),
        ] {
            let mut levels = Vec::with_capacity(4);
            assert_eq!(plain(&mut Json::new(text), &mut levels), None, "{text}");
            levels.clear();
            let read = read(&mut Json::new(text), "asks", &mut levels);
            assert_eq!(read.map(|()| levels.len()), want, "{text}");
        }
    }
}
