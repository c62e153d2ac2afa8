//! K1: kill -9 at a random instant, while starting, connecting, recovering or live: each restart with the same
//! configuration, on the same port, has every book live and exact within T, and nothing was left that anybody has to
//! read. K2 and K3 hold because nothing is persisted without a state directory: that is looked at too.

use super::amount::{amount, figure};
use super::kinds;
use crate::e2e::daemon::{Daemon, feed};
use crate::e2e::look::assert_exact_and_newest;
use depthd::engine::random::Random;
use depthd::sim::config::{Allowance, Face, SimConfig};
use depthd::sim::{Fault, Sim};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// D6's T for five books a venue within the burst of its budget: the longest backoff, two REST deadlines and a second.
const T: Duration = Duration::from_millis(500 + 2 * 2_000 + 1_000);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum State {
    Starting,
    Connecting,
    Recovering,
    Live,
}

const STATES: [State; 4] = [State::Starting, State::Connecting, State::Recovering, State::Live];

/// Venues that let in a client which forgets, once a second, what it has spent; how much a real one would see of that is
/// systemd's start limit.
fn venue(face: Face) -> Sim {
    let mut config = SimConfig { rate: 500, ..SimConfig::new(face) };
    let plenty = Allowance::new(1_000_000, Duration::from_secs(60));
    let limits = &mut config.limits;
    (limits.connects, limits.control, limits.rest_daily) = (plenty, plenty, None);
    // What it says of weight used is forgotten soon: a daemon believes it, and waits for what its earlier lives spent.
    limits.rest = Allowance { window: Duration::from_millis(50), ..plenty };
    limits.connections_max = 64;
    Sim::start(config).expect("a venue")
}

/// Folders of its own for everything a daemon could write to.
struct Home(PathBuf);

/// Not the one for state: what is kept there, and what becomes of it, is `e2e::crash_loop`'s and `shell::journal`'s. Here it
/// would only pace the kills, as it paces whoever dies all the time.
const FOLDERS: [&str; 4] = ["TMPDIR", "HOME", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"];

impl Home {
    fn new(name: &str) -> Home {
        let home = std::env::temp_dir().join(format!("depthd-{name}-{}", std::process::id()));
        for folder in FOLDERS {
            fs::create_dir_all(home.join(folder)).expect("made");
        }
        Home(home)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut env: Vec<_> =
            FOLDERS.iter().map(|f| (*f, self.0.join(f).to_str().expect("UTF-8").to_owned())).collect();
        env.push(("COINAPI_KEY", "sim-key".to_owned()));
        env
    }

    /// Starts `depthd run` in it.
    fn launch(&self, config: &str) -> Daemon {
        // The same each time, under a name of its own: the last daemon's goes with that.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let path = self.0.join(format!("depthd-{}.toml", NEXT.fetch_add(1, Relaxed)));
        fs::write(&path, config).expect("written");
        let env = self.environment();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Daemon::launch(path, &env)
    }

    /// Every regular file beneath, with what is in it.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.0, &mut files);
        files
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("there").map(|entry| entry.expect("readable")) {
        let kind = entry.file_type().expect("known");
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.insert(entry.path(), fs::read(entry.path()).expect("readable"));
        }
    }
}

/// An address of this test alone: its port is free again and again, whatever others connect from.
fn own_address() -> String {
    static PORT: AtomicU16 = AtomicU16::new(5_000);
    let (pid, port) = (std::process::id(), PORT.fetch_add(1, Relaxed));
    format!("127.{}.{}.{}:{port}", 1 + pid % 200, pid / 200 % 250, 1 + pid / 50_000 % 250)
}

struct Field {
    sims: [Sim; 2],
    home: Home,
    config: String,
    random: Random,
}

impl Field {
    fn new(name: &str) -> Field {
        let sims = [Face::CoinApi, Face::Binance].map(venue);
        let feeds: String = sims.iter().map(|sim| feed(sim, "idle_timeout = \"2s\"")).collect();
        let config = format!("[http]\nlisten = \"{}\"\n{feeds}", own_address());
        Field { sims, home: Home::new(name), config, random: Random::new(41) }
    }

    fn pause(&mut self, most_ms: u64) {
        let pause = self.random.wait_up_to(Duration::from_millis(most_ms));
        // The instant of the kill is to be any.
        std::thread::sleep(pause);
    }

    /// Brings it into the state, and kills it there.
    fn kill_while(&mut self, state: State, daemon: &mut Daemon) {
        match state {
            State::Live => self.pause(50),
            State::Recovering => {
                for sim in &self.sims {
                    // Those that end with the connection: a fault that waits for the next one would not have stopped.
                    let mut every = kinds::every(&sim.symbols()[0]);
                    every.retain(|fault| !matches!(fault, Fault::Rest { .. } | Fault::Upgrade { .. }));
                    for _ in 0..3 {
                        sim.inject(kinds::pick(&mut self.random, &every).clone());
                    }
                    if self.random.up_to(1) == 0 {
                        sim.inject(Fault::Link(depthd::sim::LinkFault::Reset));
                    }
                }
                self.pause(300);
            }
            State::Starting => {
                daemon.kill();
                *daemon = self.home.launch(&self.config);
                self.pause(15);
            }
            State::Connecting => {
                daemon.kill();
                *daemon = self.home.launch(&self.config);
                daemon.wait_listening();
                self.pause(40);
            }
        }
        daemon.kill();
    }
}

#[test]
fn k1_killed_at_any_instant_it_comes_back_live_and_exact() {
    let kills = amount(8, 100, 1_000);
    let mut field = Field::new("kill");
    let mut daemon = field.home.launch(&field.config);
    daemon.wait_listening();
    daemon.wait_all_live();
    let (mut took, mut audited) = (Vec::new(), 0);
    for n in 0..kills {
        let state = STATES[n % STATES.len()];
        field.kill_while(state, &mut daemon);
        let files = field.home.files();
        assert_eq!(files.len(), 1, "nothing but the configuration: {:?}", files.keys());
        let restarted = Instant::now();
        daemon = field.home.launch(&field.config);
        daemon.wait_listening();
        while daemon.states().iter().any(|(_, shown)| shown != "live") {
            let late = restarted.elapsed() > 2 * T;
            assert!(!late, "kill {n}, {state:?}: {:?}: {}", daemon.states(), daemon.drain_log().join("\n"));
            std::thread::park_timeout(Duration::from_millis(5));
        }
        took.push(restarted.elapsed());
        for sim in &field.sims {
            let (compared, wrong) = daemon.audit(sim);
            assert_eq!(wrong, Vec::<String>::new(), "kill {n}, {state:?}");
            audited += compared;
        }
        let bad = daemon.drain_log().iter().find(|line| line.contains("panicked")).cloned();
        assert_eq!(bad, None, "kill {n}, {state:?}");
    }
    for sim in &field.sims {
        assert_exact_and_newest(&daemon, sim);
        assert_eq!(sim.log().violations, []);
    }
    took.sort();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    figure(
        "K1",
        format_args!(
            "{kills} kills, {} in each of {STATES:?}: all restarts live, 0 wrong of {audited} books compared; \
             restart to all live median {} ms, worst {} ms (T {} ms); 0 files left",
            kills / STATES.len(),
            median.as_millis(),
            worst.as_millis(),
            T.as_millis()
        ),
    );
    assert!(worst <= T, "{worst:?}");
    assert!(audited >= kills * 5, "{audited}");
    assert!(daemon.stop().0.success());
}

/// What is never written cannot be lost, torn or unreadable: without a state directory no file appears or changes while it
/// runs, reloads, recovers, stops or is killed, and none is open for writing.
#[test]
fn k2_k3_nothing_is_persisted() {
    let field = Field::new("written");
    let mut looks = 0;
    for killed in [false, true] {
        let mut daemon = field.home.launch(&field.config);
        let files = field.home.files();
        assert_eq!(files.len(), 1, "the configuration");
        daemon.wait_listening();
        daemon.wait_all_live();
        for sim in &field.sims {
            sim.inject(Fault::Link(depthd::sim::LinkFault::Reset));
        }
        daemon.signal("USR1");
        daemon.wait_line("book binance/");
        daemon.signal("HUP");
        daemon.wait_line("configuration read again");
        daemon.wait_all_live();
        assert_eq!(field.home.files(), files);
        assert_eq!(written(&daemon), Vec::<PathBuf>::new());
        if killed {
            daemon.kill();
        } else {
            assert!(daemon.stop().0.success());
        }
        assert_eq!(field.home.files(), files, "killed: {killed}");
        looks += 2;
    }
    figure(
        "K2 K3",
        format_args!("0 files written or open for writing, in {looks} looks at a run, a stop and a kill -9"),
    );
}

/// Files with a place in a file system that it has open.
fn written(daemon: &Daemon) -> Vec<PathBuf> {
    let open = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("it runs");
    let targets = open.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    // A socket whose name is gone is held open by what is left of it: there is nothing to write to.
    let is_file = |path: &PathBuf| {
        path.is_absolute() && !path.starts_with("/dev") && !path.to_string_lossy().ends_with(" (deleted)")
    };
    targets.filter(is_file).collect()
}
