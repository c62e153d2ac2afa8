//! Real recorded frames through the venue's own code. Needs `DEPTHD_CAPTURES`; says so and passes without it.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Channel, Decoded, Event, Level, Quote, Snapshot};
use depthd::venue::handles::Handles;
use depthd::venue::{Route, Venue, catalog};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Calls `each` with every whole line of a recording, its receive time cut off. A torn tail ends it quietly.
fn each_line(name: &str, mut each: impl FnMut(&str)) -> bool {
    let Some(folder) = std::env::var_os("DEPTHD_CAPTURES") else {
        println!("SKIP {name}: DEPTHD_CAPTURES is not set");
        return false;
    };
    let path = PathBuf::from(folder).join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = BufReader::new(GzDecoder::new(file));
    let mut line = String::new();
    // An error is the torn tail; a line without its end is one too.
    while matches!(reader.read_line(&mut line), Ok(n) if n > 0) && line.ends_with('\n') {
        let (_, frame) = line.trim_end().split_once(' ').expect("a receive time, then the frame");
        each(frame);
        line.clear();
    }
    true
}

#[derive(Default, Debug, PartialEq)]
struct Seen {
    depth: usize,
    trades: usize,
    quotes: usize,
    snapshots: usize,
    levels: usize,
}

#[test]
fn every_line_of_the_binance_spot_recording_routes_and_decodes() {
    let venue = catalog::by_name("binance").expect("a known venue");
    let (mut seen, mut out) = (Seen::default(), Decoded::default());
    let (mut last, mut took, mut frames) = (None::<u64>, Duration::ZERO, 0u32);
    let there = each_line("binance-spot-btcusdt-20240808.gz", |frame| {
        if frame.starts_with(r#"{"lastUpdateId""#) {
            let snapshot = venue.snapshot("BTCUSDT", frame.as_bytes()).expect("the recorded snapshot");
            assert_eq!(venue.route(frame, Handles::NONE), Route::Unknown, "it never comes over the stream");
            assert_eq!(snapshot.sequence, Some(50_093_239_218));
            assert!(snapshot.bids[0].price < snapshot.asks[0].price);
            assert!(sorted(&snapshot.bids, false) && sorted(&snapshot.asks, true));
            seen.snapshots += 1;
            return;
        }
        let start = Instant::now();
        let event = place_and_decode(&*venue, frame, &mut out);
        took += start.elapsed();
        frames += 1;
        match event {
            Event::Book(book) => {
                let span = book.span.expect("binance numbers everything");
                assert!(last.is_none_or(|last| span.first == last + 1), "a gap before {frame}");
                last = Some(span.last);
                seen.depth += 1;
                seen.levels += out.bids.len() + out.asks.len();
                assert!(
                    out.bids.iter().chain(&out.asks).all(|l| !l.price.is_zero() && !l.size.is_negative())
                );
            }
            Event::Trades => seen.trades += out.trades.len(),
            Event::Precision(_) | Event::Liquidations => panic!("nothing of the kind"),
            Event::Quote(quote) => {
                assert!(quote.bid.expect("a bid").price < quote.ask.expect("an ask").price, "{frame}");
                seen.quotes += 1;
            }
        }
    });
    if there {
        println!("{seen:?}, {} ns a frame", took.as_nanos() / u128::from(frames.max(1)));
        let want = Seen { depth: 3_451, trades: 9_757, quotes: 28_040, snapshots: 1, levels: 124_090 };
        assert_eq!(seen, want);
    }
}

/// What was decoded is what the venue meant: a naive book made of it shows the venue's own best prices.
#[test]
fn the_decoded_binance_spot_recording_rebuilds_the_venues_own_best_prices() {
    let venue = catalog::by_name("binance").expect("a known venue");
    let (mut out, mut book, mut updates) = (Decoded::default(), Naive::default(), Vec::new());
    let (mut quotes, mut snapshot) = (BTreeMap::new(), Snapshot::default());
    let there = each_line("binance-spot-btcusdt-20240808.gz", |frame| {
        if frame.starts_with(r#"{"lastUpdateId""#) {
            snapshot = venue.snapshot("BTCUSDT", frame.as_bytes()).expect("the recorded snapshot");
            return;
        }
        match place_and_decode(&*venue, frame, &mut out) {
            Event::Book(event) => {
                let last = event.span.expect("binance numbers everything").last;
                updates.push((last, out.bids.clone(), out.asks.clone()));
            }
            Event::Quote(quote) => drop(quotes.insert(quote.sequence, quote)),
            Event::Trades | Event::Liquidations | Event::Precision(_) => {}
        }
    });
    if !there {
        return;
    }
    book.apply(&snapshot.bids, &snapshot.asks);
    let (mut same_id, mut compared, mut crossed) = (0, 0, 0);
    for (last, bids, asks) in updates.iter().filter(|(last, ..)| Some(*last) > snapshot.sequence) {
        book.apply(bids, asks);
        let best = book.best();
        crossed += usize::from(best.0.unwrap().price >= best.1.unwrap().price);
        // Every change of the best prices is announced, so the latest announcement holds until the next.
        if let Some((id, &Quote { bid, ask, .. })) = quotes.range(..=Some(*last)).next_back() {
            assert_eq!(best, (bid, ask), "at {last}");
            compared += 1;
            same_id += usize::from(*id == Some(*last));
        }
    }
    println!("{compared} best prices compared, {same_id} of them at the same id; {crossed} crossed books");
    assert_eq!((compared, same_id, crossed), (3_449, 564, 0));
}

/// The slow, obvious book.
#[derive(Default)]
struct Naive {
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
}

impl Naive {
    fn apply(&mut self, bids: &[Level], asks: &[Level]) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels {
                match level.size.is_zero() {
                    true => drop(side.remove(&level.price)),
                    false => drop(side.insert(level.price, level.size)),
                }
            }
        }
    }

    fn best(&self) -> (Option<Level>, Option<Level>) {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        (self.bids.last_key_value().map(level), self.asks.first_key_value().map(level))
    }
}

fn place_and_decode(venue: &dyn Venue, frame: &str, out: &mut Decoded) -> Event {
    let Route::Data { symbol, channel } = venue.route(frame, Handles::NONE) else {
        panic!("not placed: {frame}")
    };
    assert_eq!(symbol, "btcusdt");
    assert!([Channel::Book, Channel::Trade, Channel::Quote].contains(&channel));
    out.clear();
    venue.decode(channel, frame, out).unwrap_or_else(|e| panic!("{e}: {frame}"));
    out.event.expect("a decoded frame has its event")
}

fn sorted(levels: &[Level], ascending: bool) -> bool {
    levels.is_sorted_by(|a, b| if ascending { a.price < b.price } else { a.price > b.price })
}
