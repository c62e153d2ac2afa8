//! What a book cannot hold.

use std::fmt;

/// Why a book refused levels. Its content is then not to be trusted until the next [`Book::load`](super::Book::load).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BookFault {
    /// The best bid is not below the best ask, on a venue where that can only be an error.
    Crossed,
    NegativeSize,
    /// A price of zero or below.
    BadPrice,
    /// Two levels of one price in a complete book.
    DuplicatePrice,
    /// Prices or sizes that no common scale holds in 128 bits.
    DoesNotFit,
}

impl BookFault {
    /// A word for a metric label: a closed set.
    pub const fn name(self) -> &'static str {
        match self {
            BookFault::Crossed => "crossed",
            BookFault::NegativeSize => "negative_size",
            BookFault::BadPrice => "bad_price",
            BookFault::DuplicatePrice => "duplicate_price",
            BookFault::DoesNotFit => "does_not_fit",
        }
    }
}

impl fmt::Display for BookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BookFault::Crossed => "the best bid is not below the best ask",
            BookFault::NegativeSize => "a size below zero",
            BookFault::BadPrice => "a price of zero or below",
            BookFault::DuplicatePrice => "two levels of one price",
            BookFault::DoesNotFit => "prices or sizes too far apart to hold exactly",
        })
    }
}
