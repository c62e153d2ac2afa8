//! The book on what a venue really sent, beside two maps without its checks: whether sorted vectors are the right
//! structure. Needs `DEPTHD_CAPTURES`; says so and passes without it.

use criterion::{BatchSize, Criterion};
use depthd::engine::book::{Book, Window};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Channel, Decoded, Event, Level, Snapshot};
use depthd::venue::Venue;
use depthd::venue::binance::Binance;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

const FILE: &str = "binance-spot-btcusdt-20240808.gz";
/// Prices have two decimals there and sizes five; eight are what the venue writes.
const SCALE: u8 = 8;

type Changes = (Vec<Level>, Vec<Level>);

pub fn bench(c: &mut Criterion) {
    let Some(folder) = std::env::var_os("DEPTHD_CAPTURES") else {
        println!("SKIP recorded: DEPTHD_CAPTURES is not set");
        return;
    };
    let (snapshot, updates) = read(&PathBuf::from(folder).join(FILE));
    let levels: usize = updates.iter().map(|(bids, asks)| bids.len() + asks.len()).sum();
    println!("recorded: {} updates of {levels} levels", updates.len());
    let book = || {
        let mut book = Book::new(10_000);
        book.load(&snapshot.bids, &snapshot.asks, Window::default()).expect("a good book");
        book
    };
    c.bench_function("recorded, sorted vectors", |bencher| {
        let apply = |mut book: Book| {
            updates.iter().for_each(|(bids, asks)| book.apply(bids, asks).expect("good changes"));
            book
        };
        bencher.iter_batched(book, apply, BatchSize::SmallInput);
    });
    let maps = || [&snapshot.bids, &snapshot.asks].map(|side| side.iter().map(numbers).collect());
    c.bench_function("recorded, two maps", |bencher| {
        let apply = |mut maps: [BTreeMap<i64, i64>; 2]| {
            for (bids, asks) in &updates {
                set(&mut maps[0], bids);
                set(&mut maps[1], asks);
            }
            maps
        };
        bencher.iter_batched(maps, apply, BatchSize::SmallInput);
    });
}

fn read(path: &Path) -> (Snapshot, Vec<Changes>) {
    let mut reader = BufReader::new(GzDecoder::new(File::open(path).expect("a recording")));
    let (mut snapshot, mut updates) = (None::<Snapshot>, Vec::new());
    let (mut line, mut out) = (String::new(), Decoded::default());
    // A receive time and a frame; an error is a torn tail.
    while matches!(reader.read_line(&mut line), Ok(n) if n > 0) {
        let frame = line.trim_end().split_once(' ').map_or("", |(_, frame)| frame);
        if frame.starts_with(r#"{"lastUpdateId""#) {
            snapshot = Some(Binance.snapshot("BTCUSDT", frame.as_bytes()).expect("the recorded snapshot"));
        } else if frame.contains("@depth") {
            out.clear();
            Binance.decode(Channel::Book, frame, &mut out).expect("a recorded update");
            let known = snapshot.as_ref().and_then(|s| s.sequence);
            if let Some(Event::Book(event)) = out.event
                && known.is_some_and(|known| event.span.is_some_and(|span| span.last > known))
            {
                updates.push((out.bids.clone(), out.asks.clone()));
            }
        }
        line.clear();
    }
    (snapshot.expect("a snapshot"), updates)
}

fn numbers(level: &Level) -> (i64, i64) {
    let number = |n: Decimal| {
        let mantissa = n.mantissa_i64().expect("a price or size of this venue");
        mantissa * 10i64.pow(u32::from(SCALE - n.scale()))
    };
    (number(level.price), number(level.size))
}

fn set(side: &mut BTreeMap<i64, i64>, changes: &[Level]) {
    for (price, size) in changes.iter().map(numbers) {
        if size == 0 {
            side.remove(&price);
        } else {
            side.insert(price, size);
        }
    }
}
