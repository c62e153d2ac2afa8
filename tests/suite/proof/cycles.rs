//! T4: five hundred starts and stops leave no port, no socket, no folder and no lock behind; and however often it is
//! killed, at most one thing stays, which the next start clears away.

use super::amount::{amount, figure};
use crate::e2e::rogue::{Manners, Rogue};
use crate::e2e::teardown::{JOINED, Scratch, binance, depthd, silent};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

/// Half of T2's: a stop takes some 20 ms where the machine has time, and nothing is under way here.
const STOP_MAX: Duration = Duration::from_secs(1);

/// Two places to listen, in turn: the same port and the same path each time, so that what one start leaves is met by
/// the next but one.
struct Place {
    /// The daemon's temporary folder.
    temp: Scratch,
    folder: Scratch,
    port: SocketAddr,
    socket: PathBuf,
    venue: Rogue,
}

impl Place {
    fn new(name: &str) -> Place {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("bound");
        let folder = Scratch::new(&format!("{name}-place"));
        Place {
            temp: Scratch::new(name),
            socket: folder.0.join("http.sock"),
            folder,
            port: free,
            venue: Rogue::start(Manners::Upgrade(Box::new(silent))),
        }
    }

    fn start(&self, cycle: u32) -> Child {
        let listen = match cycle % 2 {
            0 => self.port.to_string(),
            _ => format!("unix:{}", self.socket.display()),
        };
        let config = self.folder.0.join("depthd.toml");
        let feed = binance("x", &format!("ws://{}", self.venue.addr), "http://127.0.0.1:1", "");
        std::fs::write(&config, format!("[http]\nlisten = \"{listen}\"\n{feed}")).expect("written");
        depthd(&config, &self.temp.0).spawn().expect("it starts")
    }

    /// Starts it, waits until it listens, and stops it in order: how long the stop took.
    fn cycle(&self, cycle: u32) -> Duration {
        let mut child = self.start(cycle);
        let mut log = listening(&mut child);
        assert_eq!(
            self.temp.entries(),
            Vec::<PathBuf>::new(),
            "cycle {cycle}: the private socket has no name"
        );
        let asked = Instant::now();
        send(&child, rustix::process::Signal::TERM);
        let mut rest = String::new();
        log.read_to_string(&mut rest).expect("the log");
        let status = child.wait().expect("it ends");
        let took = asked.elapsed();
        assert!(status.success() && rest.contains(JOINED), "cycle {cycle}: {status}: {rest}");
        assert_eq!(self.temp.entries(), Vec::<PathBuf>::new(), "cycle {cycle}");
        assert!(cycle.is_multiple_of(2) || !self.socket.exists(), "cycle {cycle}");
        took
    }
}

fn listening(child: &mut Child) -> BufReader<ChildStderr> {
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("listening on") {
        line.clear();
        let read = log.read_line(&mut line).expect("a line");
        assert!(read > 0, "it ended: {:?}", child.wait());
    }
    log
}

fn send(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).expect("not yet waited for");
}

#[test]
fn t4_starts_and_stops_leave_nothing_behind() {
    let cycles = amount(50, 500, 500);
    let place = Place::new("cycles");
    let slowest = (0..cycles).map(|cycle| place.cycle(cycle)).max().expect("some");
    TcpListener::bind(place.port).expect("the port is free");
    figure("T4", format!("{cycles} starts and stops left nothing; slowest stop {} ms", slowest.as_millis()));
    assert!(slowest < STOP_MAX, "{slowest:?}");
}

/// The private socket's folder stayed behind after every kill, and nobody ever removed it. Now it is there for a part of
/// a millisecond, and whoever starts next clears it away.
#[test]
fn t4_kills_at_any_moment_leave_one_thing_at_most() {
    let kills: u32 = amount(60, 300, 1_000);
    let place = Place::new("kills");
    let (mut most, mut met) = (0, 0);
    for n in 0..kills {
        let mut child = place.start(n);
        // Over the whole start, and then some: the folder is there early in it.
        std::thread::sleep(Duration::from_micros(u64::from(n * 7_919 % 12_000)));
        send(&child, rustix::process::Signal::KILL);
        child.wait().expect("it ends");
        let left = place.temp.entries().len();
        most = most.max(left);
        met += usize::from(left > 0);
    }
    // One after the first signal that is forced by a second.
    let mut child = place.start(0);
    drop(listening(&mut child));
    for signal in [rustix::process::Signal::STOP, rustix::process::Signal::TERM] {
        send(&child, signal);
    }
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::CONT] {
        send(&child, signal);
    }
    child.wait().expect("it ends");
    assert_eq!(place.temp.entries(), Vec::<PathBuf>::new(), "after a forced stop");
    for cycle in 0..2 {
        place.cycle(cycle);
    }
    TcpListener::bind(place.port).expect("the port is free");
    figure(
        "T4",
        format!("{kills} kills: a folder left by {met}, {most} at once at most, none after the next start"),
    );
    assert!(most <= 1, "{most} pile up");
}
