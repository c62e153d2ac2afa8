//! Binance futures: the start of recorded runs, and recorded minutes of BTCUSDT with its best prices as witness.

use super::*;
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Level, Quote, Snapshot};
use depthd::engine::need::{Joined, Need};
use depthd::engine::sync::Discard;
use depthd::venue::binance_futures::BinanceFutures;

const VENUE: BinanceFutures = BinanceFutures::USDM;

/// `(U, u, pu)`.
type Ids = (u64, u64, u64);

/// One book as its worker keeps it.
struct Bench {
    keeper: Keeper,
    out: Decoded,
    now: u64,
}

impl Bench {
    fn new() -> Bench {
        let mut keeper = Keeper::new(rules(VENUE.profile()), true, 100);
        keeper.opened(stamp(0));
        Bench { keeper, out: Decoded::default(), now: 0 }
    }

    /// Takes a frame of the stream through router and decoder, and says what gap it showed.
    fn frame(&mut self, text: &str) -> Option<Gap> {
        let Route::Data { channel, .. } = VENUE.route(text, Handles::NONE) else {
            panic!("not placed: {text}")
        };
        self.out.clear();
        VENUE.decode(channel, text, &mut self.out).unwrap_or_else(|e| panic!("{e}: {text}"));
        self.now += 1;
        let noted = self.keeper.decoded(stamp(self.now), &mut self.out);
        assert_eq!(noted.mismatch, None, "{text}");
        noted.gap
    }

    fn event(&mut self, (first, last, previous): Ids) -> Option<Gap> {
        self.frame(&format!(
            r#"{{"stream":"sushiusdt@depth@100ms","data":{{"e":"depthUpdate","E":1626992741037,"T":1626992741024,"s":"SUSHIUSDT","U":{first},"u":{last},"pu":{previous},"b":[["7.5","{}"]],"a":[]}}}}"#,
            last % 1_000 + 1
        ))
    }

    fn rest(&mut self, body: &str) -> Joined {
        let snapshot = VENUE.snapshot("SUSHIUSDT", body.as_bytes()).unwrap_or_else(|e| panic!("{e}: {body}"));
        self.snapshot(&snapshot)
    }

    fn snapshot(&mut self, snapshot: &Snapshot) -> Joined {
        self.now += 1;
        let (joined, mismatch) = self.keeper.snapshot(stamp(self.now), snapshot);
        assert_eq!(mismatch, None);
        joined
    }

    fn join(&mut self, at: u64) -> Joined {
        self.rest(&format!(
            r#"{{"lastUpdateId":{at},"E":1626992741037,"T":1626992741024,"bids":[["7.4","1"]],"asks":[["7.6","1"]]}}"#
        ))
    }

    fn best(&self) -> (Option<Level>, Option<Level>) {
        let book = self.keeper.sync.book();
        (book.best(Side::Bid), book.best(Side::Ask))
    }
}

fn stamp(n: u64) -> Stamp {
    Stamp { mono: Mono::from_nanos(n * 1_000_000), wall: Wall::from_nanos(1) }
}

/// The starts of vector V3, each with what its continuation names as the one before: snapshot id, queued events, how many of
/// them the snapshot makes superfluous.
const STARTS: [(&str, u64, &[Ids], u64); 4] = [
    (
        "SUSHIUSDT",
        600_859_605_926,
        &[
            (600_859_599_090, 600_859_600_917, 600_859_598_061),
            (600_859_601_193, 600_859_602_861, 600_859_600_917),
            (600_859_603_343, 600_859_604_824, 600_859_602_861),
            (600_859_605_926, 600_859_607_423, 600_859_604_824),
        ],
        3,
    ),
    // The second ends where the snapshot does: the dossier keeps it and nothing of it is new, so it may as well go.
    (
        "AKROUSDT",
        600_859_605_486,
        &[
            (600_859_598_000, 600_859_599_831, 600_859_597_000),
            (600_859_603_597, 600_859_605_486, 600_859_599_831),
        ],
        2,
    ),
    ("KEEPUSDT", 600_859_619_434, &[(600_859_618_057, 600_859_619_434, 600_859_617_000)], 1),
    ("CTKUSDT", 600_859_618_836, &[(600_859_617_271, 600_859_618_836, 600_859_616_000)], 1),
];

/// Vector V3 of the Binance dossier: the snapshot lies inside or at the end of a queued event, and the run goes on by `pu`.
#[test]
fn recorded_starts_join_and_go_on() {
    for (symbol, at, events, older) in STARTS {
        let mut b = Bench::new();
        for ids in events {
            assert_eq!(b.event(*ids), None, "{symbol}");
        }
        assert_eq!(b.keeper.sync.counts().buffered, events.len() as u64);
        assert_eq!(b.join(at), Joined::Live, "{symbol}");
        let counts = *b.keeper.sync.counts();
        assert_eq!(counts.discarded(Discard::Superseded), older, "{symbol}");
        assert_eq!(counts.applied, events.len() as u64 - older);
        let last = events[events.len() - 1].1;
        assert_eq!(b.keeper.sync.sequence(), Some(last.max(at)));

        // Its own first number is far off, as they all are.
        assert_eq!(b.event((last + 400, last + 900, last)), None, "{symbol}");
        assert_eq!(b.event((last + 1_000, last + 1_001, last + 900)), None, "{symbol}");
        assert!(b.keeper.sync.state().is_live());
        let size =
            Decimal::parse(((last + 1_001) % 1_000 + 1).to_string().as_bytes()).expect("a whole number");
        assert_eq!(b.best().0.map(|level| level.size), Some(size), "the last change counts");
    }
}

/// The other mutation of V3: numbers that are neighbours prove nothing, and are never there anyway.
#[test]
fn neighbouring_numbers_prove_nothing() {
    let mut b = Bench::new();
    assert_eq!(b.join(1_000), Joined::Live);
    assert_eq!(b.event((900, 1_100, 850)), None, "the snapshot lies inside");
    let gap = b.event((1_101, 1_200, 1_099));
    assert!(matches!(gap, Some(Gap::Restart { .. } | Gap::Missing { .. })), "{gap:?}");
    for (symbol, _, events, _) in STARTS {
        assert!(events.windows(2).all(|pair| pair[1].0 != pair[0].1 + 1), "{symbol}");
    }
}

/// V3's mutations: any `pu` of the run, before the join or after it, that is off by one is a gap.
#[test]
fn any_predecessor_that_is_off_by_one_is_a_gap() {
    let mut tried = 0;
    for (symbol, at, events, _) in STARTS {
        let mut run = events.to_vec();
        let last = run[run.len() - 1].1;
        run.extend([(last + 10, last + 20, last), (last + 30, last + 40, last + 20)]);
        // The first has nothing before it that it could miss.
        for (changed, by) in (1..run.len()).flat_map(|i| [(i, 1i64), (i, -1)]) {
            let mut b = Bench::new();
            for (i, ids) in run.iter().enumerate() {
                if i == events.len() {
                    let joined = b.join(at);
                    assert_eq!(joined, Joined::Live, "{symbol}");
                }
                let off = if i == changed { by } else { 0 };
                let gap = b.event((ids.0, ids.1, ids.2.strict_add_signed(off)));
                // Where the snapshot ends the run so far, the next may be one that it lies inside of.
                let inside = i == events.len() && at == last && off < 0;
                assert_eq!(
                    gap.is_some(),
                    off != 0 && !inside,
                    "{symbol}: event {i}, changed {changed} by {by}"
                );
                tried += usize::from(off != 0);
                if gap.is_some() && i >= events.len() {
                    let stale =
                        matches!(b.keeper.sync.state(), State::Stale { reason: StaleReason::Gap, .. });
                    assert!(stale, "{symbol}");
                    break;
                }
            }
        }
    }
    println!("{tried} predecessors changed");
}

/// The events that came before a snapshot's number, and one that steps over it.
#[test]
fn old_events_are_dropped_and_a_hole_behind_the_snapshot_is_a_gap() {
    let mut b = Bench::new();
    assert_eq!(b.join(500), Joined::Live);
    assert_eq!(b.event((300, 400, 250)), None);
    assert_eq!(b.keeper.sync.counts().duplicate, 1);
    assert_eq!(b.event((600, 700, 501)), Some(Gap::Missing { expected: 501, got: 600 }));
    assert_eq!(b.keeper.sync.counts().buffered, 1, "it begins the next run");
    assert_eq!(b.join(500), Joined::TooOld);
    assert_eq!(b.join(501), Joined::Live, "right where it goes on");
}

#[derive(Default, Debug, PartialEq)]
struct Seen {
    depth: u64,
    trades: u64,
    quotes: u64,
    snapshots: u64,
    levels: usize,
}

/// A change as it came.
type Change = (u64, Vec<Level>, Vec<Level>);

/// The slow, obvious book of one REST answer and everything since.
#[derive(Default)]
struct Whole {
    at: Option<u64>,
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
}

impl Whole {
    fn apply(&mut self, (last, bids, asks): &Change) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels {
                match level.size.is_zero() {
                    true => drop(side.remove(&level.price)),
                    false => drop(side.insert(level.price, level.size)),
                }
            }
        }
        self.at = Some(*last);
    }

    fn best(&self) -> (Option<Level>, Option<Level>) {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        (self.bids.last_key_value().map(level), self.asks.first_key_value().map(level))
    }

    /// What REST would answer now.
    fn snapshot(&self) -> Snapshot {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        Snapshot {
            sequence: self.at,
            bids: self.bids.iter().rev().take(1_000).map(level).collect(),
            asks: self.asks.iter().take(1_000).map(level).collect(),
            depth_limit: Some(1_000),
            ..Snapshot::default()
        }
    }
}

/// Every line of the recording: no gap by `pu`, and the best prices and sizes are the venue's own wherever an update id
/// stands in both streams; of a naive book, and of ours, which is fed from the naive one where it asks for more levels:
/// there is but one REST answer in the recording, and the market leaves its prices.
#[test]
fn the_recording_rebuilds_the_venues_own_best_prices() {
    let (mut b, mut seen, mut whole) = (Bench::new(), Seen::default(), Whole::default());
    let (mut chain, mut neighbours, mut crossed, mut exhausted, mut asked) = (None::<u64>, 0, 0, 0, 0);
    let (mut quotes, mut waiting): (Vec<Quote>, Vec<Change>) = (Vec::new(), Vec::new());
    let (mut books, mut ours) = (BTreeMap::new(), 0);
    let there = each_line("binance-usdm-btcusdt-20240808.gz", |frame| {
        if frame.starts_with(r#"{"lastUpdateId""#) {
            seen.snapshots += 1;
            assert_eq!(VENUE.route(frame, Handles::NONE), Route::Unknown, "it never comes over the stream");
            assert_eq!(b.rest(frame), Joined::Live);
            let snapshot = VENUE.snapshot("BTCUSDT", frame.as_bytes()).expect("the same once more");
            let at = snapshot.sequence.expect("it has a number");
            whole.apply(&(at, snapshot.bids, snapshot.asks));
            waiting.drain(..).filter(|change| change.0 > at).for_each(|change| whole.apply(&change));
            return;
        }
        let noted = b.frame(frame);
        assert!(matches!(noted, None | Some(Gap::Exhausted)), "{noted:?} after {chain:?}");
        exhausted += u64::from(noted.is_some());
        match b.out.event {
            Some(Event::Book(event)) => {
                let span = event.span.expect("every event is numbered");
                assert!(chain.is_none_or(|last| span.previous == Some(last)), "a gap after {chain:?}");
                neighbours += usize::from(chain.is_some_and(|last| span.first == last + 1));
                chain = Some(span.last);
                seen.depth += 1;
                seen.levels += b.out.bids.len() + b.out.asks.len();
                let change = (span.last, b.out.bids.clone(), b.out.asks.clone());
                if whole.at.is_none() {
                    return waiting.push(change);
                }
                whole.apply(&change);
                books.insert(span.last, whole.best());
                if b.keeper.sync.need() != Need::Nothing {
                    asked += 1;
                    assert_eq!(b.snapshot(&whole.snapshot()), Joined::Live);
                }
                ours += usize::from(b.keeper.sync.state().is_live());
                assert_eq!(b.best(), whole.best(), "at {chain:?}");
                crossed += usize::from(b.keeper.sync.book().is_crossed());
            }
            // A worker keeps the trades; they are no longer here.
            Some(Event::Trades) => seen.trades += 1,
            Some(Event::Quote(quote)) => {
                seen.quotes += 1;
                quotes.push(quote);
            }
            other => panic!("{other:?}"),
        }
    });
    if !there {
        return;
    }
    let (mut same, mut differ) = (0, 0);
    for quote in &quotes {
        if let Some(best) = quote.sequence.and_then(|id| books.get(&id)) {
            same += 1;
            differ += usize::from(*best != (quote.bid, quote.ask));
        }
    }
    let (checks, mismatches) = (b.keeper.audit_checks(), b.keeper.audit_mismatches());
    println!(
        "{seen:?}; {neighbours} neighbours; {ours} live books of {}, {crossed} crossed, REST asked {asked} times, \
         {exhausted} of them late; {same} \
         best prices at equal ids, {differ} differ; audit: {checks} checks, {mismatches} mismatches",
        books.len()
    );
    assert_eq!((differ, mismatches, crossed), (0, 0, 0));
    assert_eq!(b.keeper.sync.counts().gaps, exhausted);
    assert_eq!(seen, Seen { depth: 6_551, trades: 21_313, quotes: 66_089, snapshots: 1, levels: 443_521 });
    // One message takes more levels than were left to vouch for: that is what asks REST, late.
    assert_eq!((books.len(), ours, same, checks, asked, exhausted), (6_545, 6_545, 629, 629, 1, 1));
    assert_eq!(neighbours, 159, "what the spot rule would have taken for unbroken");
}

/// Calls `each` with every whole line of a recording of the form `time frame`. A torn tail ends it quietly.
fn each_line(name: &str, mut each: impl FnMut(&str)) -> bool {
    let Some(folder) = std::env::var_os("DEPTHD_CAPTURES") else {
        println!("SKIP {name}: DEPTHD_CAPTURES is not set");
        return false;
    };
    let path = PathBuf::from(folder).join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = BufReader::new(GzDecoder::new(file));
    let mut line = String::new();
    while matches!(reader.read_line(&mut line), Ok(n) if n > 0) && line.ends_with('\n') {
        let (_, frame) = line.trim_end().split_once(' ').expect("a receive time, then the frame");
        each(frame);
        line.clear();
    }
    true
}
