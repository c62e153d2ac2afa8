//! What somebody may have meant: the symbols whose names are the fewest letters away.

use super::names;
use crate::venue::instrument::Instrument;

/// Shown: more would be a list again.
const SHOWN_MAX: usize = 5;

/// The instruments nearest to `pattern`, nearest first. None that has more of its letters wrong than right.
pub fn to<'l>(pattern: &str, list: &'l [Instrument]) -> Vec<&'l Instrument> {
    let pattern = letters(pattern);
    let mut near: Vec<(usize, usize, &Instrument)> = list
        .iter()
        .filter_map(|one| {
            // The base alone is a name too: who writes BTX means any market of BTC.
            let base = one.canonical.as_ref().map(|market| market.base.clone());
            let away = names(one).chain(base).map(|name| distance(&pattern, &letters(&name))).min()?;
            (away * 2 <= pattern.len()).then_some((away, one.symbol.len(), one))
        })
        .collect();
    near.sort();
    near.truncate(SHOWN_MAX);
    near.into_iter().map(|(_, _, one)| one).collect()
}

/// What counts of a name: dashes and colons are where people differ.
fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Letters to put in, take out, replace or swap with their neighbor until one is the other.
fn distance(a: &[char], b: &[char]) -> usize {
    // Rows of the usual table: for the first letters of `a`, by letters of `b`.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::canonical::Canonical;

    fn list(names: &[(&str, &str)]) -> Vec<Instrument> {
        let one = |(symbol, name): &(&str, &str)| Instrument {
            symbol: (*symbol).to_owned(),
            canonical: Canonical::parse(name),
        };
        names.iter().map(one).collect()
    }

    #[test]
    fn distances_are_the_textbook_ones() {
        for (a, b, want) in [
            ("", "", 0),
            ("", "ABC", 3),
            ("KITTEN", "SITTING", 3),
            ("SATURDAY", "SUNDAY", 3),
            ("BTCUSDT", "BTCUSDT", 0),
            ("BTCUDST", "BTCUSDT", 1),
            ("CA", "ABC", 3),
        ] {
            assert_eq!(distance(&letters(a), &letters(b)), want, "{a} {b}");
            assert_eq!(distance(&letters(b), &letters(a)), want, "{b} {a}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_are_few() {
        let list = list(&[
            ("tBTCUST", "BTC-USDT"),
            ("tBTCUSD", "BTC-USD"),
            ("tETHUST", "ETH-USDT"),
            ("tDOGE:USD", "DOGE-USD"),
            ("tXYZABC", ""),
        ]);
        let near =
            |pattern: &str| to(pattern, &list).iter().map(|one| one.symbol.as_str()).collect::<Vec<_>>();
        assert_eq!(near("btc/udst")[..2], ["tBTCUST", "tBTCUSD"]);
        assert_eq!(near("BTX"), ["tBTCUSD", "tBTCUST"], "by the base");
        assert_eq!(near("DGOE"), ["tDOGE:USD"]);
        assert_eq!(near("QQQQQQQQ"), [""; 0]);
        assert_eq!(near("///"), [""; 0], "nothing is near to nothing");
        let many: Vec<(String, String)> = (0..9).map(|n| (format!("BTCUS{n}"), String::new())).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(to("BTCUSX", &super::tests::list(&many)).len(), SHOWN_MAX);
    }
}
