//! A book's keeper: what it counts, the trades it remembers, and how a witness that differs makes the book stale.

use super::{BINANCE, at, decimal, side, snapshot};
use depthd::engine::event::{
    BookEvent, BookKind, Channel, Decoded, Event, Level, Liquidation, Quote, Span, TakerSide, Trade,
};
use depthd::engine::keeper::{Flow, Keeper};
use depthd::engine::need::{Joined, Need};
use depthd::engine::state::{StaleReason, State};
use depthd::engine::trade_id::TradeId;

fn trades(count: u64, first: u64) -> Decoded {
    let trade = |n: u64| Trade {
        id: TradeId::number(n),
        price: decimal("10"),
        size: decimal("1"),
        taker: TakerSide::Buy,
        exchange_time: None,
    };
    let trades = (first..first + count).map(trade).collect();
    Decoded { event: Some(Event::Trades), trades, ..Decoded::default() }
}

fn delta(sequence: u64, bids: &str, asks: &str) -> Decoded {
    let span = Some(Span::at(sequence));
    let event = BookEvent {
        cross: None,
        kind: BookKind::Delta,
        span,
        checksum: None,
        exchange_time: None,
        venue_time: None,
    };
    Decoded { event: Some(Event::Book(event)), bids: side(bids), asks: side(asks), ..Decoded::default() }
}

fn quote(sequence: u64, bid: &str, ask: &str) -> Decoded {
    let best = |text: &str| -> Option<Level> { side(text).first().copied() };
    let quote = Quote { sequence: Some(sequence), bid: best(bid), ask: best(ask), exchange_time: None };
    Decoded { event: Some(Event::Quote(quote)), ..Decoded::default() }
}

/// A live book at 10: `9 1, 8 1` and `11 1, 12 1`.
fn live(audited: bool, trades_max: usize) -> Keeper {
    let mut keeper = Keeper::new(BINANCE, audited, trades_max);
    keeper.opened(at(1));
    keeper.decoded(at(2), &mut delta(10, "9 1", ""));
    let (joined, mismatch) = keeper.snapshot(at(3), &snapshot(Some(10), None, "9 1,8 1", "11 1,12 1", 100));
    assert_eq!((joined, mismatch), (Joined::Live, None));
    keeper
}

fn ids(keeper: &Keeper, limit: usize) -> Vec<String> {
    keeper.trades(limit).into_iter().map(|t| t.id.as_str().to_owned()).collect()
}

#[test]
fn the_newest_trades_are_remembered_up_to_the_bound_and_every_frame_is_counted() {
    let mut keeper = live(true, 3);
    keeper.decoded(at(4), &mut trades(2, 1));
    assert_eq!(ids(&keeper, 9), ["1", "2"]);
    keeper.decoded(at(5), &mut trades(3, 3));
    assert_eq!(ids(&keeper, 9), ["3", "4", "5"]);
    assert_eq!(ids(&keeper, 2), ["4", "5"], "the newest of them");
    assert_eq!(keeper.trades(1)[0].received, at(5));
    keeper.decoded(at(6), &mut quote(10, "9 1", "11 1"));
    assert_eq!(keeper.flow(), Flow { trade_frames: 2, quote_frames: 1, ..Flow::default() });
    keeper.shed();
    assert_eq!(ids(&keeper, 9), [""; 0]);
    keeper.decoded(at(7), &mut trades(1, 6));
    assert_eq!(ids(&keeper, 9), ["6"]);

    let mut none = live(true, 0);
    let mut frame = trades(2, 1);
    none.decoded(at(4), &mut frame);
    assert_eq!((ids(&none, 9), frame.trades.len()), (Vec::new(), 0), "none wanted, and the frame is emptied");
    assert!(none.sync.state().is_live());
}

#[test]
fn a_witness_that_differs_makes_the_book_stale() {
    let mut keeper = live(true, 0);
    keeper.decoded(at(4), &mut quote(10, "9 1", "11 1"));
    assert_eq!((keeper.audit_checks(), keeper.audit_mismatches()), (1, 0));
    let noted = keeper.decoded(at(5), &mut quote(10, "9 2", "11 1"));
    assert_eq!(noted.mismatch.map(|m| m.sequence), Some(10));
    assert!(matches!(keeper.sync.state(), State::Stale { reason: StaleReason::Checksum, .. }));
    assert_eq!((keeper.audit_checks(), keeper.audit_mismatches()), (2, 1));

    // The quote may come first, and wait for the book.
    let mut keeper = live(true, 0);
    assert_eq!(keeper.decoded(at(4), &mut quote(11, "9 5", "11 1")).mismatch, None);
    let noted = keeper.decoded(at(5), &mut delta(11, "9 4", ""));
    assert_eq!(noted.mismatch.map(|m| m.sequence), Some(11));
    assert!(!keeper.sync.state().is_live());

    // Where quotes do not share the book's numbers they say nothing of it.
    let mut keeper = live(false, 0);
    keeper.decoded(at(4), &mut quote(10, "1 1", "2 1"));
    assert!(keeper.sync.state().is_live() && keeper.audit_checks() == 0 && keeper.flow().quote_frames == 1);
    // A snapshot that joins at the id of a waiting quote is compared too.
    let mut keeper = Keeper::new(BINANCE, true, 0);
    keeper.opened(at(1));
    keeper.decoded(at(2), &mut delta(10, "9 1", ""));
    keeper.decoded(at(2), &mut quote(10, "7 1", "11 1"));
    let (joined, mismatch) = keeper.snapshot(at(3), &snapshot(Some(10), None, "9 1", "11 1", 100));
    assert_eq!((joined, mismatch.map(|m| m.sequence)), (Joined::Live, Some(10)));
    assert!(!keeper.sync.state().is_live());
}

#[test]
fn a_lost_stream_forgets_its_quotes() {
    for lose in [
        |keeper: &mut Keeper| keeper.lost(at(5), StaleReason::Overflow),
        |keeper: &mut Keeper| keeper.opened(at(5)),
    ] {
        let mut keeper = live(true, 0);
        keeper.decoded(at(4), &mut quote(12, "1 1", "11 1"));
        lose(&mut keeper);
        keeper.decoded(at(6), &mut delta(12, "9 1", ""));
        let (_, mismatch) = keeper.snapshot(at(7), &snapshot(Some(12), None, "9 1", "11 1", 100));
        assert_eq!(mismatch, None, "what was said before the loss is no witness of what follows");
        assert!(keeper.sync.state().is_live());
    }
}

#[test]
fn what_cannot_be_read_costs_the_book_only_on_a_book_channel() {
    let mut keeper = live(true, 0);
    keeper.undecodable(at(4), Channel::Trade);
    keeper.undecodable(at(4), Channel::Quote);
    assert!(keeper.sync.state().is_live());
    keeper.undecodable(at(5), Channel::Book);
    assert_eq!(keeper.sync.state(), State::Stale { reason: StaleReason::Decode, since: at(5) });
    assert_eq!(keeper.flow().undecodable, 3);
    // A decoder that says nothing has read nothing.
    let mut keeper = live(true, 0);
    keeper.decoded(at(4), &mut Decoded::default());
    assert!(!keeper.sync.state().is_live() && keeper.flow().undecodable == 1);
}

#[test]
fn what_readers_see_is_the_book() {
    let mut keeper = live(true, 0);
    let gap = keeper.decoded(at(4), &mut delta(13, "9 3", "")).gap;
    assert!(gap.is_some() && keeper.top().gaps == 1);
    let mut keeper = live(true, 0);
    keeper.decoded(at(4), &mut delta(11, "9 3", "11 0"));
    let top = keeper.top();
    assert_eq!((top.sequence, top.received, top.state), (Some(11), at(4), State::Live));
    assert_eq!((top.bid, top.ask), (Some(side("9 3")[0]), Some(side("12 1")[0])));
    assert_eq!((top.levels_bids, top.levels_asks, top.recoveries), (2, 1, 0));
    let view = keeper.view("feed", "X", 1);
    assert_eq!((view.feed.as_str(), view.symbol.as_str(), view.top), ("feed", "X", top));
    assert_eq!((view.bids, view.asks), (side("9 3"), side("12 1")));
}

fn liquidations(count: u64, first: u64) -> Decoded {
    let order = |n: u64| Liquidation {
        price: decimal("10"),
        size: decimal(&n.to_string()),
        side: TakerSide::Sell,
        exchange_time: None,
    };
    let liquidations = (first..first + count).map(order).collect();
    Decoded { event: Some(Event::Liquidations), liquidations, ..Decoded::default() }
}

fn sizes(keeper: &Keeper, limit: usize) -> Vec<String> {
    keeper.liquidations(limit).into_iter().map(|order| order.size.to_string()).collect()
}

#[test]
fn liquidations_have_a_ring_of_their_own_and_move_no_book() {
    let mut keeper = live(true, 3);
    let before = keeper.top();
    keeper.decoded(at(4), &mut trades(2, 1));
    keeper.decoded(at(5), &mut liquidations(2, 1));
    keeper.decoded(at(6), &mut liquidations(2, 3));
    assert_eq!(
        (sizes(&keeper, 9), sizes(&keeper, 1)),
        (vec!["2".into(), "3".into(), "4".into()], vec!["4".into()])
    );
    assert_eq!(keeper.liquidations(1)[0].received, at(6));
    assert_eq!(ids(&keeper, 9), ["1", "2"]);
    assert_eq!(keeper.flow(), Flow { trade_frames: 1, liquidation_frames: 2, ..Flow::default() });
    assert_eq!(keeper.flow().applied(), 3);
    keeper.undecodable(at(7), Channel::Liquidation);
    assert_eq!(keeper.top(), before);
    keeper.shed();
    assert_eq!((sizes(&keeper, 9), ids(&keeper, 9)), (vec![], vec![]));
}

/// One was asked for over REST again and again, and was live by the answer: a book that no change ever reached.
#[test]
fn where_no_channel_brings_levels_there_is_no_book_to_ask_for() {
    let mut keeper = Keeper::without_book(BINANCE, 3);
    keeper.opened(at(1));
    assert_eq!((keeper.sync.state(), keeper.sync.need()), (State::Syncing, Need::Nothing));
    keeper.decoded(at(2), &mut liquidations(1, 7));
    let answer = snapshot(Some(10), None, "9 1", "11 1", 100);
    assert_eq!(keeper.snapshot(at(3), &answer), (Joined::NotNeeded, None));
    keeper.lost(at(4), StaleReason::Overflow);
    keeper.undecodable(at(5), Channel::Liquidation);
    keeper.lost(at(6), StaleReason::Disconnected);
    keeper.opened(at(7));
    assert_eq!((keeper.sync.state(), keeper.sync.need()), (State::Syncing, Need::Nothing));
    assert_eq!((sizes(&keeper, 9), keeper.sync.counts().gaps), (vec!["7".to_owned()], 0));
}
