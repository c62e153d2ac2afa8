//! H1 to H5 and H7: every bound of the HTTP port, met from both sides, against a server in a process of its own.
//!
//! Where the contract gives more (64 connections) or less (5 s for an exchange) than the figure, the contract's is kept.

use super::amount::{amount, figure};
use crate::http_attacks::{connect, status_of};
use crate::http_fixture::{get, read_reply, say};
use crate::http_victim::{Victim, within};
use depthd::http::limits::{
    ANSWER_BYTES_MAX, HEAD_BYTES_MAX, HEAD_WITHIN, HEADER_LINES_MAX, PER_SOURCE_MAX, TARGET_BYTES_MAX,
};
use depthd::http::refusal::Refusal;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The contract's `max_connections` and `request_timeout`, with which the victim runs.
const CONNECTIONS_MAX: usize = 64;
const EXCHANGE_WITHIN: Duration = Duration::from_secs(5);
/// A refusal is promised within 50 ms; on a machine that others use, half of them have to be.
const REFUSED_WITHIN: Duration = Duration::from_millis(50);
/// What a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_millis(1_000);

const HUGE: &str = "/api/books/coinapi/HUGE?depth=5000";

fn ok(addr: SocketAddr) -> bool {
    say(addr, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").is_some_and(|r| r.status == 200)
}

/// Sources that are not loopback exist only where a test may make them: in a network namespace of its own.
#[test]
fn h1_slots_are_counted_over_all_and_by_source() {
    const INSIDE: &str = "DEPTHD_TEST_SOURCES";
    const ME: &str = "proof::http_limits::h1_slots_are_counted_over_all_and_by_source";
    if std::env::var_os(INSIDE).is_some() {
        return from_many_sources();
    }
    let me = std::env::current_exe().expect("a path");
    let addresses: String = (1..=10).map(|n| format!("ip addr add 10.9.0.{n}/32 dev lo && ")).collect();
    let unshare = |last: &str| {
        let script = format!("ip link set lo up && {addresses} {last}");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", &script, "sh"]).arg(&me).arg(ME);
        command.stdin(Stdio::null()).env(INSIDE, "1").output()
    };
    let can = unshare("true");
    if !can.as_ref().is_ok_and(|out| out.status.success()) {
        println!("SKIP: no namespaces here: {can:?}");
        return;
    }
    let out = unshare("exec \"$1\" --exact \"$2\" --nocapture").expect("unshare runs");
    let (said, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.contains("1 passed"), "{said}\n{errors}");
    said.lines().filter_map(|line| line.strip_prefix("FIGURE H1: ")).for_each(|line| figure("H1", line));
}

fn from_many_sources() {
    let victim = Victim::start_everywhere();
    let port = victim.addr.port();
    let there = |n: u8| SocketAddr::from((Ipv4Addr::new(10, 9, 0, n), port));
    let from = |n: u8| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::new(IpAddr::from([10, 9, 0, n]), 0).into()).expect("a source");
        socket.connect(&there(1).into()).expect("a connection");
        TcpStream::from(socket)
    };
    let refused = |mut stream: TcpStream, why: Refusal| {
        let began = Instant::now();
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let reply = read_reply(&mut stream).expect("a refusal without a question");
        assert_eq!(reply.status, why.status(), "{reply:?}");
        assert!(why.response().ends_with(&reply.body), "{reply:?}");
        began.elapsed()
    };
    let mut held: Vec<TcpStream> = (0..PER_SOURCE_MAX).map(|_| from(1)).collect();
    let mut took: Vec<Duration> = (0..10).map(|_| refused(from(1), Refusal::PerSource)).collect();
    // Eight sources of eight would take every slot; the last of them is loopback's.
    let more =
        (2..=8).flat_map(|n| (0..PER_SOURCE_MAX).map(move |_| n)).take(CONNECTIONS_MAX - 1 - PER_SOURCE_MAX);
    held.extend(more.map(from));
    assert_eq!(held.len(), CONNECTIONS_MAX - 1);
    took.extend((0..10).map(|_| refused(from(9), Refusal::Full)));
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert!(ok(local), "the slot that is kept for loopback");
    let last = connect(local);
    took.extend((0..10).map(|_| refused(connect(local), Refusal::Full)));
    took.sort_unstable();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    figure(
        "H1",
        format!(
            "{} connections at once, {PER_SOURCE_MAX} of one source, one slot loopback's; over that 503 after {} us \
         (median of {}), {} us (worst)",
            CONNECTIONS_MAX,
            median.as_micros(),
            took.len(),
            worst.as_micros()
        ),
    );
    assert!(median <= REFUSED_WITHIN && worst <= SLACK, "{took:?}");
    drop((held, last));
    assert!(within(Duration::from_secs(3), || ok(there(1))), "slots come back");
}

#[test]
fn h2_heads_are_bounded_in_bytes_lines_and_target() {
    let victim = Victim::start(None);
    let status = |head: String| status_of(victim.addr, head.as_bytes());
    let sized = |bytes: usize| {
        let (start, end) = ("GET /health/live HTTP/1.1\r\nHost: x\r\nX: ", "\r\n\r\n");
        format!("{start}{}{end}", "a".repeat(bytes - start.len() - end.len()))
    };
    let lined = |lines: usize| {
        format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(lines - 1))
    };
    let aimed = |bytes: usize| {
        let target = format!("/health/live?{}", "a".repeat(bytes - "/health/live?".len()));
        format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
    };
    let seen = [
        status(sized(HEAD_BYTES_MAX)),
        status(sized(HEAD_BYTES_MAX + 1)),
        status(lined(HEADER_LINES_MAX)),
        status(lined(HEADER_LINES_MAX + 1)),
        status(aimed(TARGET_BYTES_MAX)),
        status(aimed(TARGET_BYTES_MAX + 1)),
    ];
    figure(
        "H2",
        format!(
            "head of {HEAD_BYTES_MAX} bytes {}, one more {}; {HEADER_LINES_MAX} lines {}, one more {}; target of \
         {TARGET_BYTES_MAX} bytes {}, one more {}",
            seen[0], seen[1], seen[2], seen[3], seen[4], seen[5]
        ),
    );
    // A query that a route does not know is another matter than its length.
    let taken = |status: u16| matches!(status, 200 | 400);
    assert!(taken(seen[0]) && taken(seen[2]) && taken(seen[4]), "{seen:?}");
    assert_eq!((seen[1], seen[3], seen[5]), (431, 431, 414));
    victim.must_be_in_bounds();
}

/// One byte now and then beats every idle timer, on the way in and on the way out.
#[test]
fn h3_h5_heads_and_exchanges_end_at_their_deadlines() {
    let victim = Victim::start(None);
    let before = victim.footprint().fds;
    let (mut dripping, began) = (connect(victim.addr), Instant::now());
    dripping.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let mut bytes = b"GET / HTTP/1.1\r\nX: ".iter().chain(b"a".iter().cycle());
    let head = loop {
        let _ = dripping.write_all(&[*bytes.next().expect("endless")]);
        match dripping.read(&mut [0; 1024]) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => break began.elapsed(),
        }
        assert!(began.elapsed() < 2 * EXCHANGE_WITHIN, "held for ever");
    };
    drop(dripping);
    assert!(within(Duration::from_secs(2), || victim.footprint().fds <= before), "the socket is kept");
    // Clients that ask for a huge answer and read a little of it now and then: the server is to be rid of them in time,
    // whatever the kernel still holds for them.
    let mut slow: Vec<TcpStream> = (0..3).map(|_| connect(victim.addr)).collect();
    let began = Instant::now();
    for stream in &mut slow {
        socket2::SockRef::from(&*stream).set_recv_buffer_size(4_096).expect("a small buffer");
        write!(stream, "GET {HUGE} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    }
    assert!(within(Duration::from_secs(1), || victim.footprint().fds > before), "nobody is served");
    let mut drip = [0; 16];
    let gone = within(3 * EXCHANGE_WITHIN, || {
        slow.iter_mut().for_each(|stream| drop(stream.read(&mut drip)));
        victim.footprint().fds <= before
    });
    let cut = began.elapsed();
    assert!(gone, "held for ever");
    let whole = get(victim.addr, HUGE).body.len();
    figure(
        "H3",
        format!(
            "a head that drips is cut after {} ms, an exchange after {} ms",
            head.as_millis(),
            cut.as_millis()
        ),
    );
    figure("H5", format!("the deepest book is {whole} bytes of at most {ANSWER_BYTES_MAX}"));
    assert!(head + Duration::from_millis(1) >= HEAD_WITHIN && head <= HEAD_WITHIN + SLACK, "{head:?}");
    assert!(cut <= EXCHANGE_WITHIN + SLACK, "{cut:?}");
    assert!(whole <= ANSWER_BYTES_MAX);
    assert_eq!(get(victim.addr, &HUGE.replace("5000", "5001")).status, 400);
    victim.must_be_in_bounds();
}

#[test]
fn h4_only_get_and_head_without_a_body() {
    let victim = Victim::start(None);
    let methods = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND"];
    for method in methods {
        let reply = say(victim.addr, format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
            .expect("an answer");
        assert_eq!(reply.status, 405, "{method}");
        assert!(reply.head.contains("\r\nAllow: GET, HEAD\r\n"), "{}", reply.head);
    }
    for body in ["Content-Length: 1\r\n\r\nx", "Content-Length: 99999999999\r\n\r\n"] {
        assert_eq!(status_of(victim.addr, format!("GET / HTTP/1.1\r\nHost: x\r\n{body}").as_bytes()), 413);
    }
    assert_eq!(status_of(victim.addr, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    figure("H4", format!("{} methods 405, bodies 413, GET and HEAD answered", methods.len()));
    victim.must_be_in_bounds();
}

/// No descriptor for seconds: `accept` fails again and again, with pauses that grow, and goes on when there is one.
#[test]
fn h7_accept_goes_on_after_errors() {
    let length = Duration::from_secs(amount(2, 6, 30));
    let victim = Victim::start(None);
    let errors = || get(victim.addr, "/stats").json()["http"]["accept_errors"].as_u64().expect("a count");
    let before = errors();
    // Not one descriptor to spare, once the last exchange's are given back.
    victim.must_be_in_bounds();
    victim.limit_fds(victim.first_free_fd());
    let began = Instant::now();
    let waiting: Vec<TcpStream> = (0..20)
        .filter_map(|_| TcpStream::connect_timeout(&victim.addr, Duration::from_millis(100)).ok())
        .collect();
    std::thread::park_timeout(length.saturating_sub(began.elapsed()));
    victim.limit_fds(4_096);
    let starved = began.elapsed();
    drop(waiting);
    let back = Instant::now();
    assert!(within(Duration::from_secs(3), || ok(victim.addr)), "it has stopped accepting");
    let back = back.elapsed();
    let met = errors() - before;
    // 100, 200, 400, 800 ms, then one a second; and no spinning.
    let most = 5 + starved.as_secs();
    figure(
        "H7",
        format!(
            "{met} failed accepts in {:.1} s without a descriptor, {most} at most; answering again after {} ms",
            starved.as_secs_f64(),
            back.as_millis()
        ),
    );
    assert!((2..=most).contains(&met), "{met}");
    victim.must_be_in_bounds();
}
