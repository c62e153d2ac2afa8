//! Structured inputs from plain bytes: every input means something, and a changed byte changes little.

/// A cursor over an input. At its end it gives zeros, so that no input is too short.
pub struct Input<'d> {
    rest: &'d [u8],
}

impl<'d> Input<'d> {
    pub fn new(data: &'d [u8]) -> Input<'d> {
        Input { rest: data }
    }

    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first
    }

    /// Two bytes, the first the lower.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Eight bytes, the first the lowest.
    pub fn long(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number from 0 to `most`.
    pub fn up_to(&mut self, most: u8) -> u8 {
        let byte = self.byte();
        most.checked_add(1).map_or(byte, |count| byte % count)
    }

    /// True once in `n` values of a byte.
    pub fn one_in(&mut self, n: u8) -> bool {
        self.up_to(n - 1) == n - 1
    }

    /// So many of what `make` makes; the count is drawn first.
    pub fn list<T>(&mut self, most: u8, mut make: impl FnMut(&mut Input<'d>) -> T) -> Vec<T> {
        let count = self.up_to(most);
        (0..count).map(|_| make(self)).collect()
    }
}
