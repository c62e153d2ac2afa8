//! The program itself, as it is installed: how large it is in memory, what it costs when nothing comes, how it starts.

use crate::daemon::configuration;
use crate::venue::{self, Client, Venue, flat_out};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::slice;
use std::thread;
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_secs(5);
const BURST: u64 = 1_000_000;
const IDLE: Duration = Duration::from_secs(20);
const STARTS: usize = 20;

pub fn run() {
    starts();
    resident(10, 1);
    // Twenty times ten frames' worth of books: each has a thousand levels a side from its first snapshot on.
    resident(200, 0);
    idle();
}

/// A running program and where it says that it is ready.
struct Program {
    child: Child,
    notified: UnixDatagram,
    folder: PathBuf,
}

impl Program {
    fn start(config: &str) -> Program {
        let folder = std::env::temp_dir().join(format!("depthd-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (file, socket) = (folder.join("depthd.toml"), folder.join("notify"));
        fs::write(&file, config).expect("a file");
        let _ = fs::remove_file(&socket);
        let notified = UnixDatagram::bind(&socket).expect("a socket");
        notified.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        let child = Command::new(env!("CARGO_BIN_EXE_depthd"))
            .args(["run", "--config"])
            .arg(&file)
            .env("NOTIFY_SOCKET", &socket)
            .env("RUNTIME_DIRECTORY", &folder)
            // The status line comes with the watchdog's keep-alives.
            .env("WATCHDOG_USEC", "2000000")
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        Program { child, notified, folder }
    }

    /// Waits for a notification that says this.
    fn says(&self, what: &str) {
        let mut buffer = [0; 4_096];
        loop {
            let n = self.notified.recv(&mut buffer).unwrap_or_else(|e| panic!("no {what}: {e}"));
            if String::from_utf8_lossy(&buffer[..n]).contains(what) {
                return;
            }
        }
    }

    fn says_to_be_live(&self, symbols: usize) {
        self.says(&format!("{symbols} of {symbols} books live"));
    }

    fn status(&self, key: &str) -> u64 {
        let text = read(&self.path("status"));
        let line = text.lines().find(|line| line.starts_with(key)).expect("a line");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    }

    fn cpu_nanos(&self) -> u64 {
        let tasks = fs::read_dir(self.path("task")).expect("/proc");
        tasks.flatten().map(|t| read(&t.path().join("schedstat"))).map(|text| first_number(&text)).sum()
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("/proc")
}

fn first_number(text: &str) -> u64 {
    text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

fn starts() {
    let config = configuration(&venue::start(10), "");
    let mut took: Vec<f64> = (0..STARTS)
        .map(|_| {
            let started = Instant::now();
            let program = Program::start(&config);
            program.says("READY=1");
            let took = started.elapsed().as_secs_f64() * 1e3;
            drop(program);
            took
        })
        .collect();
    took.sort_by(f64::total_cmp);
    println!(
        "start to READY: median {:.1} ms, worst {:.1} ms of {STARTS}",
        took[STARTS / 2],
        took[STARTS - 1]
    );
}

/// Resident memory at the nominal pace, and at the end of as many seconds after a burst.
fn resident(symbols: usize, bursts: usize) {
    let venues = [Venue::start(symbols)];
    let program = Program::start(&configuration(&venues, "overflow = \"block\""));
    let mut client = venues[0].client();
    flat_out(slice::from_mut(&mut client), 1);
    program.says_to_be_live(symbols);
    let show = |when: &str, client: &mut Client<'_>| {
        client.pace(1_000, QUIET);
        let (rss, anon) = (program.status("VmRSS:"), program.status("RssAnon:"));
        println!("{symbols} books at 1000/s, {when}: VmRSS {rss} KiB, of it anonymous {anon} KiB");
    };
    show("before any burst", &mut client);
    for _ in 0..bursts {
        flat_out(slice::from_mut(&mut client), BURST);
        show("after a burst of a million", &mut client);
    }
}

fn idle() {
    let venues = [Venue::start(10)];
    let program = Program::start(&configuration(&venues, ""));
    let mut client = venues[0].client();
    flat_out(slice::from_mut(&mut client), 1);
    program.says_to_be_live(10);
    let before = program.cpu_nanos();
    thread::sleep(IDLE);
    let part = (program.cpu_nanos() - before) as f64 / IDLE.as_nanos() as f64;
    println!("idle, connected: {:.3} % of a core over {} s", part * 100.0, IDLE.as_secs());
    drop(client);
}
