//! A daemon under test: the real binary in a process of its own, its log, its HTTP port, its `/proc`.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::Level;
use depthd::engine::time::Wall;
use depthd::sim::Sim;
use depthd::sim::truth::{Difference, Shown, TrueBook};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than any healthy answer on a busy machine; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running depthd. Dropping it kills it.
pub struct Daemon {
    child: Child,
    pub http: SocketAddr,
    log: Receiver<String>,
    pub lines: Vec<String>,
    config: PathBuf,
}

/// A `[[feed]]` for a simulated venue, named like its face; `more` is added to it.
pub fn feed(sim: &Sim, more: &str) -> String {
    format!(
        "[[feed]]\nname = \"{0}\"\nvenue = \"{0}\"\nurl = \"{1}\"\nrest_url = \"{2}\"\nsymbols = {3:?}\n\
         backoff = {{ first = \"50ms\", max = \"500ms\", reset_after = \"60s\" }}\n{more}\n",
        sim.face(),
        sim.url(),
        sim.rest_url(),
        sim.symbols()
    )
}

impl Daemon {
    /// Starts `depthd run` with this configuration and waits until it listens. `[http]` is added.
    pub fn start(config: &str) -> Daemon {
        Daemon::start_with(config, &[("COINAPI_KEY", "sim-key")])
    }

    pub fn start_with(config: &str, env: &[(&str, &str)]) -> Daemon {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("depthd-e2e-{}-{n}.toml", std::process::id()));
        fs::write(&path, format!("[http]\nlisten = \"127.0.0.1:0\"\n{config}"))
            .expect("the configuration is written");
        let mut daemon = Daemon::launch(path, env);
        daemon.wait_listening();
        daemon
    }

    /// Starts `depthd run` with this file as it is, and waits for nothing. The file goes when this is dropped.
    pub fn launch(config: PathBuf, env: &[(&str, &str)]) -> Daemon {
        Daemon::launch_by(Command::new(env!("CARGO_BIN_EXE_depthd")), config, env)
    }

    /// The same by a command of the test's own, which ends up as the daemon: a shell that sets limits first.
    pub fn launch_by(mut command: Command, config: PathBuf, env: &[(&str, &str)]) -> Daemon {
        command.args(["run", "--config"]).arg(&config);
        Daemon::launch_as(command, config, env)
    }

    /// Starts a program that logs as `depthd run` does and reads the configuration that stands there.
    pub fn start_as(command: Command, config: PathBuf, env: &[(&str, &str)]) -> Daemon {
        let mut daemon = Daemon::launch_as(command, config, env);
        daemon.wait_listening();
        daemon
    }

    fn launch_as(mut command: Command, config: PathBuf, env: &[(&str, &str)]) -> Daemon {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET");
        // As under systemd: to print where a thread panicked (tiny_http's do, without a descriptor) takes 50 MiB of memory.
        command.env("RUST_BACKTRACE", "0");
        for (name, value) in env {
            command.env(name, value);
        }
        let mut child = command.spawn().expect("depthd starts");
        let log = follow(child.stderr.take().expect("piped"));
        let http = SocketAddr::from(([127, 0, 0, 1], 0));
        Daemon { child, http, log, lines: Vec::new(), config }
    }

    /// Waits until it listens, and learns where.
    pub fn wait_listening(&mut self) {
        let line = self.wait_line("listening on ");
        let address = line.rsplit(' ').next().unwrap_or_default();
        self.http = address.parse().unwrap_or_else(|_| panic!("an address at the end of {line:?}"));
    }

    /// Ends it as the kernel does when memory is short, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its configuration stands, for a test that changes it.
    pub fn config_path(&self) -> &PathBuf {
        &self.config
    }

    /// Waits for a line of the log that contains `part`.
    pub fn wait_line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(left) {
                Ok(line) => {
                    self.lines.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {part:?}; the log:\n{}", self.lines.join("\n")),
            }
        }
    }

    /// The log so far.
    pub fn drain_log(&mut self) -> &[String] {
        self.lines.extend(self.log.try_iter());
        &self.lines
    }

    /// `GET path`: status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        get(self.http, path)
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {status} {e}: {body}"))
    }

    /// Sends a signal by name (`TERM`, `HUP`, `USR1`, `STOP`, `CONT`, `KILL`).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Sends SIGTERM and waits for the end: how it ended, and how long that took.
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        self.signal("TERM");
        let status = self.wait_exit();
        (status, asked.elapsed())
    }

    /// Waits for the end.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "depthd does not end; its log:\n{}",
                self.drain_log().join("\n")
            );
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child can be asked").is_none()
    }

    /// Threads, descriptors and anonymous memory in KiB, as the kernel counts them.
    pub fn footprint(&self) -> Footprint {
        let proc = PathBuf::from(format!("/proc/{}", self.pid()));
        let status = fs::read_to_string(proc.join("status")).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"));
            line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{line}"))
        };
        let fds = fs::read_dir(proc.join("fd")).expect("it runs").count() as u64;
        Footprint {
            threads: field("Threads:"),
            fds,
            anonymous_kib: field("RssAnon:"),
            rss_kib: field("VmRSS:"),
        }
    }

    /// Every book's state as `/api/books` shows it.
    pub fn states(&self) -> Vec<(String, String)> {
        let books = self.json("/api/books");
        let rows = books["books"].as_array().expect("a list");
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        rows.iter().map(|row| (text(&row["symbol"]), text(&row["state"]))).collect()
    }

    /// Waits until the condition holds, looking about a hundred times a second.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&Daemon) -> bool) -> Duration {
        let started = Instant::now();
        while !holds(self) {
            if started.elapsed() >= PATIENCE {
                panic!(
                    "not within {PATIENCE:?}: {what}\n{}\n{}",
                    self.json("/api/books"),
                    self.json("/stats")
                );
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        started.elapsed()
    }

    pub fn wait_all_live(&self) -> Duration {
        self.wait_until("every book live", |d| {
            let states = d.states();
            !states.is_empty() && states.iter().all(|(_, state)| state == "live")
        })
    }

    /// Compares every live book with the venue's true one at the same sequence: how many were, and what differs.
    pub fn audit(&self, sim: &Sim) -> (usize, Vec<String>) {
        self.audit_of(sim, &sim.symbols())
    }

    /// The same of these symbols.
    pub fn audit_of(&self, sim: &Sim, symbols: &[String]) -> (usize, Vec<String>) {
        self.audit_as(&sim.face().to_string(), sim, symbols)
    }

    /// The same where the feed has another name than its venue.
    pub fn audit_as(&self, feed: &str, sim: &Sim, symbols: &[String]) -> (usize, Vec<String>) {
        let (mut audited, mut wrong) = (0, Vec::new());
        for symbol in symbols {
            let book = self.json(&format!("/api/books/{feed}/{symbol}?depth=5000"));
            if book["state"] != "live" {
                continue;
            }
            let sequence = book["sequence"].as_u64();
            let time = book["exchange_time"].as_str().and_then(Wall::parse);
            let Some(truth) = sim.truth(symbol, sequence, time) else { continue };
            audited += 1;
            if let Err(difference) = judge(&book, &truth) {
                wrong.push(format!("{symbol} at {sequence:?}: {difference}"));
            }
        }
        (audited, wrong)
    }

    /// Demands that every book of the venue is live and right, once the market stands still.
    pub fn assert_exact(&self, sim: &Sim) {
        self.wait_all_live();
        let (audited, wrong) = self.audit(sim);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(audited, sim.symbols().len(), "every book can be compared");
    }
}

impl Drop for Daemon {
    /// Asks first: most tests end with a daemon that could stop in order, and this way it has to.
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        if self.is_running() {
            let pid = self.pid().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).stderr(Stdio::null()).status();
        }
        while self.is_running() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.config);
    }
}

/// A whole book, as the HTTP API shows it, against the true one.
pub fn judge(book: &Value, truth: &TrueBook) -> Result<(), Difference> {
    let (bids, asks) = (levels(&book["bids"]), levels(&book["asks"]));
    let edge = |name: &str| {
        let text = book.get("exact_range").and_then(|r| r[name].as_str());
        text.map(|t| Decimal::parse(t.as_bytes()).expect("a price"))
    };
    truth.judge(&Shown { bids: &bids, asks: &asks, depth: 5_000, low: edge("low"), high: edge("high") })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Footprint {
    pub threads: u64,
    pub fds: u64,
    pub anonymous_kib: u64,
    pub rss_kib: u64,
}

/// One HTTP exchange on a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: depthd\r\nConnection: close\r\n\r\n").expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("{head}"));
    (status, body.to_owned())
}

fn levels(side: &Value) -> Vec<Level> {
    let number = |v: &Value| Decimal::parse(v.as_str().expect("a string").as_bytes()).expect("a number");
    let rows = side.as_array().expect("a list");
    rows.iter().map(|row| Level { price: number(&row[0]), size: number(&row[1]) }).collect()
}

/// Reads the log on a thread of its own, so that the daemon never waits for the test.
fn follow(log: ChildStderr) -> Receiver<String> {
    let (lines, out) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    out
}
