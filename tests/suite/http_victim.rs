//! A server in a process of its own, so that its threads, descriptors and memory can be counted exactly, whatever
//! other tests do meanwhile. The process is this same test binary, told to run one test.

use crate::http_fixture::{get, say, serve, tcp};
use depthd::http::Listen;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Serves in a process of its own until it is dropped.
pub struct Victim {
    child: Child,
    /// Kept open: the victim's test harness writes its verdict there.
    _stdout: BufReader<ChildStdout>,
    pub addr: SocketAddr,
    before: Footprint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    pub threads: usize,
    pub fds: usize,
    pub rss_kib: usize,
}

const VICTIM: &str = "DEPTHD_TEST_HTTP_VICTIM";
/// Where it listens, when that is not loopback.
const LISTEN: &str = "DEPTHD_TEST_HTTP_LISTEN";

impl Victim {
    /// `fds_max`: the limit on descriptors, where the test is about that.
    pub fn start(fds_max: Option<u64>) -> Victim {
        Victim::start_at(fds_max, "127.0.0.1:0")
    }

    /// On every address there is; its own is told as loopback's.
    pub fn start_everywhere() -> Victim {
        Victim::start_at(None, "0.0.0.0:0")
    }

    fn start_at(fds_max: Option<u64>, listen: &str) -> Victim {
        let exe = std::env::current_exe().expect("this test's own path");
        let mut child = Command::new(exe)
            .args(["--exact", "http_victim::victim_process", "--nocapture"])
            .env(VICTIM, fds_max.unwrap_or(4_096).to_string())
            .env(LISTEN, listen)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let lines = stdout.by_ref().lines().map_while(Result::ok);
        let mut addresses = lines.filter_map(|l| l.strip_prefix("victim at ")?.parse().ok());
        let mut addr: SocketAddr = addresses.next().expect("the victim's address");
        if addr.ip().is_unspecified() {
            addr.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let before = Footprint { threads: 0, fds: 0, rss_kib: 0 };
        let mut victim = Victim { child, _stdout: stdout, addr, before };
        // A few requests first, so that what is made once is there; then until nothing of them is left.
        (0..4).for_each(|_| assert_eq!(get(addr, "/stats").status, 200));
        let mut calm_since = Instant::now();
        let calm = within(Duration::from_secs(5), || {
            let now = victim.footprint();
            if (now.threads, now.fds) != (victim.before.threads, victim.before.fds) {
                calm_since = Instant::now();
            }
            victim.before = now;
            calm_since.elapsed() > Duration::from_millis(300)
        });
        assert!(calm, "the victim does not settle");
        victim
    }

    pub fn footprint(&self) -> Footprint {
        let proc = |what: &str| format!("/proc/{}/{what}", self.child.id());
        let entries = |what: &str| std::fs::read_dir(proc(what)).expect("procfs").count();
        let status = std::fs::read_to_string(proc("status")).expect("procfs");
        let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("VmRSS");
        let rss_kib = rss.trim().trim_end_matches(" kB").parse().expect("a number");
        Footprint { threads: entries("task"), fds: entries("fd"), rss_kib }
    }

    /// The lowest number that no descriptor has: the limit under which there is none to be had, whatever their count.
    pub fn first_free_fd(&self) -> usize {
        let list = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("procfs");
        let taken: Vec<usize> =
            list.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        (0..).find(|n| !taken.contains(n)).expect("fewer than all numbers")
    }

    /// From here on its descriptors have numbers below this.
    pub fn limit_fds(&self, fds: usize) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let limit = rustix::process::Rlimit { current: Some(fds as u64), maximum: Some(4_096) };
        rustix::process::prlimit(Some(pid), rustix::process::Resource::Nofile, limit).expect("our own child");
    }

    /// Still answers, soon, and goes back to the descriptors it had; of threads it has no more than tiny_http keeps
    /// for the four requests it is given at once.
    pub fn must_be_in_bounds(&self) {
        self.must_come_back_to(self.before.threads + 4, Duration::from_secs(5));
    }

    /// The same, and to exactly the threads it had: tiny_http lets surplus ones go after 5 idle seconds.
    pub fn must_be_as_before(&self) {
        self.must_come_back_to(self.before.threads, Duration::from_secs(12));
    }

    fn must_come_back_to(&self, threads: usize, limit: Duration) {
        // Also waits for what is still in the backlog: connections come in order.
        self.must_answer_within(Duration::from_secs(3));
        let mut last = None;
        let calm = within(limit, || {
            let now = self.footprint();
            last = Some(now);
            now.threads <= threads && now.fds == self.before.fds
        });
        assert!(calm, "before {:?}, after {last:?}", self.before);
    }

    pub fn rss_growth_kib(&self) -> usize {
        self.footprint().rss_kib.saturating_sub(self.before.rss_kib)
    }

    /// Answers `/health/live` within this time, whatever it takes to get a slot.
    pub fn must_answer_within(&self, limit: Duration) {
        let ok = || {
            say(self.addr, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").is_some_and(|r| r.status == 200)
        };
        assert!(within(limit, ok), "no answer within {limit:?}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Its standard input ends: it stops in order, and says so by its status.
        drop(self.child.stdin.take());
        let ended = within(Duration::from_secs(5), || matches!(self.child.try_wait(), Ok(Some(_))));
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait();
        if !std::thread::panicking() {
            assert!(ended && status.is_ok_and(|s| s.success()), "the victim did not stop in order");
        }
    }
}

/// Asks again and again until it holds or the time is over.
pub fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The victim's `main`. Started by [`Victim::start`] only; on its own it has nothing to do.
#[test]
fn victim_process() {
    let Ok(fds_max) = std::env::var(VICTIM) else { return };
    let fds_max = fds_max.parse().expect("a number");
    let limit = rustix::process::Rlimit { current: Some(fds_max), maximum: Some(4_096) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).expect("a lower limit");
    let listen = std::env::var(LISTEN).expect("said with the other").parse().expect("an address");
    let server = serve(Listen::Tcp(listen), 64, Duration::from_secs(5));
    println!("\nvictim at {}", tcp(server.local_addr()));
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("standard input");
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(1), "stopping took {:?}", began.elapsed());
}
