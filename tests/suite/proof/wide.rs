//! The daemon in a process of its own, with venues that allow as many connects and messages as a proof needs.
//!
//! A venue's own limits let a connection be made every second or two: a thousand reconnects would take a quarter of an
//! hour of waiting. Here everything is the daemon's own but three budgets. The process is this same test binary, told
//! to run one test.

use crate::e2e::daemon::Daemon;
use depthd::app::{App, Environment};
use depthd::config::{Config, Surroundings, Venues};
use depthd::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use depthd::engine::time::Wall;
use depthd::http::runtime_dir;
use depthd::shell::clock::{self, Clock};
use depthd::shell::notify::Notify;
use depthd::shell::signals::Caught;
use depthd::shell::{log as logging, supervisor};
use depthd::venue::canonical::Canonical;
use depthd::venue::handles::Handles;
use depthd::venue::profile::{ControlBudget, Profile, Refill, RestBudget};
use depthd::venue::{
    Control, Dial, Parts, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
    catalog,
};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Set in the process that is the daemon; its configuration stands there.
const VARIABLE: &str = "DEPTHD_TEST_WIDE_DAEMON";
const ME: &str = "proof::wide::daemon_process";

const PLENTY: Refill = Refill { burst: 1_000_000, per_window: 1_000_000, window: Duration::from_secs(1) };

/// A venue of the catalog with wide budgets.
struct Wide {
    venue: Arc<dyn Venue>,
    profile: &'static Profile,
}

fn by_name(name: &str) -> Option<Arc<dyn Venue>> {
    static PROFILES: [OnceLock<Profile>; catalog::NAMES.len()] =
        [const { OnceLock::new() }; catalog::NAMES.len()];
    let venue = catalog::by_name(name)?;
    let index = catalog::NAMES.iter().position(|known| *known == name)?;
    let own = venue.profile();
    let profile = PROFILES[index].get_or_init(|| Profile {
        rest: RestBudget { refill: PLENTY, daily: None, ..own.rest },
        control: ControlBudget { refill: PLENTY, daily: None },
        connects: PLENTY,
        ..*own
    });
    Some(Arc::new(Wide { venue, profile }))
}

impl Venue for Wide {
    fn profile(&self) -> &'static Profile {
        self.profile
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        self.venue.check_symbol(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        self.venue.native(market)
    }

    fn symbol_key(&self, symbol: &str) -> String {
        self.venue.symbol_key(symbol)
    }

    fn dial(&self, url: &str, scope: &Scope, key: Option<&str>) -> Dial {
        self.venue.dial(url, scope, key)
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        self.venue.opening(scope, id)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], handles: &Handles, id: i64) -> Vec<Request> {
        self.venue.withdraw(scope, symbols, handles, id)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        self.venue.restore(scope, symbols, id)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        self.venue.subscribe(scope, symbols, id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], handles: &Handles, id: i64) -> Vec<Request> {
        self.venue.unsubscribe(scope, symbols, handles, id)
    }

    fn route<'f>(&self, text: &'f str, handles: &'f Handles) -> Route<'f> {
        self.venue.route(text, handles)
    }

    fn ping(&self, id: i64) -> Option<String> {
        self.venue.ping(id)
    }

    fn connection_number(&self, text: &str) -> Option<u64> {
        self.venue.connection_number(text)
    }

    fn parts<'f>(&self, text: &'f str, part: &mut Parts<'_, 'f>) -> Result<(), DecodeError> {
        self.venue.parts(text, part)
    }

    fn control(&self, text: &str) -> Control {
        self.venue.control(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        self.venue.decode(channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, key: Option<&str>) -> Option<RestRequest> {
        self.venue.snapshot_request(rest_url, symbol, key)
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        self.venue.verdict(reply)
    }

    fn used_budget(&self, reply: &RestReply<'_>) -> Option<u32> {
        self.venue.used_budget(reply)
    }

    fn snapshot(&self, symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
        self.venue.snapshot(symbol, body)
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, now: Wall) -> UpgradeRefusal {
        self.venue.upgrade_refused(reply, now)
    }
}

/// Starts it with this configuration and waits until it listens. `[http]` is added.
pub fn start(config: &str, env: &[(&str, &str)]) -> Daemon {
    let path = std::env::temp_dir().join(format!("depthd-wide-{}.toml", std::process::id()));
    std::fs::write(&path, format!("[http]\nlisten = \"127.0.0.1:0\"\n{config}")).expect("written");
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command.args(["--exact", ME, "--nocapture", "--test-threads", "1"]).env(VARIABLE, &path);
    Daemon::start_as(command, path, env)
}

/// The daemon's `main`, as `depthd run` has it. Started by [`start`] only; on its own it has nothing to do.
#[test]
fn daemon_process() {
    let Ok(path) = std::env::var(VARIABLE) else { return };
    // tiny_http's threads have the name of the thread that starts them.
    std::fs::write("/proc/thread-self/comm", "depthd").expect("a name");
    let env = |name: &str| std::env::var(name).ok();
    let venues = Venues { by_name: &by_name, names: &catalog::NAMES };
    let config = Config::load(Path::new(&path), &Surroundings { env: &env, venues })
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let format = logging::resolve(config.log.format, &env);
    let log = logging::start(config.log.level, format, clock::wall_now, std::io::stderr()).expect("a log");
    let dropped = log.counter();
    let environment = Environment {
        clock: Clock::start(),
        notify: Notify::from_env(&env, std::process::id()),
        by_name,
        venues: &catalog::NAMES,
        reload: None,
        log_dropped: Arc::new(move || dropped.load(Relaxed)),
        runtime_dir: runtime_dir(),
        state_dir: None,
    };
    let caught = Caught::install().expect("signals");
    let app = App::start(&config, environment).expect("it starts");
    let signals = caught.listen(app.events()).expect("signals");
    log::info!(target: "depthd", "listening on {}", app.http_address());
    let exit = app.run();
    drop(signals);
    log.stop();
    assert_eq!(exit, supervisor::Exit::Stopped);
}
