//! SIGTERM in every state a connection or a REST call can be in: exit 0 within a second, every thread joined. And the
//! connect deadline, which ends each of the same stalls by itself.

use super::daemon::{Daemon, PATIENCE, feed};
use super::rogue::{Blackhole, Manners, Rogue};
use crate::proof::amount::figure;
use depthd::sim::{Face, Fault, LinkFault, RestFault, Sim, SimConfig};
use serde_json::Value;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The contract's own figure.
const STOP_MAX: Duration = Duration::from_secs(1);
pub const JOINED: &str = "stopped, every thread is joined";

/// A Binance feed of one symbol that connects there, slowly patient unless `more` says otherwise.
pub fn binance(name: &str, url: &str, rest_url: &str, more: &str) -> String {
    format!(
        "[[feed]]\nname = \"{name}\"\nvenue = \"binance\"\nurl = \"{url}\"\nrest_url = \"{rest_url}\"\n\
         symbols = [\"BTCUSDT\"]\n{more}\n"
    )
}

fn connection(daemon: &Daemon, feed: usize) -> Value {
    daemon.json("/stats")["feeds"][feed]["connections"][0].clone()
}

fn wait_phase(daemon: &Daemon, phase: &str) {
    daemon.wait_until(phase, |d| connection(d, 0)["phase"] == phase);
}

/// Stops it and judges the stop.
fn stop(state: &str, mut daemon: Daemon) {
    let (status, took) = daemon.stop();
    figure("T2", format!("stopped while {state}: {} ms", took.as_millis()));
    let log = daemon.wait_line(JOINED);
    assert!(status.success(), "{state}: {status}: {log}");
    assert!(took < STOP_MAX, "{state}: {took:?}");
}

pub fn silent(_: &str) -> Vec<u8> {
    Vec::new()
}

#[test]
fn while_connecting() {
    let hole = Blackhole::open();
    let daemon = Daemon::start(&binance("x", &format!("ws://{}", hole.addr), "http://127.0.0.1:1", ""));
    wait_phase(&daemon, "connecting");
    stop("connecting", daemon);
}

#[test]
fn while_shaking_hands() {
    for (scheme, state) in [("ws", "waiting for the upgrade"), ("wss", "waiting for TLS")] {
        let mute = Rogue::start(Manners::Mute);
        let url = format!("{scheme}://localhost:{}", mute.addr.port());
        let daemon = Daemon::start(&binance("x", &url, "http://127.0.0.1:1", ""));
        daemon.wait_until("the first bytes", |_| mute.heard() > 0);
        wait_phase(&daemon, "connecting");
        stop(state, daemon);
    }
}

#[test]
fn while_the_first_frame_is_missing() {
    let quiet = Rogue::start(Manners::Upgrade(Box::new(silent)));
    let daemon = Daemon::start(&binance("x", &format!("ws://{}", quiet.addr), "http://127.0.0.1:1", ""));
    wait_phase(&daemon, "subscribing");
    stop("the first frame is missing", daemon);
}

#[test]
fn while_live() {
    for face in [Face::CoinApi, Face::Binance] {
        let sim = Sim::start(SimConfig::new(face)).expect("a venue");
        let daemon = Daemon::start(&feed(&sim, ""));
        daemon.wait_all_live();
        stop(&format!("live on {face}"), daemon);
    }
}

#[test]
fn while_the_peer_is_half_open() {
    let sim = Sim::start(SimConfig::new(Face::Binance)).expect("a venue");
    let daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    sim.inject(Fault::Link(LinkFault::HalfOpen));
    daemon.wait_until("the silence", |_| sim.faults_injected() > 0);
    stop("half open", daemon);
}

#[test]
fn while_backing_off() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("bound");
    let waits = "backoff = { first = \"60s\", max = \"1h\" }";
    let daemon = Daemon::start(&binance("x", &format!("ws://{free}"), "http://127.0.0.1:1", waits));
    wait_phase(&daemon, "backing_off");
    stop("backing off", daemon);
}

#[test]
fn while_a_rest_call_is_in_flight() {
    let in_flight = |d: &Daemon| d.json("/stats")["recovery"]["rest_in_flight"].as_u64() > Some(0);
    let sim = |fault: Option<RestFault>| {
        let sim = Sim::start(SimConfig { symbols: 2, ..SimConfig::new(Face::Binance) }).expect("a venue");
        if let Some(what) = fault {
            sim.inject(Fault::Rest { count: 1_000, what });
        }
        sim
    };
    for (state, fault) in
        [("REST answers nothing", RestFault::Hang), ("a REST body trickles", RestFault::Trickle)]
    {
        let venue = sim(Some(fault));
        let daemon = Daemon::start(&feed(&venue, ""));
        // Sent by the client and seen by the venue: the call is past its connect.
        daemon.wait_until("the call", |d| in_flight(d) && venue.faults_injected() > 0);
        stop(state, daemon);
    }
    let (venue, hole) = (sim(None), Blackhole::open());
    let symbol = venue.symbols().remove(0);
    let config = binance("x", &venue.url(), &format!("http://{}", hole.addr), "").replace("BTCUSDT", &symbol);
    let daemon = Daemon::start(&config);
    daemon.wait_until("the call", in_flight);
    stop("REST is connecting", daemon);
}

/// Every stall before the first frame ends at `connect_timeout` and is tried again.
#[test]
fn each_stall_ends_at_the_connect_deadline() {
    const LIVES: u64 = 3;
    let hole = Blackhole::open();
    let mute = Rogue::start(Manners::Mute);
    let quiet = Rogue::start(Manners::Upgrade(Box::new(silent)));
    let more = "connect_timeout = \"1s\"\nbackoff = { first = \"10ms\", max = \"20ms\" }";
    let stalls = [
        ("tcp", format!("ws://{}", hole.addr)),
        ("upgrade", format!("ws://{}", mute.addr)),
        ("tls", format!("wss://{}", mute.addr)),
        ("frame", format!("ws://{}", quiet.addr)),
    ];
    let config: String =
        stalls.iter().map(|(name, url)| binance(name, url, "http://127.0.0.1:1", more)).collect();
    let started = Instant::now();
    let mut daemon = Daemon::start(&config);
    for (index, (name, _)) in stalls.iter().enumerate() {
        let ended = |d: &Daemon| d.json("/stats")["feeds"][index]["reconnects"]["connect_timeout"].as_u64();
        daemon.wait_until(name, |d| ended(d) >= Some(LIVES));
        let took = started.elapsed();
        eprintln!("{name}: {LIVES} lives of 1 s ended by {} ms", took.as_millis());
        assert!(took >= Duration::from_secs(LIVES), "{name} gave up early: {took:?}");
        assert!(took < Duration::from_secs(LIVES) + Duration::from_secs(2), "{name} waited longer: {took:?}");
        let line = format!("feed {name}: connection {index} ended (connect_timeout)");
        assert!(daemon.drain_log().iter().any(|l| l.contains(&line)), "{name}: {:?}", daemon.drain_log());
    }
    assert!(quiet.upgrades() as u64 >= LIVES && mute.heard() as u64 >= 2 * LIVES, "it tries again");
    stop("between stalls", daemon);
}

/// A name server that takes questions and never answers: in a network and a mount namespace of its own, where the
/// resolver is told to ask 127.0.0.1.
#[test]
fn while_a_name_is_looked_up() {
    const INSIDE: &str = "DEPTHD_TEST_MUTE_RESOLVER";
    const ME: &str = "e2e::teardown::while_a_name_is_looked_up";
    if std::env::var_os(INSIDE).is_some() {
        return under_a_mute_resolver();
    }
    let folder = Scratch::new("resolver");
    std::fs::write(folder.0.join("resolv.conf"), "nameserver 127.0.0.1\n").expect("written");
    std::fs::write(folder.0.join("nsswitch.conf"), "hosts: files dns\n").expect("written");
    let script = "mount --bind \"$1/resolv.conf\" /etc/resolv.conf && \
        { [ ! -e /etc/nsswitch.conf ] || mount --bind \"$1/nsswitch.conf\" /etc/nsswitch.conf; } && \
        ip link set lo up && exec \"$2\" --exact \"$3\" --nocapture";
    let unshare = |command: &[&std::ffi::OsStr]| {
        let mut outside = Command::new("unshare");
        outside.args(["--map-root-user", "--mount", "--net"]).args(command);
        outside.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env(INSIDE, "1");
        outside.output()
    };
    // Whether this machine can do it at all is asked first, so that a failure of the test itself is one.
    let able = "mount --bind /etc/resolv.conf /etc/resolv.conf && ip link set lo up";
    let can = unshare(&["sh".as_ref(), "-c".as_ref(), able.as_ref()]);
    if !can.as_ref().is_ok_and(|out| out.status.success()) {
        eprintln!("SKIP: no namespaces here: {can:?}");
        return;
    }
    let me = std::env::current_exe().expect("a path");
    let args: [&std::ffi::OsStr; 7] = [
        "sh".as_ref(),
        "-c".as_ref(),
        script.as_ref(),
        "sh".as_ref(),
        folder.0.as_os_str(),
        me.as_os_str(),
        ME.as_ref(),
    ];
    let out = unshare(&args).expect("unshare runs");
    let (said, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    eprintln!("{errors}");
    assert!(out.status.success() && said.contains("1 passed"), "{said}\n{errors}");
}

fn under_a_mute_resolver() {
    let mute = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("a name server's port of our own");
    mute.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut question = [0; 512];
    let quick = "connect_timeout = \"1s\"\nbackoff = { first = \"10ms\", max = \"20ms\" }";
    let url = "ws://venue.example:9443";

    let daemon = Daemon::start(&binance("x", url, "http://127.0.0.1:1", ""));
    mute.recv(&mut question).expect("the question");
    wait_phase(&daemon, "resolving");
    stop_in_lookup("resolving", daemon);

    // A REST call that waits for the same.
    let sim = Sim::start(SimConfig::new(Face::Binance)).expect("a venue");
    let config = binance("x", &sim.url(), "http://rest.example", "").replace("BTCUSDT", &sim.symbols()[0]);
    let daemon = Daemon::start(&config);
    daemon.wait_until("the call", |d| d.json("/stats")["recovery"]["rest_in_flight"].as_u64() > Some(0));
    stop_in_lookup("REST is resolving", daemon);

    // The lookup is part of the connect deadline, and tried again.
    let started = Instant::now();
    let mut daemon = Daemon::start(&binance("x", url, "http://127.0.0.1:1", quick));
    daemon.wait_line("feed x: cannot look up venue.example: no answer within 1000 ms; trying again");
    let took = started.elapsed();
    eprintln!("lookup: given up after {} ms", took.as_millis());
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(3), "{took:?}");
    wait_phase(&daemon, "resolving");
    stop_in_lookup("resolving again", daemon);
}

/// The one documented exception: a lookup cannot be interrupted, so its thread ends with the process.
fn stop_in_lookup(state: &str, mut daemon: Daemon) {
    let (status, took) = daemon.stop();
    figure("T2", format!("stopped while {state}: {} ms", took.as_millis()));
    daemon.wait_line("a name lookup is still waiting and cannot be interrupted");
    daemon.wait_line("stopped, 1 thread(s) left to the end of the process");
    assert!(status.success(), "{state}: {status}");
    assert!(took < STOP_MAX, "{state}: {took:?}");
}

/// A directory for one test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("depthd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("made");
        Scratch(path)
    }

    pub fn entries(&self) -> Vec<PathBuf> {
        let list = std::fs::read_dir(&self.0).expect("there");
        list.map(|entry| entry.expect("readable").path()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `depthd run`, whose temporary folder is this one.
pub fn depthd(config: &Path, temp: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_depthd"));
    command.args(["run", "--config"]).arg(config).env("TMPDIR", temp);
    command.env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET").env_remove("RUNTIME_DIRECTORY");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// SIGTERM at any moment of the start: before there is anything to tidy, or in order.
///
/// One moment is nobody's: while the library exchanges the handler itself, for a microsecond or two, a signal meets
/// neither the old one nor the new. Who stops a daemon and sees it running asks again, and so does this.
#[test]
fn a_stop_during_the_start_leaves_nothing_behind() {
    const AGAIN_AFTER: Duration = Duration::from_secs(2);
    let (temp, place) = (Scratch::new("early"), Scratch::new("early-place"));
    let config = place.0.join("depthd.toml");
    let feed = binance("x", "ws://127.0.0.1:1", "http://127.0.0.1:1", "");
    std::fs::write(&config, format!("[http]\nlisten = \"127.0.0.1:0\"\n{feed}")).expect("written");
    let (mut orderly, mut early, mut unheard) = (0, 0, 0);
    // The private directory exists for a part of a millisecond before the daemon says that it listens.
    for micros in (0..6_000).step_by(50) {
        let mut child = depthd(&config, &temp.0).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(micros));
        let asked = Instant::now();
        terminate(&child);
        let mut again = asked + AGAIN_AFTER;
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child") {
                break status;
            }
            if Instant::now() > again {
                unheard += 1;
                again += AGAIN_AFTER;
                terminate(&child);
            }
            assert!(asked.elapsed() < PATIENCE, "after {micros} us: it does not end");
            std::thread::park_timeout(Duration::from_millis(1));
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => orderly += 1,
            (None, Some(15)) => early += 1,
            other => panic!("after {micros} us: {other:?}"),
        }
        assert_eq!(temp.entries(), Vec::<PathBuf>::new(), "after {micros} us: {status}");
    }
    eprintln!("stopped during the start: {early} at once, {orderly} in order, {unheard} asked again");
    assert!(unheard <= 1, "signals are lost: {unheard}");
}

fn terminate(child: &std::process::Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("not yet waited for");
}

/// Two stops at once: the second ends the process there and then, whatever the first is waiting for.
#[test]
fn a_second_signal_ends_at_once() {
    let sim = Sim::start(SimConfig::new(Face::Binance)).expect("a venue");
    let mut daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    // Held still, so that both are there when it goes on.
    for name in ["STOP", "TERM", "INT", "CONT"] {
        daemon.signal(name);
    }
    let asked = Instant::now();
    let status = daemon.wait_exit();
    assert_eq!(status.code(), Some(143), "{status}");
    assert!(asked.elapsed() < STOP_MAX);
}
