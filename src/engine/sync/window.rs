//! The replay window: an unbroken run of the newest changes, kept for a snapshot to join.
//!
//! It slides: when it is full the oldest messages go, so a snapshot asked for late still finds the stream it needs.
//! It owns two bounded rings, one of messages and one of their levels, and gives both back when it is released.

use crate::engine::event::{BookEvent, Level, Span};
use crate::engine::time::Wall;
use std::collections::VecDeque;

/// The first allocation of either ring: most repairs need a handful of messages.
const RING_FIRST: usize = 16;

/// One kept message; its levels lie in the ring beside it.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub span: Span,
    pub cross: Option<u64>,
    pub exchange_time: Option<Wall>,
    pub venue_time: Option<Wall>,
    /// The book showed it already when it came: it is counted as applied and not as buffered.
    pub applied: bool,
    bids: u32,
    asks: u32,
}

pub(super) struct Window {
    messages: VecDeque<Kept>,
    levels: VecDeque<Level>,
    messages_max: usize,
    levels_max: usize,
}

impl Window {
    /// A quarter of the bytes is for the messages themselves, the rest for levels: a change of four levels fills both.
    pub fn new(messages_max: usize, bytes_max: usize) -> Window {
        let messages_max = messages_max.min(bytes_max / 4 / size_of::<Kept>());
        // The second bound only says that counts of levels fit 32 bits.
        let levels_max =
            ((bytes_max - messages_max * size_of::<Kept>()) / size_of::<Level>()).min(u32::MAX as usize);
        Window { messages: VecDeque::new(), levels: VecDeque::new(), messages_max, levels_max }
    }

    pub fn first(&self) -> Option<&Kept> {
        self.messages.front()
    }

    pub fn last(&self) -> Option<&Kept> {
        self.messages.back()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.messages.iter()
    }

    /// Whether a snapshot with this number and this second count can be of the stream that the messages are of: both put it
    /// behind the same message. Where either side has no second count, the number alone decides.
    ///
    /// A message with one of the two has the other as well, or there is another message with the same second count that has:
    /// else the snapshot is of another stream. Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/full-ob>
    pub fn agrees(&self, at: u64, cross: Option<u64>) -> bool {
        let Some(cross) = cross else { return true };
        let counted = || self.messages.iter().filter_map(|kept| Some((kept.span.last, kept.cross?)));
        let begun = counted().next().is_none_or(|(_, first)| first <= cross);
        let in_order =
            counted().all(|(last, there)| if last <= at { there <= cross } else { there >= cross });
        let is_there = counted().any(|of| of == (at, cross));
        let between = counted().all(|(last, there)| last != at && there != cross);
        begun && in_order && (is_there || between)
    }

    /// Messages in the window that are counted as buffered.
    pub fn buffered(&self) -> u64 {
        self.messages.iter().filter(|kept| !kept.applied).count() as u64
    }

    /// Keeps a message that follows the last one. Returns whether it was kept, and how many buffered ones had to go.
    /// One that is too large for the whole window empties it: what came before it no longer reaches what comes after.
    pub fn push(
        &mut self,
        event: &BookEvent,
        span: Span,
        bids: &[Level],
        asks: &[Level],
        applied: bool,
    ) -> (bool, u64) {
        let more = bids.len() + asks.len();
        if more > self.levels_max || self.messages_max == 0 {
            let gone = self.buffered();
            self.empty();
            return (false, gone);
        }
        let mut gone = 0;
        while self.messages.len() >= self.messages_max || self.levels.len() + more > self.levels_max {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.levels.drain(..(oldest.bids + oldest.asks) as usize);
            gone += u64::from(!oldest.applied);
        }
        grow(&mut self.messages, 1, self.messages_max);
        grow(&mut self.levels, more, self.levels_max);
        let (exchange_time, venue_time) = (event.exchange_time, event.venue_time);
        // The casts are exact: both counts are at most `levels_max`.
        let (bids_count, asks_count) = (bids.len() as u32, asks.len() as u32);
        self.messages.push_back(Kept {
            span,
            cross: event.cross,
            exchange_time,
            venue_time,
            applied,
            bids: bids_count,
            asks: asks_count,
        });
        self.levels.extend(bids);
        self.levels.extend(asks);
        (true, gone)
    }

    /// Hands every message with its bids and asks to `each`, oldest first, until one fails.
    pub fn replay<E>(
        &mut self,
        mut each: impl FnMut(&Kept, &[Level], &[Level]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest: &[Level] = self.levels.make_contiguous();
        for kept in &self.messages {
            let (bids, after) = rest.split_at(kept.bids as usize);
            let (asks, after) = after.split_at(kept.asks as usize);
            rest = after;
            each(kept, bids, asks)?;
        }
        Ok(())
    }

    /// Forgets the messages and keeps the memory: the window is about to fill again.
    pub fn empty(&mut self) {
        self.messages.clear();
        self.levels.clear();
    }

    /// Forgets the messages and gives the memory back.
    pub fn release(&mut self) {
        self.messages = VecDeque::new();
        self.levels = VecDeque::new();
    }

    pub fn heap_bytes(&self) -> usize {
        self.messages.capacity() * size_of::<Kept>() + self.levels.capacity() * size_of::<Level>()
    }
}

/// Makes room by doubling, but never past the bound.
fn grow<T>(ring: &mut VecDeque<T>, more: usize, max: usize) {
    let wanted = ring.len() + more;
    if wanted > ring.capacity() {
        let doubled = (ring.capacity() * 2).max(RING_FIRST).min(max).max(wanted);
        ring.reserve_exact(doubled - ring.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decimal::Decimal;
    use crate::engine::event::BookKind;

    const EVENT: BookEvent = BookEvent {
        cross: None,
        kind: BookKind::Delta,
        span: None,
        checksum: None,
        exchange_time: None,
        venue_time: None,
    };

    fn levels(prices: std::ops::Range<i128>) -> Vec<Level> {
        let level = |price| Level { price: Decimal::new(price, 0).unwrap(), size: Decimal::ZERO };
        prices.map(level).collect()
    }

    #[test]
    fn it_slides_inside_its_bounds_and_replays_in_order() {
        let bytes_max = 16 * 1024;
        let mut window = Window::new(50, bytes_max);
        for n in 1..=500 {
            let (kept, gone) =
                window.push(&EVENT, Span::at(n), &levels(1..4), &levels(4..(n % 7) as i128 + 4), false);
            assert!(kept && (n <= 50 || gone >= 1));
            assert!(window.heap_bytes() <= bytes_max);
        }
        let mut expected = window.first().unwrap().span.last;
        assert!(expected >= 451);
        let replayed = window.replay(|kept, bids, asks| {
            assert_eq!(kept.span, Span::at(expected));
            assert_eq!((bids, asks.len() as u64), (&levels(1..4)[..], expected % 7));
            expected += 1;
            Ok::<(), ()>(())
        });
        assert_eq!((replayed, expected), (Ok(()), 501));
        window.release();
        assert_eq!((window.heap_bytes(), window.buffered()), (0, 0));
    }

    #[test]
    fn what_is_too_large_for_it_empties_it() {
        let mut window = Window::new(50, 4 * 1024);
        assert_eq!(window.push(&EVENT, Span::at(1), &levels(1..4), &[], false), (true, 0));
        assert_eq!(window.push(&EVENT, Span::at(2), &levels(1..4), &[], true), (true, 0));
        assert_eq!(window.push(&EVENT, Span::at(3), &levels(1..1_000), &[], false), (false, 1));
        assert!(window.first().is_none());
        assert_eq!(Window::new(0, 0).push(&EVENT, Span::at(1), &[], &[], false), (false, 0));
    }
}
