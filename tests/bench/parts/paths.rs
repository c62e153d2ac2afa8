//! The parts of a message's way, each as something that can be done again and again.
//!
//! What a path works on varies from one time to the next, as it does in life: a branch predictor learns one text by heart.

use depthd::config::Overflow;
use depthd::engine::book::{Book, Window};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, BookKind, Channel, Decoded, Level, Snapshot, Span};
use depthd::engine::id::{BookId, ConnectionId, FeedId, Generation};
use depthd::engine::keeper::Keeper;
use depthd::engine::state::StaleReason;
use depthd::engine::sync::SyncRules;
use depthd::engine::time::Stamp;
use depthd::shell::queue::{Job, LossBoard, queue};
use depthd::shell::slot::{Published, Slot};
use depthd::shell::worker::published;
use depthd::venue::binance::Binance;
use depthd::venue::coinapi::CoinApi;
use depthd::venue::handles::Handles;
use depthd::venue::profile::{FirstBook, RestJoin, SequenceRule};
use depthd::venue::{Route, Venue};
use std::hint::black_box;
use std::sync::Arc;

/// Different inputs of a path, taken in turn.
const VARIETY: usize = 1_024;
/// Messages that pass the queue together.
const BATCH: usize = 64;
const MIDDLE: i64 = 5_000_000;

pub struct Path {
    pub name: &'static str,
    pub once: Box<dyn FnMut()>,
}

fn path(name: &'static str, once: impl FnMut() + 'static) -> Path {
    Path { name, once: Box::new(once) }
}

pub fn all() -> Vec<Path> {
    let mut draw = Draw(7);
    vec![
        route("binance route", Binance, texts(|| binance_depth(&mut draw))),
        decode("binance depth 3+3", Binance, Channel::Book, texts(|| binance_depth(&mut draw))),
        decode("binance quote", Binance, Channel::Quote, texts(|| binance_quote(&mut draw))),
        decode("binance trade", Binance, Channel::Trade, texts(|| binance_trade(&mut draw))),
        route("coinapi route", CoinApi, texts(|| coinapi_book(&mut draw, 2))),
        decode("coinapi book 2+2", CoinApi, Channel::Book, texts(|| coinapi_book(&mut draw, 2))),
        decode("coinapi quote", CoinApi, Channel::Quote, texts(|| coinapi_quote(&mut draw))),
        decode("coinapi trade", CoinApi, Channel::Trade, texts(|| coinapi_trade(&mut draw))),
        decode("coinapi book 20+20", CoinApi, Channel::Book, texts(|| coinapi_book(&mut draw, 20))),
        book("book 3+3 near the touch", 1_000, Draw::near),
        book("book 3+3 anywhere in 5000", 5_000, |draw| 1 + draw.below(5_000) as i64),
        keeper("keeper 3+3, live"),
        through_queue("queue, 64 messages"),
        publish("publish"),
    ]
}

/// xorshift64*: the same inputs in every run.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }

    /// Ticks from the middle: 70 % within 20, 25 % within 200.
    pub fn near(&mut self) -> i64 {
        let reach = match self.below(100) {
            0..70 => 20,
            70..95 => 200,
            _ => 1_000,
        };
        1 + self.below(reach) as i64
    }

    /// Three in ten remove the level.
    pub fn size(&mut self) -> i64 {
        if self.below(10) < 3 { 0 } else { 1 + self.below(1_000_000) as i64 }
    }
}

fn texts(mut make: impl FnMut() -> String) -> Vec<String> {
    (0..VARIETY).map(|_| make()).collect()
}

fn price(ticks: i64) -> String {
    format!("{}.{:02}000000", ticks / 100, ticks % 100)
}

fn size(size: i64) -> String {
    format!("{}.{:05}000", size / 100_000, size % 100_000)
}

fn binance_depth(draw: &mut Draw) -> String {
    let mut side = |sign: i64| {
        let one = |draw: &mut Draw| {
            format!(r#"["{}","{}"]"#, price(MIDDLE + sign * draw.near()), size(draw.size()))
        };
        [one(draw), one(draw), one(draw)].join(",")
    };
    let (bids, asks) = (side(-1), side(1));
    let id = 100_000_000_000 + draw.below(1_000_000_000);
    format!(
        r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":{id},"u":{},"b":[{bids}],"a":[{asks}]}}}}"#,
        id + 2
    )
}

fn binance_quote(draw: &mut Draw) -> String {
    let (bid, ask) = (price(MIDDLE - draw.near()), price(MIDDLE + draw.near()));
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT","b":"{bid}","B":"{}","a":"{ask}","A":"{}"}}}}"#,
        400_900_217 + draw.below(1_000_000),
        size(draw.size()),
        size(draw.size())
    )
}

fn binance_trade(draw: &mut Draw) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":{},"p":"{}","q":"{}","T":1672515782136,"m":true,"M":true}}}}"#,
        12_345 + draw.below(1_000_000),
        price(MIDDLE + draw.near()),
        size(1 + draw.size())
    )
}

fn coinapi_book(draw: &mut Draw, levels: usize) -> String {
    let mut side = |sign: i64| {
        let one = |draw: &mut Draw| {
            let (ticks, size) = (MIDDLE + sign * draw.near(), draw.size());
            format!(
                r#"{{"price":{}.{:02},"size":{}.{:05}}}"#,
                ticks / 100,
                ticks % 100,
                size / 100_000,
                size % 100_000
            )
        };
        (0..levels).map(|_| one(draw)).collect::<Vec<_>>().join(",")
    };
    let (bids, asks) = (side(-1), side(1));
    format!(
        r#"{{"type":"book","symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":{},"time_exchange":"2026-09-28T22:40:50.1234567Z","time_coinapi":"2026-03-18T22:42:21.4763342Z","is_snapshot":false,"asks":[{asks}],"bids":[{bids}]}}"#,
        2 + draw.below(1_000_000)
    )
}

const HEAD: &str = r#""symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":2323346,"time_exchange":"2026-09-28T22:40:50.0000000Z","time_coinapi":"2026-03-18T22:42:21.3763342Z""#;

fn coinapi_quote(draw: &mut Draw) -> String {
    let mut price = |sign: i64| {
        let ticks = MIDDLE + sign * draw.near();
        format!("{}.{:02}", ticks / 100, ticks % 100)
    };
    let (bid, ask) = (price(-1), price(1));
    format!(
        r#"{{"type":"quote",{HEAD},"ask_price":{ask},"ask_size":3252,"bid_price":{bid},"bid_size":124.5}}"#
    )
}

fn coinapi_trade(draw: &mut Draw) -> String {
    let ticks = MIDDLE + draw.near();
    format!(
        r#"{{"type":"trade",{HEAD},"uuid":"770C7A3B-7258-4441-8182-{:012X}","price":{}.{:02},"size":0.050000000,"taker_side":"BUY"}}"#,
        draw.below(1 << 40),
        ticks / 100,
        ticks % 100
    )
}

fn route(name: &'static str, venue: impl Venue + 'static, texts: Vec<String>) -> Path {
    let mut turn = 0;
    path(name, move || {
        turn += 1;
        let route = venue.route(black_box(&texts[turn % VARIETY]), Handles::NONE);
        assert!(matches!(black_box(route), Route::Data { .. }));
    })
}

fn decode(name: &'static str, venue: impl Venue + 'static, channel: Channel, texts: Vec<String>) -> Path {
    let (mut turn, mut out) = (0, Decoded::default());
    path(name, move || {
        turn += 1;
        out.clear();
        venue.decode(channel, black_box(&texts[turn % VARIETY]), &mut out).expect("a good frame");
        black_box(&out);
    })
}

fn level(ticks: i64, size: i64) -> Level {
    let decimal = |n: i64, scale| Decimal::new(i128::from(n), scale).expect("it fits");
    Level { price: decimal(ticks, 2), size: decimal(size, 5) }
}

fn side(levels: i64, sign: i64) -> Vec<Level> {
    (1..=levels).map(|distance| level(MIDDLE + sign * distance, 100_000 + distance)).collect()
}

type Changes = [Vec<Level>; 2];

fn changes(mut distance: impl FnMut(&mut Draw) -> i64) -> Vec<Changes> {
    let mut draw = Draw(11);
    let mut one = |sign| (0..3).map(|_| level(MIDDLE + sign * distance(&mut draw), draw.size())).collect();
    (0..VARIETY).map(|_| [one(-1), one(1)]).collect()
}

fn book(name: &'static str, levels: i64, distance: impl FnMut(&mut Draw) -> i64) -> Path {
    let mut book = Book::new(2 * levels as usize);
    book.load(&side(levels, -1), &side(levels, 1), Window::default()).expect("a good book");
    let (mut turn, changes) = (0, changes(distance));
    path(name, move || {
        turn += 1;
        let [bids, asks] = black_box(&changes[turn % VARIETY]);
        book.apply(bids, asks).expect("good changes");
    })
}

const RULES: SyncRules = SyncRules {
    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    in_band_restart: false,
    crossed_is_fault: true,
    stream_depth: None,
    checksum: None,
    levels_per_side_max: 2_000,
    window_messages_max: 4_096,
    window_bytes_max: 128 * 1024,
    refresh_levels_min: 50,
};

/// A book that is live, and the number it stands at.
fn live() -> Keeper {
    let mut keeper = Keeper::new(RULES, true, 0);
    keeper.opened(Stamp::default());
    let snapshot = Snapshot {
        sequence: Some(100),
        bids: side(1_000, -1),
        asks: side(1_000, 1),
        depth_limit: Some(5_000),
        ..Snapshot::default()
    };
    keeper.snapshot(Stamp::default(), &snapshot);
    assert!(keeper.sync.state().is_live());
    keeper
}

fn keeper(name: &'static str) -> Path {
    let (mut keeper, mut last, mut frame, changes) = (live(), 100, Decoded::default(), changes(Draw::near));
    path(name, move || {
        last += 1;
        frame.clear();
        let [bids, asks] = black_box(&changes[last as usize % VARIETY]);
        frame.bids.extend_from_slice(bids);
        frame.asks.extend_from_slice(asks);
        let span = Some(Span { first: last, last, previous: None });
        let event = BookEvent {
            cross: None,
            kind: BookKind::Delta,
            span,
            checksum: None,
            exchange_time: None,
            venue_time: None,
        };
        frame.event = Some(depthd::engine::event::Event::Book(event));
        let noted = keeper.decoded(Stamp::default(), &mut frame);
        assert!(noted.gap.is_none());
    })
}

struct NoLosses;

impl LossBoard for NoLosses {
    fn dropped(&self, _: ConnectionId, _: BookId, _: Stamp) {}

    fn broken(&self, _: BookId, _: StaleReason, _: Stamp) -> u64 {
        0
    }

    fn is_passed(&self, _: BookId, _: u64) -> bool {
        true
    }
}

fn through_queue(name: &'static str) -> Path {
    let (entrance, outlet) = queue(500, 8 << 20, 10, 16);
    let losses = Arc::new(NoLosses);
    let mut inlet = entrance.inlet(ConnectionId(0), Generation(1), None, BATCH, Overflow::DropNewest, losses);
    let (mut draw, mut broken) = (Draw(13), Vec::new());
    let texts = texts(|| binance_depth(&mut draw));
    path(name, move || {
        for text in &texts[..BATCH] {
            inlet.push(BookId(1), Channel::Book, text, Stamp::default(), || false).expect("a worker");
        }
        inlet.settle().expect("a worker");
        while let Ok(job) = outlet.take(&mut broken) {
            let Job::Batch(batch) = job else { panic!("only batches were sent") };
            black_box(&batch);
            outlet.done(batch);
        }
    })
}

fn publish(name: &'static str) -> Path {
    let (keeper, slot) = (live(), Slot::new(BookId(0), FeedId(0), ConnectionId(0), 0, "X".to_owned()));
    path(name, move || {
        let shown: Published = published(black_box(&keeper));
        slot.publish(&shown, 1);
    })
}
