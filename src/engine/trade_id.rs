//! A trade's id as its venue writes it, without a place on the heap: trades come by the hundred a second.

use std::fmt;

/// The longest id there is room for: a UUID has 36 characters, a 64-bit number at most 20.
pub const LEN_MAX: usize = 39;

/// A short text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TradeId {
    len: u8,
    bytes: [u8; LEN_MAX],
}

impl TradeId {
    /// In lower case, where it has letters. `None`: too long to be an id.
    pub fn lower(text: &str) -> Option<TradeId> {
        let mut bytes = [0; LEN_MAX];
        let place = bytes.get_mut(..text.len())?;
        place.copy_from_slice(text.as_bytes());
        place.make_ascii_lowercase();
        // At most 39.
        Some(TradeId { len: text.len() as u8, bytes })
    }

    pub fn number(mut number: u64) -> TradeId {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        let len = digits.len() - at;
        let mut bytes = [0; LEN_MAX];
        bytes[..len].copy_from_slice(&digits[at..]);
        TradeId { len: len as u8, bytes }
    }

    pub fn as_str(&self) -> &str {
        // What was put in was text, and stays text in lower case.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_as_they_are_but_for_their_case() {
        let uuid = "770C7A3B-7258-4441-8182-83740F3E2457";
        assert_eq!(TradeId::lower(uuid).unwrap().as_str(), uuid.to_ascii_lowercase());
        assert_eq!(TradeId::lower("").unwrap().as_str(), "");
        assert_eq!(TradeId::lower("ÄB").unwrap().as_str(), "Äb");
        assert_eq!(TradeId::lower(&"9".repeat(LEN_MAX)).unwrap().as_str().len(), LEN_MAX);
        assert_eq!(TradeId::lower(&"9".repeat(LEN_MAX + 1)), None);
        for number in [0, 7, 12_345, u64::MAX] {
            assert_eq!(TradeId::number(number).as_str(), number.to_string());
        }
    }
}
