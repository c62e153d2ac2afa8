//! Reads a side of a Deribit book: `[["new",price,amount],["delete",price,0],…]`.

use crate::engine::decimal::Decimal;
use crate::engine::event::{DecodeError, Level};
use crate::venue::field::{next_decimal, required, text};
use crate::venue::json::Json;
use crate::venue::side;

type Result<T> = std::result::Result<T, DecodeError>;

/// Items of a level: action, price, amount. What is longer is no level.
const LEVEL_ITEMS: usize = 3;

/// Reads a list of levels into `into`. It must be a list: anything else would pass for an empty side.
pub fn read(json: &mut Json<'_>, name: &'static str, into: &mut Vec<Level>) -> Result<()> {
    side::read(json, name, into, plain_level, |json| level(json, name))
}

/// A level in the form they mostly have. `None`: in another one, or none, and how much was read is unknown.
#[inline(always)] // the loop around it is what takes a decoder's time
fn plain_level(json: &mut Json<'_>) -> Option<Level> {
    let action = json.literal("[").then(|| json.plain_text())??;
    let price = json.literal(",").then(|| json.plain_number())??;
    let amount = json.literal(",").then(|| json.plain_number())??;
    let size = size(action, amount)?;
    json.literal("]").then_some(Level { price, size })
}

fn level(json: &mut Json<'_>, name: &'static str) -> Result<Level> {
    let (mut action, mut price, mut amount, mut items) = (None, None, None, 0);
    json.array(|json| {
        items += 1;
        match items {
            1 => action = text(json.value()?, name)?,
            2 => price = next_decimal(json, name)?,
            LEVEL_ITEMS => amount = next_decimal(json, name)?,
            _ => return Err(DecodeError::BadField(name)),
        }
        Ok(())
    })?;
    let (action, price) = (required(action, name)?, required(price, name)?);
    let size = size(action, required(amount, name)?).ok_or(DecodeError::BadField(name))?;
    Ok(Level { price, size })
}

/// What becomes of a level. New and changed ones come with all that is there, and that is never nothing.
fn size(action: &str, amount: Decimal) -> Option<Decimal> {
    match action {
        "new" | "change" => Some(amount).filter(|amount| !amount.is_zero()),
        "delete" => Some(Decimal::ZERO),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::field::LEVELS_PER_SIDE_MAX;

    fn levels(text: &str) -> Result<Vec<String>> {
        let mut into = Vec::new();
        let mut json = Json::new(text);
        read(&mut json, "bids", &mut into)?;
        json.end()?;
        Ok(into.iter().map(|l| format!("{} {}", l.price, l.size)).collect())
    }

    #[test]
    fn actions_are_sizes() {
        assert_eq!(levels("[]"), Ok(vec![]));
        let text = r#"[["new",63324.5,372280],["change",0.0005,10.0],["delete",62533,0],["delete",1,5]]"#;
        let want = ["63324.5 372280", "0.0005 10", "62533 0", "1 0"].map(str::to_owned);
        assert_eq!(levels(text), Ok(want.to_vec()));
        let text = r#" [ [ "new" , 5e-4 , "1E1" ] , ["delete",1,0.0] ] "#;
        assert_eq!(levels(text), Ok(vec!["0.0005 10".into(), "1 0".into()]));
    }

    #[test]
    fn sides_that_make_no_sense_are_refused() {
        use DecodeError::*;
        for (text, want) in [
            (r#"[["new",1]]"#, MissingField("bids")),
            (r#"[[]]"#, MissingField("bids")),
            (r#"[["new",null,1]]"#, MissingField("bids")),
            (r#"[["new",1,1,1]]"#, BadField("bids")),
            (r#"[["old",1,1]]"#, BadField("bids")),
            (r#"[["new",1,0]]"#, BadField("bids")),
            (r#"[["change",1,0.0]]"#, BadField("bids")),
            (r#"[[1,"new",1]]"#, BadField("bids")),
            (r#"[[1,1]]"#, BadField("bids")),
            (r#"[["new",1e40,1]]"#, DoesNotFit("bids")),
            (r#"[{"new":1}]"#, Json),
            (r#"[["new",1,1],]"#, Json),
            (r#"["new",1,1]"#, Json),
            ("null", BadField("bids")),
            ("{}", BadField("bids")),
        ] {
            assert_eq!(levels(text), Err(want), "{text}");
        }
    }

    #[test]
    fn a_side_is_bounded_and_takes_no_more_memory_than_it_must() {
        let side = |n: usize| format!("[{}]", vec![r#"["new",1,1]"#; n].join(","));
        assert_eq!(levels(&side(LEVELS_PER_SIDE_MAX)).map(|l| l.len()), Ok(LEVELS_PER_SIDE_MAX));
        assert_eq!(levels(&side(LEVELS_PER_SIDE_MAX + 1)), Err(DecodeError::TooDeep));
        let mut into = Vec::new();
        read(&mut Json::new(&side(1_000)), "bids", &mut into).unwrap();
        assert_eq!(into.capacity(), 1_000);
    }
}
