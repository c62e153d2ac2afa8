//! Numbers a venue gives its streams for the life of one connection, and what they stand for.
//!
//! A venue keeps nothing between calls: it says what a number means by [`Control::Bound`], and is given all of them with
//! every frame it places.

use crate::engine::event::Channel;
#[cfg(doc)]
use crate::venue::Control;

/// More streams than any venue with such numbers puts on a connection (25), and room for those that end while others begin.
const HANDLES_MAX: usize = 256;

/// One life's numbers, in order.
#[derive(Clone, Default, Debug)]
pub struct Handles(Vec<(u64, String, Channel)>);

impl Handles {
    /// Nothing bound yet.
    pub const NONE: &'static Handles = &Handles(Vec::new());

    /// From here on `number` stands for this stream. False when there are more than any venue has.
    pub fn bind(&mut self, number: u64, symbol: &str, channel: Channel) -> bool {
        let stream = (number, symbol.to_owned(), channel);
        match self.find(number) {
            Ok(at) => self.0[at] = stream,
            Err(_) if self.0.len() >= HANDLES_MAX => return false,
            Err(at) => self.0.insert(at, stream),
        }
        true
    }

    /// The stream ended; what still comes of it is nobody's.
    pub fn release(&mut self, number: u64) {
        if let Ok(at) = self.find(number) {
            self.0.remove(at);
        }
    }

    /// The symbol and the channel that a number stands for.
    pub fn stream(&self, number: u64) -> Option<(&str, Channel)> {
        let (_, symbol, channel) = &self.0[self.find(number).ok()?];
        Some((symbol, *channel))
    }

    /// The numbers of a symbol's streams.
    pub fn of<'h>(&'h self, symbol: &'h str) -> impl Iterator<Item = (u64, Channel)> + 'h {
        self.0.iter().filter(move |(_, of, _)| of == symbol).map(|(number, _, channel)| (*number, *channel))
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(number, _, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_go_and_are_bounded() {
        let mut handles = Handles::default();
        assert!(handles.bind(7, "tBTCUSD", Channel::Book) && handles.bind(3, "tBTCUSD", Channel::Trade));
        assert!(handles.bind(7, "tETHUSD", Channel::Book), "a number may be given again");
        assert_eq!(handles.stream(7), Some(("tETHUSD", Channel::Book)));
        assert_eq!(handles.of("tBTCUSD").collect::<Vec<_>>(), [(3, Channel::Trade)]);
        handles.release(7);
        handles.release(8);
        assert_eq!((handles.stream(7), handles.stream(8)), (None, None));
        for number in 10..10_000 {
            handles.bind(number, "x", Channel::Book);
        }
        assert_eq!(handles.0.len(), HANDLES_MAX);
    }
}
