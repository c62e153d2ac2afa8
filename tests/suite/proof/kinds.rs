//! Every kind of fault a simulated venue knows, as something to ask for.

use depthd::engine::random::Random;
use depthd::sim::{Extra, Fault, LinkFault, Malformed, MarketFault, RestFault, StreamFault, UpgradeFault};
use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What may happen to a message without ending the connection and without costing its book.
const HARMLESS: [StreamFault; 6] = [
    StreamFault::Duplicate,
    StreamFault::Empty,
    StreamFault::Fragmented,
    StreamFault::Extra(Extra::UnknownType),
    StreamFault::Extra(Extra::UnknownSymbol),
    StreamFault::Snapshot,
];

/// What costs the book.
const HARMFUL: [StreamFault; 11] = [
    StreamFault::Gap,
    StreamFault::Late,
    StreamFault::Reorder,
    StreamFault::Restart,
    StreamFault::Unsequenced,
    StreamFault::Malformed(Malformed::Truncated),
    StreamFault::Malformed(Malformed::Html),
    StreamFault::Malformed(Malformed::WrongType),
    StreamFault::Malformed(Malformed::HugeNumber),
    StreamFault::Malformed(Malformed::NegativeSize),
    StreamFault::Malformed(Malformed::TooDeep),
];

/// What costs the connection.
const DEADLY: [StreamFault; 5] = [
    StreamFault::Malformed(Malformed::Binary),
    StreamFault::Malformed(Malformed::BadUtf8),
    StreamFault::Malformed(Malformed::Oversize),
    StreamFault::Malformed(Malformed::ReservedBit),
    StreamFault::Extra(Extra::PingFlood),
];

const REST: [RestFault; 11] = [
    RestFault::Status { status: 500, wait: None },
    RestFault::Status { status: 429, wait: Some(ms(1_000)) },
    RestFault::Slow(ms(300)),
    RestFault::Hang,
    RestFault::Stale,
    RestFault::Cut,
    RestFault::Empty,
    RestFault::Html,
    RestFault::Trickle,
    RestFault::Huge,
    RestFault::Split,
];

const LINK: [LinkFault; 9] = [
    LinkFault::Reset,
    LinkFault::Fin,
    LinkFault::Close(1001),
    LinkFault::Close(1011),
    LinkFault::HalfOpen,
    LinkFault::Stall(ms(400)),
    LinkFault::Slice(ms(400)),
    LinkFault::Notice(ms(500)),
    LinkFault::BufferError,
];

const UPGRADE: [UpgradeFault; 4] = [
    UpgradeFault::Refuse { status: 503, wait: None },
    UpgradeFault::Refuse { status: 429, wait: Some(ms(500)) },
    UpgradeFault::Reset,
    UpgradeFault::Hang,
];

/// A fault of one message or one call, drawn: most of them leave the book as it is, so that it is live to be compared.
pub fn draw(random: &mut Random, symbols: &[String]) -> Fault {
    let symbol = pick(random, symbols).clone();
    match random.up_to(99) {
        0..60 => Fault::Stream { symbol: Some(symbol), what: *pick(random, &HARMLESS) },
        60..72 => Fault::Stream { symbol: Some(symbol), what: *pick(random, &HARMFUL) },
        72..92 => Fault::Market {
            symbol: Some(symbol),
            what: *pick(random, &[MarketFault::Jump, MarketFault::Cross]),
        },
        _ => Fault::Rest { count: 1, what: *pick(random, &REST) },
    }
}

/// One of each kind. Those of REST and of the upgrade need something that calls or connects afterwards.
pub fn every(symbol: &str) -> Vec<Fault> {
    let stream = [&HARMLESS[..], &HARMFUL, &DEADLY].concat();
    let symbol = || Some(symbol.to_owned());
    let streams = stream.into_iter().map(|what| Fault::Stream { symbol: symbol(), what });
    let markets = [MarketFault::Jump, MarketFault::Cross];
    let markets = markets.into_iter().map(|what| Fault::Market { symbol: symbol(), what });
    let rest = REST.into_iter().map(|what| Fault::Rest { count: 1, what });
    let links = LINK.into_iter().map(Fault::Link);
    let upgrades = UPGRADE.into_iter().map(|what| Fault::Upgrade { count: 1, what });
    streams.chain(markets).chain(rest).chain(links).chain(upgrades).collect()
}

pub fn pick<'a, T>(random: &mut Random, items: &'a [T]) -> &'a T {
    &items[random.up_to(items.len() as u64 - 1) as usize]
}
