//! The fault catalogue, as data: what can go wrong, each with a name, and how often it is drawn.
//!
//! A fault may lose, repeat, delay or disguise what the venue says, and may break the connection. It never makes the venue lie
//! in a way no client could find out: a lost message has used up its number, an old answer carries its old stamp.

use super::config::FaultLevel;
use super::random::Random;
use std::time::Duration;

/// Something that goes wrong. Symbols are in the face's own spelling; `None` means all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// To the next book change of a symbol, on every connection that carries it.
    Stream { symbol: Option<String>, what: StreamFault },
    /// To the market itself: the true book does this.
    Market { symbol: Option<String>, what: MarketFault },
    /// To every open connection, now.
    Link(LinkFault),
    /// To the next `count` upgrades.
    Upgrade { count: u32, what: UpgradeFault },
    /// To the next `count` REST calls.
    Rest { count: u32, what: RestFault },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamFault {
    /// The message is lost.
    Gap,
    /// It comes twice.
    Duplicate,
    /// It comes again after the one that follows it.
    Late,
    /// It comes after the one that follows it.
    Reorder,
    /// Numbering falls back to 1, nothing lost (CoinAPI).
    Restart,
    /// It carries no number (CoinAPI).
    Unsequenced,
    /// It is a whole book instead (CoinAPI).
    Snapshot,
    /// A message without levels follows it (CoinAPI).
    Empty,
    /// It carries a sum that is not the book's, or the next sum of its book does (faces that send sums).
    WrongSum,
    /// It comes in three frames.
    Fragmented,
    /// It comes unreadable, and so is lost.
    Malformed(Malformed),
    /// A message nobody asked for comes with it.
    Extra(Extra),
}

/// How a message is spoiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// JSON that stops in the middle.
    Truncated,
    Html,
    WrongType,
    /// A price of sixty digits.
    HugeNumber,
    NegativeSize,
    /// 25,000 levels a side.
    TooDeep,
    /// A text frame that is not UTF-8. Ends the connection.
    BadUtf8,
    /// A binary frame where text is due.
    Binary,
    /// A frame that claims a gigabyte. Ends the connection.
    Oversize,
    /// A reserved bit is set. Ends the connection.
    ReservedBit,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extra {
    UnknownType,
    UnknownSymbol,
    PingFlood,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarketFault {
    Jump,
    /// Crossed for one version.
    Cross,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkFault {
    Reset,
    /// The socket ends without a close frame.
    Fin,
    Close(u16),
    /// Silence for good: nothing is sent and nothing is read.
    HalfOpen,
    /// Nothing for a while, then all of it.
    Stall(Duration),
    /// A few bytes at a time for a while.
    Slice(Duration),
    /// The planned-restart notice, then the close.
    Notice(Duration),
    /// The slow-reader error, then the close.
    BufferError,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpgradeFault {
    /// Refused with a status, and a wait where one is given.
    Refuse { status: u16, wait: Option<Duration> },
    /// The socket is reset on accept.
    Reset,
    /// Never answered.
    Hang,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestFault {
    Status {
        status: u16,
        wait: Option<Duration>,
    },
    Slow(Duration),
    /// Never answered.
    Hang,
    /// A book of some versions ago, with its own stamp.
    Stale,
    /// The body stops half way.
    Cut,
    Empty,
    Html,
    OtherSymbol,
    /// A few bytes at a time.
    Trickle,
    /// A body of 32 MiB.
    Huge,
    /// Levels split into entries of one price (CoinAPI).
    Split,
    Crossed,
}

impl Fault {
    /// A word for counters: a closed set.
    pub const fn name(&self) -> &'static str {
        match self {
            Fault::Stream { what, .. } => match what {
                StreamFault::Gap => "gap",
                StreamFault::Duplicate => "duplicate",
                StreamFault::Late => "late",
                StreamFault::Reorder => "reorder",
                StreamFault::Restart => "restart",
                StreamFault::Unsequenced => "unsequenced",
                StreamFault::Snapshot => "snapshot",
                StreamFault::Empty => "empty",
                StreamFault::WrongSum => "wrong_sum",
                StreamFault::Fragmented => "fragmented",
                StreamFault::Malformed(Malformed::Truncated) => "truncated",
                StreamFault::Malformed(Malformed::Html) => "html",
                StreamFault::Malformed(Malformed::WrongType) => "wrong_type",
                StreamFault::Malformed(Malformed::HugeNumber) => "huge_number",
                StreamFault::Malformed(Malformed::NegativeSize) => "negative_size",
                StreamFault::Malformed(Malformed::TooDeep) => "too_deep",
                StreamFault::Malformed(Malformed::BadUtf8) => "bad_utf8",
                StreamFault::Malformed(Malformed::Binary) => "binary",
                StreamFault::Malformed(Malformed::Oversize) => "oversize",
                StreamFault::Malformed(Malformed::ReservedBit) => "reserved_bit",
                StreamFault::Extra(Extra::UnknownType) => "unknown_type",
                StreamFault::Extra(Extra::UnknownSymbol) => "unknown_symbol",
                StreamFault::Extra(Extra::PingFlood) => "ping_flood",
            },
            Fault::Market { what: MarketFault::Jump, .. } => "jump",
            Fault::Market { what: MarketFault::Cross, .. } => "cross",
            Fault::Link(LinkFault::Reset) => "reset",
            Fault::Link(LinkFault::Fin) => "fin",
            Fault::Link(LinkFault::Close(_)) => "close",
            Fault::Link(LinkFault::HalfOpen) => "half_open",
            Fault::Link(LinkFault::Stall(_)) => "stall",
            Fault::Link(LinkFault::Slice(_)) => "slice",
            Fault::Link(LinkFault::Notice(_)) => "notice",
            Fault::Link(LinkFault::BufferError) => "buffer_error",
            Fault::Upgrade { what: UpgradeFault::Refuse { .. }, .. } => "upgrade_refused",
            Fault::Upgrade { what: UpgradeFault::Reset, .. } => "upgrade_reset",
            Fault::Upgrade { what: UpgradeFault::Hang, .. } => "upgrade_hang",
            Fault::Rest { what, .. } => match what {
                RestFault::Status { .. } => "rest_status",
                RestFault::Slow(_) => "rest_slow",
                RestFault::Hang => "rest_hang",
                RestFault::Stale => "rest_stale",
                RestFault::Cut => "rest_cut",
                RestFault::Empty => "rest_empty",
                RestFault::Html => "rest_html",
                RestFault::OtherSymbol => "rest_other_symbol",
                RestFault::Trickle => "rest_trickle",
                RestFault::Huge => "rest_huge",
                RestFault::Split => "rest_split",
                RestFault::Crossed => "rest_crossed",
            },
        }
    }
}

/// Mean time between faults; `None` for never.
pub fn mean_gap(level: FaultLevel) -> Option<Duration> {
    match level {
        FaultLevel::Off => None,
        FaultLevel::Light => Some(Duration::from_secs(10)),
        FaultLevel::Chaos => Some(Duration::from_millis(700)),
    }
}

/// A kind with its weights: under `light`, under `chaos`.
type Row = (u32, u32, fn(&mut Random) -> Fault);

fn stream(what: StreamFault) -> Fault {
    Fault::Stream { symbol: None, what }
}

fn spoiled(what: Malformed) -> Fault {
    stream(StreamFault::Malformed(what))
}

fn rest(what: RestFault) -> Fault {
    Fault::Rest { count: 1, what }
}

fn millis(random: &mut Random, low: i64, high: i64) -> Duration {
    Duration::from_millis(random.between(low, high).unsigned_abs())
}

/// Weights keep a chaotic connection alive for some eight seconds on average: less, and nothing but reconnecting is tested.
/// Faults that by the venue's own rules call for minutes of patience (a ban, a spent quota, a refused key) are never drawn.
const ROWS: &[Row] = &[
    (30, 12, |_| stream(StreamFault::Gap)),
    (8, 6, |_| stream(StreamFault::Duplicate)),
    (0, 6, |_| stream(StreamFault::Late)),
    (0, 6, |_| stream(StreamFault::Reorder)),
    (4, 4, |_| stream(StreamFault::Restart)),
    (0, 4, |_| stream(StreamFault::Unsequenced)),
    (8, 6, |_| stream(StreamFault::Snapshot)),
    (4, 4, |_| stream(StreamFault::Empty)),
    (4, 4, |_| stream(StreamFault::Fragmented)),
    (0, 3, |_| spoiled(Malformed::Truncated)),
    (0, 2, |_| spoiled(Malformed::Html)),
    (0, 3, |_| spoiled(Malformed::WrongType)),
    (0, 3, |_| spoiled(Malformed::HugeNumber)),
    (0, 3, |_| spoiled(Malformed::NegativeSize)),
    (0, 1, |_| spoiled(Malformed::TooDeep)),
    (0, 2, |_| spoiled(Malformed::BadUtf8)),
    (0, 2, |_| spoiled(Malformed::Binary)),
    (0, 1, |_| spoiled(Malformed::Oversize)),
    (0, 1, |_| spoiled(Malformed::ReservedBit)),
    (4, 4, |_| stream(StreamFault::Extra(Extra::UnknownType))),
    (0, 4, |_| stream(StreamFault::Extra(Extra::UnknownSymbol))),
    (0, 2, |_| stream(StreamFault::Extra(Extra::PingFlood))),
    (4, 5, |_| Fault::Market { symbol: None, what: MarketFault::Jump }),
    (0, 2, |_| Fault::Market { symbol: None, what: MarketFault::Cross }),
    (8, 3, |_| Fault::Link(LinkFault::Reset)),
    (4, 2, |_| Fault::Link(LinkFault::Fin)),
    (4, 2, |r| Fault::Link(LinkFault::Close(*r.pick(&[1000, 1001, 1006, 1008, 1011]).unwrap_or(&1000)))),
    (0, 1, |_| Fault::Link(LinkFault::HalfOpen)),
    (4, 5, |r| Fault::Link(LinkFault::Stall(millis(r, 200, 2_500)))),
    (2, 4, |r| Fault::Link(LinkFault::Slice(millis(r, 200, 1_500)))),
    (8, 2, |r| Fault::Link(LinkFault::Notice(millis(r, 500, 3_000)))),
    (0, 1, |_| Fault::Link(LinkFault::BufferError)),
    (2, 2, |r| {
        let status = *r.pick(&[429, 503]).unwrap_or(&429);
        let wait = (status == 429).then(|| millis(r, 200, 1_500));
        Fault::Upgrade { count: 1, what: UpgradeFault::Refuse { status, wait } }
    }),
    (0, 2, |_| Fault::Upgrade { count: 1, what: UpgradeFault::Reset }),
    (4, 4, |r| {
        let status = *r.pick(&[429, 429, 500, 502, 503, 550]).unwrap_or(&429);
        let wait = (status == 429 && r.percent(50)).then(|| Duration::from_secs(1 + r.below(2)));
        rest(RestFault::Status { status, wait })
    }),
    (4, 3, |r| rest(RestFault::Slow(millis(r, 300, 1_500)))),
    (0, 1, |_| rest(RestFault::Hang)),
    (4, 4, |_| rest(RestFault::Stale)),
    (0, 3, |_| rest(RestFault::Cut)),
    (0, 3, |_| rest(RestFault::Empty)),
    (0, 3, |_| rest(RestFault::Html)),
    (0, 3, |_| rest(RestFault::OtherSymbol)),
    (0, 2, |_| rest(RestFault::Trickle)),
    (0, 1, |_| rest(RestFault::Huge)),
    (4, 4, |_| rest(RestFault::Split)),
    (0, 2, |_| rest(RestFault::Crossed)),
    // New rows go here: seeds that were pinned before them draw from the rows above alone.
    (4, 4, |_| stream(StreamFault::WrongSum)),
];

/// As many kinds as there were when seeds were first pinned, and as there are now.
pub const KINDS_FIRST: usize = 46;
pub const KINDS_MAX: usize = ROWS.len();

/// The names of the first `count` kinds.
pub fn kinds(count: usize) -> Vec<&'static str> {
    ROWS.iter().take(count).map(|row| (row.2)(&mut Random::new(0)).name()).collect()
}

/// Draws a fault of one of these kinds, out of the first `count`, each as likely as under `chaos`; `None` when none of them
/// is drawn soon.
pub fn draw_among(kinds: &[&str], count: usize, random: &mut Random) -> Option<Fault> {
    let rows = &ROWS[..count.min(ROWS.len())];
    let mut draws = (0..64 * rows.len()).filter_map(|_| draw_of(rows, FaultLevel::Chaos, random));
    draws.find(|fault| kinds.contains(&fault.name()))
}

/// Draws a fault; `None` when the level has none.
pub fn draw(level: FaultLevel, random: &mut Random) -> Option<Fault> {
    draw_of(ROWS, level, random)
}

fn draw_of(rows: &[Row], level: FaultLevel, random: &mut Random) -> Option<Fault> {
    let weight = |row: &Row| match level {
        FaultLevel::Off => 0,
        FaultLevel::Light => row.0,
        FaultLevel::Chaos => row.1,
    };
    let total: u32 = rows.iter().map(weight).sum();
    let mut point = random.below(u64::from(total)) as u32;
    for row in rows {
        if point < weight(row) {
            return Some((row.2)(random));
        }
        point -= weight(row);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn chaos_draws_every_kind_and_off_none() {
        let mut random = Random::new(5);
        assert_eq!(draw(FaultLevel::Off, &mut random), None);
        let names = |level, random: &mut Random| -> BTreeSet<&str> {
            (0..20_000).filter_map(|_| draw(level, random)).map(|fault| fault.name()).collect()
        };
        assert_eq!(names(FaultLevel::Chaos, &mut random).len(), ROWS.len());
        let light = names(FaultLevel::Light, &mut random);
        assert_eq!(light.len(), ROWS.iter().filter(|row| row.0 > 0).count());
        assert!(light.contains("gap") && !light.contains("half_open"));
    }

    #[test]
    fn what_is_drawn_among_old_kinds_stays_as_it_was() {
        let mut random = Random::new(7);
        let old = kinds(KINDS_FIRST);
        assert_eq!((old.len(), old.last()), (KINDS_FIRST, Some(&"rest_crossed")));
        let names: BTreeSet<&str> = (0..20_000)
            .filter_map(|_| draw_among(&old, KINDS_FIRST, &mut random))
            .map(|fault| fault.name())
            .collect();
        assert_eq!(names, old.iter().copied().collect());
        assert_eq!(draw_among(&["wrong_sum"], KINDS_FIRST, &mut random), None);
        let new = draw_among(&["wrong_sum"], KINDS_MAX, &mut random).expect("soon");
        assert_eq!(new.name(), "wrong_sum");
    }
}
