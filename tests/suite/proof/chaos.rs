//! X1 and S3: a thousand faults of every kind against the real binary under the unit's own limits, from outside: what the
//! venues do, and what is done to the process. No exit, no panic, no wrong book; and when it is over, every book live.

use super::amount::{amount, figure};
use super::kinds;
use super::unit;
use crate::e2e::daemon::{Daemon, Footprint, feed};
use crate::e2e::look::assert_exact_and_newest;
use depthd::engine::random::Random;
use depthd::sim::config::{Allowance, Face, FaultLevel, SimConfig};
use depthd::sim::{Fault, LinkFault, Sim};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Of the daemon under test.
const MORE: &str = "idle_timeout = \"2s\"\nconnect_timeout = \"4s\"\nrecovery = { breaker_open = \"1s\" }";

/// D6's T for five books a venue. The longest backoff is that of a CoinAPI book whose restarts brought no snapshot three
/// times in a row (10 s, 20 s, 40 s and a quarter; a failed REST call's is 30 s). To it comes what only these faults add:
/// the last silence to be noticed, the last refusal's wait, and CoinAPI's own limit on messages, which gives a new hello
/// at most every 2.5 s and lends four.
const T: Duration = Duration::from_millis(5 * 50 * 60_000 / 4_800 + 50_000 + 2 * 2_000 + 1_000);
const AFTERMATH: Duration = Duration::from_millis(2_000 + 3_000 + 10_000);

/// Something done to the process rather than by a venue.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Held,
    Dumped,
    /// The same file again, one symbol less, one symbol more.
    Reloaded,
    BadFile,
    /// A feed whose name nobody knows.
    NoSuchName,
    NoDescriptors,
}

const BLOWS: [Blow; 6] =
    [Blow::Dumped, Blow::Reloaded, Blow::NoDescriptors, Blow::NoSuchName, Blow::BadFile, Blow::Held];

struct Field {
    sims: [Sim; 2],
    daemon: Daemon,
    random: Random,
    blows: BTreeMap<String, u64>,
    audited: usize,
    looks: usize,
    peak: Footprint,
}

fn feeds(sims: &[Sim; 2]) -> String {
    sims.iter().map(|sim| feed(sim, MORE)).collect()
}

impl Field {
    fn start() -> Field {
        let sims = [Face::CoinApi, Face::Binance].map(|face| {
            let mut config = SimConfig { rate: 400, seed: 11, ..SimConfig::new(face) };
            if face == Face::Binance {
                // It reports what was used in a moment and not in a minute, so that the daemon's own bucket, and no debt
                // of a minute under fire, says how soon a book can be had when the faults have stopped.
                config.limits.rest = Allowance::new(1_000_000, Duration::from_millis(50));
            }
            Sim::start(config).expect("a venue")
        });
        let path = std::env::temp_dir().join(format!("depthd-chaos-{}.toml", std::process::id()));
        let mut field = Field {
            daemon: {
                fs::write(&path, text(&feeds(&sims))).expect("written");
                let mut shell = Command::new("sh");
                let limits = format!("ulimit -n {} && exec \"$0\" \"$@\"", unit::number("LimitNOFILE="));
                shell.args(["-c", &limits, env!("CARGO_BIN_EXE_depthd")]);
                Daemon::launch_by(shell, path, &[("COINAPI_KEY", "sim-key")])
            },
            sims,
            random: Random::new(7),
            blows: BTreeMap::new(),
            audited: 0,
            looks: 0,
            peak: Footprint { threads: 0, fds: 0, anonymous_kib: 0, rss_kib: 0 },
        };
        field.daemon.wait_listening();
        field.daemon.wait_all_live();
        field
    }

    fn faults(&self) -> u64 {
        self.sims.iter().map(|sim| sim.faults_injected()).sum::<u64>() + self.blows.values().sum::<u64>()
    }

    fn sample(&mut self) {
        let now = self.daemon.footprint();
        let peak = &mut self.peak;
        peak.threads = peak.threads.max(now.threads);
        peak.fds = peak.fds.max(now.fds);
        peak.rss_kib = peak.rss_kib.max(now.rss_kib);
    }

    /// Compares one book of each venue; then the next one.
    fn look(&mut self) {
        for sim in &self.sims {
            let symbols = sim.symbols();
            let one = [symbols[self.looks % symbols.len()].clone()];
            let (audited, wrong) = self.daemon.audit_of(sim, &one);
            assert_eq!(wrong, Vec::<String>::new(), "after {} faults", self.faults());
            self.audited += audited;
        }
        self.looks += 1;
    }

    /// Lives on for so long under fire.
    fn endure(&mut self, length: Duration) {
        let until = Instant::now() + length;
        let mut next = [Instant::now(); 2];
        while Instant::now() < until {
            for (sim, next) in self.sims.iter().zip(&mut next) {
                if *next <= Instant::now() {
                    let fault = kinds::draw(&mut self.random, &sim.symbols());
                    // One at a time for the next call: a queue of them would be faults long after they have stopped.
                    let calls = matches!(fault, Fault::Rest { .. });
                    if !calls || sim.log().rest.back().is_some_and(|call| call.fault.is_none()) {
                        sim.inject(fault);
                    }
                    *next = Instant::now() + self.random.wait_up_to(Duration::from_millis(250));
                }
            }
            self.look();
            self.sample();
            assert!(self.daemon.is_running(), "it ended: {:?}", self.daemon.drain_log());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// No new faults; and those that wait for a message of their symbol meet one.
    fn let_faults_run_out(&self) {
        const CALM_ROUNDS: u32 = 20;
        self.sims.iter().for_each(|sim| sim.set_faults(FaultLevel::Off));
        let mut calm = 0;
        while calm < CALM_ROUNDS {
            let before = self.faults();
            for sim in &self.sims {
                let changes = sim.counters().messages_sent;
                sim.symbols().iter().for_each(|symbol| sim.step(symbol));
                self.daemon.wait_until("a change", |_| sim.counters().messages_sent > changes);
            }
            calm = if self.faults() == before { calm + 1 } else { 0 };
        }
    }

    fn reload(&mut self, feeds: &str, said: &str) {
        fs::write(self.daemon.config_path(), text(feeds)).expect("written");
        self.daemon.signal("HUP");
        self.daemon.wait_line(said);
    }

    fn strike(&mut self, blow: Blow) {
        let whole = feeds(&self.sims);
        let taken = "configuration read again";
        let mut times = 1;
        match blow {
            Blow::Held => {
                self.daemon.signal("STOP");
                let least = Duration::from_secs(2);
                let length = least + self.random.wait_up_to(amount(0, 8, 28) * Duration::from_secs(1));
                // The length of the hold is the fault.
                std::thread::sleep(length);
                self.daemon.signal("CONT");
            }
            Blow::Dumped => {
                self.daemon.signal("USR1");
                self.daemon.wait_line("book binance/");
            }
            Blow::Reloaded => {
                let fewer = self.sims.iter().fold(whole.clone(), |text, sim| {
                    text.replace(&format!(", {:?}]", sim.symbols().pop().expect("symbols")), "]")
                });
                assert_ne!(fewer, whole);
                self.reload(&fewer, taken);
                self.endure(Duration::from_millis(500));
                self.reload(&whole, taken);
                times = 2;
            }
            Blow::BadFile => {
                self.reload("[[feed]\nname = 7", "the configuration is not taken");
                self.reload(&whole, taken);
            }
            Blow::NoSuchName => {
                let lost = "[[feed]]\nname = \"lost\"\nvenue = \"binance\"\nurl = \"ws://nowhere.invalid:9443\"\n\
                            rest_url = \"http://nowhere.invalid\"\nsymbols = [\"BTCUSDT\"]\n";
                self.reload(&format!("{whole}{lost}"), taken);
                self.daemon.wait_line("cannot look up nowhere.invalid");
                self.endure(Duration::from_millis(500));
                self.reload(&whole, taken);
            }
            Blow::NoDescriptors => {
                self.limit(self.daemon.footprint().fds);
                for sim in &self.sims {
                    sim.inject(Fault::Link(LinkFault::Reset));
                }
                // As long as this it can open nothing: no connection, no request.
                std::thread::sleep(Duration::from_millis(700));
                self.limit(unit::number("LimitNOFILE="));
            }
        }
        *self.blows.entry(format!("{blow:?}")).or_default() += times;
    }

    fn limit(&self, descriptors: u64) {
        let pid = Pid::from_raw(i32::try_from(self.daemon.pid()).expect("a process id"));
        let maximum = Some(unit::number("LimitNOFILE="));
        prlimit(pid, Resource::Nofile, Rlimit { current: Some(descriptors), maximum })
            .expect("our own child");
    }
}

fn text(feeds: &str) -> String {
    format!("[http]\nlisten = \"127.0.0.1:0\"\n{feeds}")
}

#[test]
fn x1_s3_a_thousand_faults_end_in_no_exit_no_panic_and_no_wrong_book() {
    let wanted = amount(60, 1_000, 10_000);
    let mut field = Field::start();
    let began = Instant::now();
    for sim in &field.sims {
        sim.set_faults(FaultLevel::Chaos);
    }
    for blow in BLOWS.iter().cycle() {
        let enough = field.faults() >= wanted;
        if enough && field.blows.len() >= amount(4, BLOWS.len(), BLOWS.len()) {
            break;
        }
        field.endure(if enough {
            Duration::ZERO
        } else {
            amount(400, 4_000, 8_000) * Duration::from_millis(1)
        });
        field.strike(*blow);
    }
    let lasted = began.elapsed();

    field.let_faults_run_out();
    let stopped = Instant::now();
    let mut last = Vec::new();
    loop {
        let others: Vec<_> = field.daemon.states().into_iter().filter(|(_, state)| state != "live").collect();
        if others.is_empty() {
            break;
        }
        last = others;
        let late = stopped.elapsed() > T + AFTERMATH;
        let feeds = |d: &Daemon| d.json("/stats")["feeds"].to_string();
        assert!(
            !late,
            "{:?}: {}: {:#?}",
            field.daemon.states(),
            feeds(&field.daemon),
            field.daemon.drain_log()
        );
        field.sample();
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let back = stopped.elapsed();
    for sim in &field.sims {
        assert_exact_and_newest(&field.daemon, sim);
    }
    field.sample();
    let Field { sims, mut daemon, blows, audited, looks, peak, .. } = field;
    let (status, _) = daemon.stop();
    let panics = daemon.drain_log().iter().filter(|line| line.contains("panicked")).count();
    let mut kinds: BTreeMap<String, u64> = blows;
    for (name, count) in sims.iter().flat_map(|sim| sim.log().faults) {
        *kinds.entry(name.to_owned()).or_default() += count;
    }
    let faults: u64 = kinds.values().sum();
    figure(
        "X1",
        format_args!(
            "{faults} faults of {} kinds in {:.0} s: 0 exits, {panics} panics, 0 wrong of {audited} books compared \
             ({} looks), every book live {} ms after the last (at most {} ms; last {last:?}) and exact: {kinds:?}",
            kinds.len(),
            lasted.as_secs_f64(),
            2 * looks,
            back.as_millis(),
            (T + AFTERMATH).as_millis()
        ),
    );
    let (tasks, memory_kib) = (unit::number("TasksMax="), unit::number("MemoryMax=") * 1_024);
    figure("S3", format_args!("at most {peak:?} under the unit's limits ({tasks} tasks, {memory_kib} KiB)"));
    assert!(status.success(), "{status}");
    assert_eq!(panics, 0);
    assert!(faults >= wanted && kinds.len() >= 20, "{kinds:?}");
    assert!(audited * 10 > looks, "too few books were live to be compared: {audited} of {looks}");
    assert!(back <= T + AFTERMATH, "live again only after {back:?}");
    assert!(peak.threads <= tasks && peak.fds <= unit::number("LimitNOFILE="), "{peak:?}");
    assert!(peak.rss_kib <= memory_kib, "{peak:?}");
}
