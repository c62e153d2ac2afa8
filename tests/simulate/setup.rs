//! What a seed is: a configuration, its venues, its network and which faults it meets, all drawn from one number.

use crate::network::Path;
use depthd::config::{Config, Surroundings, Venues};
use depthd::sim::config::{Allowance, FaultLevel};
use depthd::sim::{Face, Random, SimConfig, fault};
use depthd::venue::catalog;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// How long faults strike.
pub const SAFETY: Duration = Duration::from_secs(100);
/// The key that is good.
const KEY: &str = "sim-key";

/// Faults of our own process and of what is between it and the venue; the venue's own are in its catalogue.
pub const OWN: [&str; 19] = [
    "name_fails",
    "name_hangs",
    "no_thread",
    "no_callers",
    "worker_stalls",
    "reader_stalls",
    "recovery_stalls",
    "supervisor_stalls",
    "frozen",
    "wall_steps",
    "memory_short",
    "reload",
    "reader_panics",
    "worker_panics",
    "connect_refused",
    "connect_hangs",
    "upgrade_garbled",
    "lag",
    "clog",
];

/// Which draw a seed is a number of: what a seed means changes with what is drawn, and pinned ones keep their meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Draw {
    /// CoinAPI, Binance, or both, and the faults there were then.
    First,
    /// One to three of the faces there were before Bybit's whole books, and every fault.
    Second,
    /// One to three of all faces, and every fault.
    Third,
}

impl Draw {
    pub const NEWEST: Draw = Draw::Third;
    const ALL: [Draw; 3] = [Draw::First, Draw::Second, Draw::Third];

    pub fn number(self) -> u64 {
        match self {
            Draw::First => 1,
            Draw::Second => 2,
            Draw::Third => 3,
        }
    }

    pub fn by_number(number: u64) -> Option<Draw> {
        Draw::ALL.into_iter().find(|draw| draw.number() == number)
    }

    /// How many kinds of venues' faults there are to draw.
    pub fn catalogue(self) -> usize {
        match self {
            Draw::First => fault::KINDS_FIRST,
            Draw::Second | Draw::Third => fault::KINDS_MAX,
        }
    }

    /// What an impatient venue keeps for a reader: not less than the whole books that a connection begins with, or nobody could
    /// ever read them. Twenty-two of Coinbase's are some 7 MB.
    fn backlog_bytes(self) -> usize {
        match self {
            Draw::First => 1 << 20,
            Draw::Second | Draw::Third => 16 << 20,
        }
    }

    fn faces(self, random: &mut Random) -> Vec<Face> {
        match self {
            Draw::First => match random.below(5) {
                0 | 1 => vec![Face::CoinApi],
                2 | 3 => vec![Face::Binance],
                _ => vec![Face::CoinApi, Face::Binance],
            },
            Draw::Second | Draw::Third => {
                let count = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3][random.below(10) as usize];
                let mut faces = Face::ALL.to_vec();
                faces.retain(|face| self == Draw::Third || *face != Face::BybitFull);
                while faces.len() > count {
                    faces.remove(random.below(faces.len() as u64) as usize);
                }
                faces
            }
        }
    }
}

pub struct Setup {
    pub seed: u64,
    pub draw: Draw,
    pub text: String,
    pub sites: Vec<Site>,
    pub kinds: Vec<&'static str>,
    /// Mean time between faults.
    pub fault_gap: Duration,
    /// From something arriving to the thread that waited for it running.
    pub wake: Duration,
    /// What one job takes a worker.
    pub job: Duration,
    /// Workers' threads never stand up, so that readers only queue: in every second seed.
    pub workers_stay: bool,
    pub random: Random,
}

pub struct Site {
    pub config: SimConfig,
    pub path: Path,
    /// By feed: its name and its symbols, of those that the venue lists.
    pub feeds: Vec<(String, Vec<usize>)>,
}

/// From `low` to `high`, each magnitude as likely as another.
fn log_uniform(random: &mut Random, low: f64, high: f64) -> f64 {
    let part = random.below(1 << 32) as f64 / (1u64 << 32) as f64;
    low * (high / low).powf(part)
}

fn duration(random: &mut Random, low: Duration, high: Duration) -> Duration {
    Duration::from_secs_f64(log_uniform(random, low.as_secs_f64(), high.as_secs_f64()))
}

impl Setup {
    pub fn draw(draw: Draw, seed: u64) -> Setup {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD3_97_4D);
        let faces = draw.faces(&mut random);
        let symbols = log_uniform(&mut random, 1.0, 20.9) as usize;
        let rate = log_uniform(&mut random, 20.0, 1_000.0);
        let mut sites = Vec::new();
        for face in &faces {
            sites.push(site(
                &mut random,
                draw,
                *face,
                symbols.div_ceil(faces.len()),
                rate / faces.len() as f64,
            ));
        }
        let mut text = pipeline(&mut random);
        for site in &sites {
            text.push_str(&feeds(&mut random, site));
        }
        let kinds = kinds(&mut random, draw);
        let fault_gap = duration(&mut random, 300 * MS, 2 * SECOND);
        let wake = duration(&mut random, Duration::from_micros(5), MS);
        let job = duration(&mut random, Duration::from_micros(5), 2 * MS);
        let workers_stay = random.below(2) == 0;
        Setup { seed, draw, text, sites, kinds, fault_gap, wake, job, workers_stay, random }
    }

    /// Twenty books that are lost every second, and a budget that lets twenty be fetched in as long: figure X6.
    pub fn storm(seed: u64) -> Setup {
        let mut random = Random::new(seed ^ 0x5708);
        let mut site = site(&mut random, Draw::First, Face::Binance, 20, 40.0);
        site.config.limits.rest = Allowance::new(200_000, 60 * SECOND);
        site.config.limits.connects = Allowance::new(10_000, 300 * SECOND);
        let mut text = pipeline(&mut random);
        text = text.replace("max_concurrent = ", "max_concurrent = 1");
        let feeds = feeds(&mut random, &site);
        let recovery = feeds.find("recovery = {").map_or("", |at| feeds[at..].lines().next().unwrap_or(""));
        text.push_str(&feeds.replace(recovery, "recovery = { rate = \"60000/min\", burst = 6000 }"));
        let (wake, job) = (Duration::from_micros(50), Duration::from_micros(50));
        Setup {
            seed,
            draw: Draw::First,
            text,
            sites: vec![site],
            kinds: Vec::new(),
            fault_gap: SECOND,
            wake,
            job,
            workers_stay: false,
            random,
        }
    }

    pub fn config(&self) -> Config {
        config(&self.text)
    }
}

/// A checked configuration: what is drawn is always legal.
pub fn config(text: &str) -> Config {
    let env = |name: &str| (name == "COINAPI_KEY").then(|| KEY.to_owned());
    let venues = Venues { by_name: &crate::venue::by_name, names: &catalog::NAMES };
    match Config::from_toml(text, "simulated", &Surroundings { env: &env, venues }) {
        Ok(config) => config,
        Err(mistakes) => panic!("a drawn configuration is no good: {mistakes:?}\n{text}"),
    }
}

fn site(random: &mut Random, draw: Draw, face: Face, symbols: usize, rate: f64) -> Site {
    let mut config = SimConfig::new(face);
    // Two more than are asked for, so that a reload finds some to add.
    config.symbols = symbols + 2;
    config.rate = (rate as u32).max(1);
    config.seed = random.next();
    // Faults are struck from here; the level only says whether runs may begin with deltas.
    config.faults = if random.percent(50) { FaultLevel::Chaos } else { FaultLevel::Off };
    config.fault_gap = Some(Duration::from_secs(1_000_000));
    config.rest_latency = (MS, duration(random, 2 * MS, 500 * MS));
    config.control_latency = (Duration::ZERO, duration(random, MS, 300 * MS));
    if random.percent(20) {
        config.limits.backlog_bytes_max = draw.backlog_bytes();
    }
    if face == Face::CoinApi {
        // Where a rate is configured the venue allows it, with what a bucket's burst adds.
        config.limits.rest = Allowance::new(500, 10 * SECOND);
        config.limits.rest_daily = Some(100_000);
    }
    let path = Path {
        latency: duration(random, MS, 100 * MS),
        jitter: duration(random, Duration::from_micros(10), 20 * MS),
        rest: duration(random, MS, 100 * MS),
    };
    let count = (1 + random.below(4) as usize).min(symbols);
    let name = |n| format!("{face}-{n}");
    let mut feeds: Vec<(String, Vec<usize>)> = (0..count).map(|n| (name(n), Vec::new())).collect();
    (0..symbols).for_each(|s| feeds[s % count].1.push(s));
    Site { config, path, feeds }
}

fn pipeline(random: &mut Random) -> String {
    let workers = 1 + random.below(4);
    // Of each worker: room for what one change brings, and for the largest book there is. With less than that a book
    // could never come back, whatever the daemon did.
    let messages = workers * log_uniform(random, 16.0, 1_000.0) as u64;
    let bytes = workers * log_uniform(random, 512.0, 4_096.0) as u64;
    let overflow = if random.percent(50) { "drop_newest" } else { "drop_oldest" };
    let levels = [100, 400, 1_000, 2_000, 2_000][random.below(5) as usize];
    let resync = log_uniform(random, 16.0, 256.0) as u64;
    let batch = log_uniform(random, 1.0, 100.0) as u64;
    let concurrent = 1 + random.below(4);
    let timeout = log_uniform(random, 700.0, 5_000.0) as u64;
    let failures = 2 + random.below(6);
    let open = log_uniform(random, 500.0, 5_000.0) as u64;
    format!(
        "[memory]\nlimit = \"64MiB\"\n\
         [pipeline]\nworkers = {workers}\nqueue_messages = {messages}\nqueue_bytes = \"{bytes}KiB\"\n\
         batch = {batch}\noverflow = \"{overflow}\"\n\
         [books]\nlevels = {levels}\nresync_buffer = \"{resync}KiB\"\ntrades = 10\n\
         [recovery]\nmax_concurrent = {concurrent}\ntimeout = \"{timeout}ms\"\n\
         breaker_failures = {failures}\nbreaker_open = \"{open}ms\"\n"
    )
}

fn feeds(random: &mut Random, site: &Site) -> String {
    let face = site.config.face;
    let (owner, _) = depthd::sim::owner::venue(site.config.clone(), crate::world::EPOCH);
    let listed = owner.symbols();
    let recovery = match face {
        Face::CoinApi if random.percent(50) => "rate = \"20/s\", burst = 20, daily = 100000",
        Face::CoinApi => "rate = \"2/s\"",
        Face::Binance if random.percent(30) => "rate = \"1200/min\", burst = 600",
        Face::Binance => "rate = \"4800/min\"",
        // What the venue publishes, with a margin.
        _ => "",
    };
    let (connect, idle) = (3_000 + random.below(5_000), 2_500 + random.below(3_000));
    let max = log_uniform(random, 500.0, 5_000.0) as u64;
    let first = 50 + random.below(400);
    let mut text = String::new();
    for (name, symbols) in &site.feeds {
        let symbols: Vec<&String> = symbols.iter().map(|s| &listed[*s]).collect();
        let channels = ["", "", "", "channels = [\"book\"]\n", "channels = [\"book\", \"trade\"]\n"]
            [random.below(5) as usize];
        text.push_str(&format!(
            "[[feed]]\nname = \"{name}\"\nvenue = \"{face}\"\nurl = \"{}\"\nrest_url = \"http://{face}.test\"\n\
             symbols = {symbols:?}\nconnect_timeout = \"{connect}ms\"\nidle_timeout = \"{idle}ms\"\n{channels}\
             backoff = {{ first = \"{first}ms\", max = \"{max}ms\", reset_after = \"20s\" }}\n\
             recovery = {{ {recovery} }}\n",
            owner.url(&format!("{face}.test")),
        ));
    }
    text
}

/// Each kind in or out; what would leave too few for a seed is filled up later.
fn kinds(random: &mut Random, draw: Draw) -> Vec<&'static str> {
    let percent = 20 + random.below(80);
    let mut kinds: Vec<&'static str> = fault::kinds(draw.catalogue());
    kinds.extend(OWN);
    kinds.retain(|_| random.percent(percent));
    kinds
}
