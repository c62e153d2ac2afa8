//! What a simulated venue is told: which face it wears, how fast it moves, how badly it behaves, what it allows.

pub use super::face::Face;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

/// How often faults are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FaultLevel {
    #[default]
    Off,
    /// One about every ten seconds: gaps, resets, notices.
    Light,
    /// More than one a second, of every kind.
    Chaos,
}

/// A word that names no variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownWord {
    pub word: String,
    pub expected: String,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.word, self.expected)
    }
}

impl std::error::Error for UnknownWord {}

impl FromStr for FaultLevel {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<FaultLevel, UnknownWord> {
        match word {
            "off" => Ok(FaultLevel::Off),
            "light" => Ok(FaultLevel::Light),
            "chaos" => Ok(FaultLevel::Chaos),
            _ => Err(UnknownWord { word: word.to_owned(), expected: "off, light, chaos".to_owned() }),
        }
    }
}

impl fmt::Display for FaultLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FaultLevel::Off => "off",
            FaultLevel::Light => "light",
            FaultLevel::Chaos => "chaos",
        })
    }
}

/// At most `count` in any window of this length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    pub count: u32,
    pub window: Duration,
}

impl Allowance {
    pub const fn new(count: u32, window: Duration) -> Allowance {
        Allowance { count, window }
    }
}

/// What the venue enforces. Whatever goes over is refused as the real venue would, and recorded as a violation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SimLimits {
    /// WebSocket upgrades.
    pub connects: Allowance,
    /// WebSocket connections open at once.
    pub connections_max: usize,
    /// Messages a client sends: over all connections on CoinAPI, per connection elsewhere.
    pub control: Allowance,
    /// REST calls answered at once.
    pub rest_concurrency: usize,
    /// REST cost: calls on CoinAPI, weight on Binance (whose window is aligned to the clock minute).
    pub rest: Allowance,
    /// REST cost in 24 h.
    pub rest_daily: Option<u32>,
    /// Unsent bytes a slow reader may pile up before it is cut off.
    pub backlog_bytes_max: usize,
}

const SECOND: Duration = Duration::from_secs(1);

impl SimLimits {
    /// The venue's own figures, as far as they are published.
    pub fn of(face: Face) -> SimLimits {
        // 131,072 messages of some 250 bytes: what CoinAPI says it buffers for a slow reader.
        // Source: https://docs.coinapi.io/market-data/websocket/general, read 2025-08-12.
        let backlog_bytes_max = 32 << 20;
        match face {
            // 10 upgrades, 10 hellos in 10 s, 10 calls at once; 1,000 credits a day is the smallest plan. No rate is
            // published for REST, so the window only stops what no client should do.
            // Source: https://docs.coinapi.io/market-data/api-limits-and-billing-metrics, read 2025-08-12.
            Face::CoinApi => SimLimits {
                connects: Allowance::new(10, 10 * SECOND),
                connections_max: 10,
                control: Allowance::new(10, 10 * SECOND),
                rest_concurrency: 10,
                rest: Allowance::new(100, 10 * SECOND),
                rest_daily: Some(1_000),
                backlog_bytes_max,
            },
            // 300 connects in 5 min, 5 messages a second, weight 6,000 a minute.
            // Source: https://github.com/binance/binance-spot-api-docs web-socket-streams.md and rest-api.md, read 2026-07-21.
            Face::Binance | Face::BinanceUsdm | Face::BinanceCoinm => SimLimits {
                connects: Allowance::new(300, 300 * SECOND),
                connections_max: 64,
                control: Allowance::new(5, SECOND),
                rest_concurrency: 64,
                rest: Allowance::new(6_000, 60 * SECOND),
                rest_daily: None,
                backlog_bytes_max,
            },
            // Books are fetched from OKX and for Bybit's whole depth alone. What they allow, as far as it is published, with the
            // sources in each venue's own `limits.rs`; where nothing is, what no client should need.
            _ => {
                let (connects, connections_max, control) = match face {
                    Face::Coinbase => ((8, 1), 64, (8, 1)),
                    Face::CoinbaseExchange => ((8, 1), 64, (100, 1)),
                    Face::Bybit | Face::BybitFull | Face::BybitLinear | Face::BybitInverse => {
                        ((500, 300), 1_000, (100, 1))
                    }
                    Face::Okx => ((3, 1), 64, (480, 3_600)),
                    Face::Bitfinex => ((20, 60), 20, (60, 10)),
                    // Subscriptions cost 3,000 of a bucket of 30,000 that refills at 10,000 a second.
                    Face::Deribit => ((32, 10), 32, (40, 10)),
                    Face::Hyperliquid => ((30, 60), 10, (2_000, 60)),
                    _ => ((150, 600), 64, (20, 1)),
                };
                let rest = match face {
                    Face::Okx => 40,
                    // 600 in 5 s.
                    Face::BybitFull => 240,
                    _ => 20,
                };
                let allowance = |(count, seconds): (u32, u32)| Allowance::new(count, seconds * SECOND);
                SimLimits {
                    connects: allowance(connects),
                    connections_max,
                    control: allowance(control),
                    rest_concurrency: 10,
                    rest: Allowance::new(rest, 2 * SECOND),
                    rest_daily: None,
                    backlog_bytes_max,
                }
            }
        }
    }
}

/// Everything a [`super::Sim`] is started with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SimConfig {
    /// Port 0 takes any free one.
    pub listen: SocketAddr,
    pub face: Face,
    pub symbols: usize,
    /// About how many levels a side every book keeps; `None` for each symbol's own, 300 to 1,400.
    pub levels: Option<usize>,
    /// Messages a second to one client that takes all of them.
    pub rate: u32,
    pub faults: FaultLevel,
    /// Mean time between drawn faults; `None` for the level's own.
    pub fault_gap: Option<Duration>,
    pub seed: u64,
    pub limits: SimLimits,
    /// The one key that is good (CoinAPI).
    pub key: String,
    /// How long REST takes when nothing is wrong.
    pub rest_latency: (Duration, Duration),
    /// How long a control message takes to be acted on.
    pub control_latency: (Duration, Duration),
    /// How often the venue pings, and how long it waits for the pong.
    pub ping_every: Duration,
    pub pong_within: Duration,
    /// Silence after which a heartbeat is sent (CoinAPI).
    pub heartbeat: Duration,
}

impl SimConfig {
    /// Five symbols, 1,000 messages a second, no faults, on a free loopback port.
    pub fn new(face: Face) -> SimConfig {
        SimConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            face,
            symbols: 5,
            levels: None,
            rate: 1_000,
            faults: FaultLevel::Off,
            fault_gap: None,
            seed: 1,
            limits: SimLimits::of(face),
            key: "sim-key".to_owned(),
            rest_latency: (Duration::from_millis(2), Duration::from_millis(20)),
            control_latency: (Duration::ZERO, Duration::from_millis(10)),
            ping_every: if face == Face::CoinApi { 60 * SECOND } else { 20 * SECOND },
            pong_within: 60 * SECOND,
            heartbeat: SECOND,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for level in [FaultLevel::Off, FaultLevel::Light, FaultLevel::Chaos] {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        let error = "loud".parse::<FaultLevel>().expect_err("no such level");
        assert_eq!(error.to_string(), "\"loud\" is none of off, light, chaos");
    }
}
