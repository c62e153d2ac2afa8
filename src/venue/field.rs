//! From JSON values to engine types: what every venue's decoder needs.
//!
//! Lenient in form (a number may come as a string), strict in meaning: a value that makes no sense is an error that
//! names its field, and so is a field that comes twice. Nothing here allocates but the levels' own vectors.

use crate::engine::decimal::{Decimal, DecimalError};
use crate::engine::event::{DecodeError, Level};
use crate::engine::time::Wall;
use crate::venue::json::{Json, Value};

/// Most levels a side of one message. The deepest full books seen hold about 10,000; twice that is still only
/// 640 KB a side in a decoder's scratch.
pub const LEVELS_PER_SIDE_MAX: usize = 20_000;

/// Levels of a side that may be of any size; beyond them each is to take [`LEVEL_BYTES_MIN`] of the text on average.
/// Prices of three digits are fewer than this, so that a longer side of shorter levels could only repeat itself. It
/// keeps what a decoder holds within four times what a peer sent.
const LEVELS_ANY_SIZE: usize = 1_000;
const LEVEL_BYTES_MIN: usize = 8;

/// Items of a level in a list: price, size, and once an empty list that meant nothing. What is longer is no level.
const LEVEL_ITEMS_MAX: usize = 8;

type Result<T> = std::result::Result<T, DecodeError>;

/// Fills a slot, once.
///
/// # Errors
/// [`DecodeError::BadField`] when the field came before.
pub fn put<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(DecodeError::BadField(name)),
    }
}

/// The value of a field that must be there. `null` counts as missing.
pub fn required<T>(found: Option<T>, name: &'static str) -> Result<T> {
    found.ok_or(DecodeError::MissingField(name))
}

/// A text; `None` for `null`.
pub fn text<'t>(value: Value<'t>, name: &'static str) -> Result<Option<&'t str>> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        _ => Err(DecodeError::BadField(name)),
    }
}

/// A whole number, as number or string; `None` for `null`.
pub fn whole(value: Value<'_>, name: &'static str) -> Result<Option<u64>> {
    match value {
        Value::Null => Ok(None),
        Value::Number(digits) | Value::Text(digits) => {
            digits.parse().map(Some).map_err(|_| DecodeError::BadField(name))
        }
        _ => Err(DecodeError::BadField(name)),
    }
}

/// A truth value, as such or as string; `None` for `null`.
pub fn truth(value: Value<'_>, name: &'static str) -> Result<Option<bool>> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(truth) => Ok(Some(truth)),
        Value::Text(word) if word.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::Text(word) if word.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(DecodeError::BadField(name)),
    }
}

/// An exact number, as number or string; `None` for `null`.
pub fn decimal(value: Value<'_>, name: &'static str) -> Result<Option<Decimal>> {
    match value {
        Value::Null => Ok(None),
        Value::Number(digits) | Value::Text(digits) => parse(digits, name).map(Some),
        _ => Err(DecodeError::BadField(name)),
    }
}

/// The same, of the value that comes next: the quick way when there is one.
#[inline]
pub fn next_decimal(json: &mut Json<'_>, name: &'static str) -> Result<Option<Decimal>> {
    match json.plain_number() {
        Some(number) => Ok(Some(number)),
        None => decimal(json.value()?, name),
    }
}

/// An ISO 8601 time; `None` for `null`, and for a date no clock shows (a vendor's `0001-01-01` for "unknown"):
/// a time is never worth a book.
pub fn time(value: Value<'_>, name: &'static str) -> Result<Option<Wall>> {
    Ok(text(value, name)?.and_then(Wall::parse))
}

/// Milliseconds since 1970; `None` for `null` and for years no clock shows.
pub fn millis(value: Value<'_>, name: &'static str) -> Result<Option<Wall>> {
    Ok(whole(value, name)?.and_then(|ms| i64::try_from(ms).ok()).and_then(Wall::from_millis))
}

/// Reads the side of a whole book. It must be a list: anything else would pass for an empty, complete side.
pub fn side<'t>(
    json: &mut Json<'t>,
    name: &'static str,
    read: impl FnOnce(&mut Json<'t>, &'static str, &mut Vec<Level>) -> Result<()>,
) -> Result<Vec<Level>> {
    if json.peek() != Some(b'[') {
        json.skip()?;
        return Err(DecodeError::BadField(name));
    }
    let mut into = Vec::new();
    read(json, name, &mut into)?;
    Ok(into)
}

/// Reads `[["price","size"],…]` into `into`; `null` adds nothing. Further items of a level are ignored.
pub fn level_pairs(json: &mut Json<'_>, name: &'static str, into: &mut Vec<Level>) -> Result<()> {
    levels::<Pair>(json, name, into, |json| {
        let (mut price, mut size, mut items) = (None, None, 0);
        json.array(|json| {
            items += 1;
            if items > LEVEL_ITEMS_MAX {
                return Err(DecodeError::BadField(name));
            }
            if price.is_none() {
                price = Some(number(json, name)?);
            } else if size.is_none() {
                size = Some(number(json, name)?);
            } else {
                json.skip()?;
            }
            Ok(())
        })?;
        level(price, size, name)
    })
}

/// Reads `[{"price":…,"size":…},…]` into `into`; `null` adds nothing. Further fields of a level are ignored.
pub fn level_objects(json: &mut Json<'_>, name: &'static str, into: &mut Vec<Level>) -> Result<()> {
    levels::<Object>(json, name, into, |json| {
        let (mut price, mut size) = (None, None);
        json.object(|key, json| match key {
            "price" => put(&mut price, name, number(json, name)?),
            "size" => put(&mut size, name, number(json, name)?),
            _ => json.skip(),
        })?;
        level(price, size, name)
    })
}

/// The form that levels mostly have: these texts, with a plain number between two of them.
trait Form {
    const BEFORE: &'static str;
    const BETWEEN: &'static str;
    const AFTER: &'static str;
}

struct Pair;

impl Form for Pair {
    const BEFORE: &'static str = "[";
    const BETWEEN: &'static str = ",";
    const AFTER: &'static str = "]";
}

struct Object;

impl Form for Object {
    const BEFORE: &'static str = r#"{"price":"#;
    const BETWEEN: &'static str = r#","size":"#;
    const AFTER: &'static str = "}";
}

/// A level in its form. `None`: in another one, or none, and how much was read is unknown.
#[inline(always)] // the loop around it is what takes a decoder's time
fn plain_level<F: Form>(json: &mut Json<'_>) -> Option<Level> {
    let price = json.literal(F::BEFORE).then(|| json.plain_number())??;
    let size = json.literal(F::BETWEEN).then(|| json.plain_number())??;
    json.literal(F::AFTER).then_some(Level { price, size })
}

/// A list of levels in their form, with nothing between them, for which there is room. `None` for any other, and then how
/// much was read and put in is unknown.
fn plain_levels<F: Form>(json: &mut Json<'_>, into: &mut Vec<Level>) -> Option<()> {
    if !json.literal("[") {
        return None;
    }
    if json.literal("]") {
        return Some(());
    }
    while into.len() < into.capacity().min(LEVELS_ANY_SIZE) {
        into.push(plain_level::<F>(json)?);
        if json.literal("]") {
            return Some(());
        }
        if !json.literal(",") {
            return None;
        }
    }
    None
}

/// Reads a list of pairs as [`level_pairs`] does, where all of it has the form it mostly has. `None` for any other, and
/// then how much was read and put in is unknown.
pub fn plain_level_pairs(json: &mut Json<'_>, into: &mut Vec<Level>) -> Option<()> {
    plain_levels::<Pair>(json, into)
}

/// The same for a list of objects, as [`level_objects`] reads it.
pub fn plain_level_objects(json: &mut Json<'_>, into: &mut Vec<Level>) -> Option<()> {
    plain_levels::<Object>(json, into)
}

fn levels<'t, F: Form>(
    json: &mut Json<'t>,
    name: &'static str,
    into: &mut Vec<Level>,
    mut read: impl FnMut(&mut Json<'t>) -> Result<Level>,
) -> Result<()> {
    if json.peek() != Some(b'[') {
        return match json.value()? {
            Value::Null => Ok(()),
            _ => Err(DecodeError::BadField(name)),
        };
    }
    let (held, mut ahead) = (into.len(), json.clone());
    if plain_levels::<F>(&mut ahead, into).is_some() {
        *json = ahead;
        return Ok(());
    }
    into.truncate(held);
    let began = json.position();
    json.array(|json| {
        let level_bytes_min = into.len().saturating_sub(LEVELS_ANY_SIZE) * LEVEL_BYTES_MIN;
        if into.len() >= LEVELS_PER_SIDE_MAX || json.position() - began < level_bytes_min {
            return Err(DecodeError::TooDeep);
        }
        if !matches!(json.peek(), Some(b'[' | b'{')) {
            json.skip()?;
            return Err(DecodeError::BadField(name));
        }
        let mut ahead = json.clone();
        let level = match plain_level::<F>(&mut ahead) {
            Some(level) => {
                *json = ahead;
                level
            }
            None => read(json)?,
        };
        if into.len() == into.capacity() {
            // Counted, once a side: growing by doubles would end at up to twice what is needed.
            let most = LEVELS_ANY_SIZE + json.bytes_left() / LEVEL_BYTES_MIN;
            into.reserve_exact(1 + json.items_left(most.min(LEVELS_PER_SIDE_MAX - into.len() - 1)));
        }
        into.push(level);
        Ok(())
    })
}

fn level(price: Option<Decimal>, size: Option<Decimal>, name: &'static str) -> Result<Level> {
    match (price, size) {
        (Some(price), Some(size)) => Ok(Level { price, size }),
        _ => Err(DecodeError::MissingField(name)),
    }
}

#[inline]
fn number(json: &mut Json<'_>, name: &'static str) -> Result<Decimal> {
    if let Some(number) = json.plain_number() {
        return Ok(number);
    }
    match json.digits()? {
        Some(digits) => parse(digits, name),
        None => json.skip().and(Err(DecodeError::BadField(name))),
    }
}

#[inline]
fn parse(digits: &str, name: &'static str) -> Result<Decimal> {
    Decimal::parse(digits.as_bytes()).map_err(|e| match e {
        DecimalError::Malformed => DecodeError::BadField(name),
        DecimalError::DoesNotFit => DecodeError::DoesNotFit(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(String, String)>> {
        let mut into = Vec::new();
        let mut json = Json::new(text);
        level_pairs(&mut json, "b", &mut into)?;
        json.end()?;
        Ok(into.iter().map(|l| (l.price.to_string(), l.size.to_string())).collect())
    }

    fn objects(text: &str) -> Result<Vec<(String, String)>> {
        let mut into = Vec::new();
        let mut json = Json::new(text);
        level_objects(&mut json, "bids", &mut into)?;
        json.end()?;
        Ok(into.iter().map(|l| (l.price.to_string(), l.size.to_string())).collect())
    }

    fn one(price: &str, size: &str) -> Result<Vec<(String, String)>> {
        Ok(vec![(price.into(), size.into())])
    }

    #[test]
    fn levels_come_in_both_shapes_and_both_kinds_of_number() {
        assert_eq!(pairs(r#"[["456.10","42"]]"#), one("456.1", "42"));
        assert_eq!(pairs(r#"[ [ 456.10 , 42 , [ ] ] ]"#), one("456.1", "42"));
        assert_eq!(objects(r#"[{"price":456.10,"size":42}]"#), one("456.1", "42"));
        assert_eq!(
            objects(r#"[{"size":"4.2E1","id":null,"x":{"y":[]},"price":"456.1"}]"#),
            one("456.1", "42")
        );
        assert_eq!(pairs("[]"), Ok(vec![]));
        assert_eq!(objects("null"), Ok(vec![]));
    }

    #[test]
    fn levels_that_make_no_sense_are_refused_by_name() {
        use DecodeError::*;
        for (text, want) in [
            (r#"[["1"]]"#, MissingField("b")),
            (r#"[[]]"#, MissingField("b")),
            (r#"[["x","1"]]"#, BadField("b")),
            (r#"[[null,"1"]]"#, BadField("b")),
            (r#"[["",""]]"#, BadField("b")),
            (r#"["1","2"]"#, BadField("b")),
            (r#"[["1","2",3,4,5,6,7,8,9]]"#, BadField("b")),
            (r#"{"1":"2"}"#, BadField("b")),
            (r#"7"#, BadField("b")),
            (r#"[["1e40","1"]]"#, DoesNotFit("b")),
            (r#"[["1","0.00000000000000000000000000001"]]"#, DoesNotFit("b")),
            (r#"[["1","1"]"#, Json),
            (r#"[["1" "1"]]"#, Json),
            (r#"[["1","1"],]"#, Json),
        ] {
            assert_eq!(pairs(text), Err(want), "{text}");
        }
        assert_eq!(objects(r#"[{"price":1}]"#), Err(MissingField("bids")));
        assert_eq!(objects(r#"[{"price":1,"price":1,"size":1}]"#), Err(BadField("bids")));
    }

    #[test]
    fn a_message_has_a_deepest_side() {
        let side = |n: usize| format!("[{}]", vec![r#"["1","1"]"#; n].join(","));
        assert_eq!(pairs(&side(LEVELS_PER_SIDE_MAX)).map(|l| l.len()), Ok(LEVELS_PER_SIDE_MAX));
        assert_eq!(pairs(&side(LEVELS_PER_SIDE_MAX + 1)), Err(DecodeError::TooDeep));
    }

    /// Levels were once kept in a vector that grew by doubles, so that `[1,1],` took eleven times its bytes and a REST
    /// answer more than the memory table says.
    #[test]
    fn levels_take_no_more_memory_than_four_times_their_text() {
        for (one, count) in [("[1,1]", 900), ("[123,1]", 9_000), (r#"["1234","1"]"#, 17_000), ("[1]", 30_000)]
        {
            let text = format!("[{}]", vec![one; count].join(","));
            let mut into = Vec::new();
            let read = level_pairs(&mut Json::new(&text), "b", &mut into);
            assert_eq!(read.is_ok(), into.len() == count && one != "[1]", "{one}");
            let bytes = into.capacity() * size_of::<Level>();
            assert!(bytes <= 32 * 1_024 + 4 * text.len(), "{one}: {bytes} bytes");
            assert!(into.capacity() <= LEVELS_PER_SIDE_MAX, "{one}");
        }
        let short = format!("[{}]", vec!["[1,1]"; 10_000].join(","));
        assert_eq!(pairs(&short), Err(DecodeError::TooDeep), "there are not so many prices of one digit");
    }

    #[test]
    fn scalars_are_lenient_in_form_and_strict_in_meaning() {
        assert_eq!(whole(Value::Number("12"), "u"), Ok(Some(12)));
        assert_eq!(whole(Value::Text("12"), "u"), Ok(Some(12)));
        assert_eq!(whole(Value::Null, "u"), Ok(None));
        for odd in ["-1", "1.0", "1e3", "", "18446744073709551616"] {
            assert_eq!(whole(Value::Text(odd), "u"), Err(DecodeError::BadField("u")), "{odd}");
        }
        assert_eq!(truth(Value::Text("True"), "m"), Ok(Some(true)));
        assert_eq!(truth(Value::Number("1"), "m"), Err(DecodeError::BadField("m")));
        assert_eq!(time(Value::Text("0001-01-01T00:00:00.0000000Z"), "t"), Ok(None));
        assert_eq!(time(Value::Number("1"), "t"), Err(DecodeError::BadField("t")));
        assert_eq!(millis(Value::Number("1"), "E"), Ok(Some(Wall::from_nanos(1_000_000))));
        assert_eq!(millis(Value::Number("18446744073709551615"), "E"), Ok(None));
        assert_eq!(decimal(Value::Nested, "p"), Err(DecodeError::BadField("p")));
    }
}
