//! The attacks that end, block or bloat a bare tiny_http, against the gate: each gets an answer or a close, others are
//! served meanwhile, and afterwards threads and descriptors are exactly what they were.

use crate::http_fixture::{get, loopback, read_reply, say, serve, tcp};
use crate::http_victim::{Victim, within};
use depthd::http::Listen;
use depthd::http::refusal::Refusal;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream
}

pub fn status_of(addr: SocketAddr, bytes: &[u8]) -> u16 {
    say(addr, bytes).unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(bytes))).status
}

/// Requests that end or confuse a bare server, and what they get from ours.
pub fn bad_framing() -> Vec<(String, Refusal)> {
    let with = |line: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");
    vec![
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000000\r\n\r\n".to_owned(), Refusal::Method),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n".to_owned(),
            Refusal::Method,
        ),
        (with("Content-Length: 200000000000"), Refusal::Body),
        (with("Content-Length: 2000"), Refusal::Body),
        (with("Content-Length: -5"), Refusal::Malformed),
        (with("Content-Length: 0\r\nContent-Length: 7"), Refusal::Malformed),
        (with("Transfer-Encoding: chunked"), Refusal::TransferEncoding),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n".to_owned(), Refusal::Version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), Refusal::Version),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Refusal::Malformed),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(600)), Refusal::TargetTooLong),
        (with(&"a: b\r\n".repeat(100)), Refusal::HeadTooLarge),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}".to_owned(), Refusal::Malformed),
        ("GET /a\u{0}b HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), Refusal::Malformed),
    ]
}

#[test]
fn framing_that_ends_or_confuses_others_is_refused() {
    let victim = Victim::start(None);
    for (request, want) in bad_framing() {
        for _ in 0..20 {
            assert_eq!(status_of(victim.addr, request.as_bytes()), want.status(), "{request:?}");
        }
    }
    victim.must_be_in_bounds();
}

/// Sends a head byte by byte until it is cut.
pub fn slow_head(addr: SocketAddr) {
    let mut stream = connect(addr);
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let began = Instant::now();
    let mut got = Vec::new();
    for byte in b"GET / HTTP/1.1\r\nHost: a-very-long-name-that-comes-byte-by-byte".iter().cycle() {
        // The pauses are the attack; the read both paces it and sees the end of it.
        let _ = stream.write_all(&[*byte]);
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => got.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        assert!(began.elapsed() < Duration::from_secs(5), "held for ever");
    }
    assert!(began.elapsed() > Duration::from_millis(1_900), "{:?}", began.elapsed());
    assert_eq!(got, Refusal::TooSlow.response(), "{}", String::from_utf8_lossy(&got));
}

#[test]
fn a_slow_head_is_cut_by_a_deadline_and_not_by_idleness() {
    let victim = Victim::start(None);
    slow_head(victim.addr);
    victim.must_be_in_bounds();
}

/// Sends heads without an end until the server hangs up.
pub fn endless_heads(addr: SocketAddr) {
    for start in ["GET / HTTP/1.1\r\nHost: x\r\nX: ", "GET /", "\r\n"] {
        let mut stream = connect(addr);
        let _ = stream.write_all(start.as_bytes());
        let chunk = if start == "\r\n" { b"\r\n".repeat(32 * 1024) } else { vec![b'a'; 64 * 1024] };
        // Up to 64 MiB, or as much as it takes for the server to hang up.
        let sent = (0..1_024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(sent < 1_024, "took all of {start:?}");
    }
}

#[test]
fn an_endless_head_costs_no_memory() {
    let victim = Victim::start(None);
    endless_heads(victim.addr);
    assert!(victim.rss_growth_kib() < 4_096, "{} KiB", victim.rss_growth_kib());
    victim.must_be_in_bounds();
}

#[test]
fn a_thousand_silent_connections_are_a_moments_trouble() {
    let victim = Victim::start(None);
    let silent: Vec<TcpStream> = (0..1_000).filter_map(|_| TcpStream::connect(victim.addr).ok()).collect();
    assert!(silent.len() > 900);
    victim.must_answer_within(Duration::from_secs(3));
    assert!(victim.rss_growth_kib() < 4_096, "{} KiB", victim.rss_growth_kib());
    drop(silent);
    victim.must_be_as_before();
}

#[test]
fn whoever_finds_no_slot_is_told_at_once() {
    let victim = Victim::start(None);
    let silent: Vec<TcpStream> = (0..64).map(|_| connect(victim.addr)).collect();
    let began = Instant::now();
    let reply = say(victim.addr, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("an answer");
    assert_eq!(reply.status, 503);
    assert!(reply.head.contains("\r\nRetry-After: 1\r\n"), "{}", reply.head);
    // 50 ms is the promise on an idle machine; tests share theirs.
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    drop(silent);
    victim.must_be_in_bounds();
}

/// Two hundred thousand requests on one connection.
pub fn pipelined(addr: SocketAddr) {
    let mut stream = connect(addr);
    let burst = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    for _ in 0..200 {
        if stream.write_all(&burst).is_err() {
            break;
        }
    }
    drop(stream);
    // A few at once: the first is answered, and nothing after it.
    let reply = say(addr, &burst[..20 * 40]).expect("an answer");
    assert_eq!((reply.status, reply.text()), (200, r#"{"status":"ok"}"#));
}

#[test]
fn pipelined_requests_beyond_the_first_are_thrown_away() {
    let victim = Victim::start(None);
    pipelined(victim.addr);
    assert!(victim.rss_growth_kib() < 4_096, "{} KiB", victim.rss_growth_kib());
    victim.must_be_in_bounds();
}

/// Clients that want to keep their connections, many at once; each is served.
pub fn keep_alive_bursts(addr: SocketAddr) {
    for clients in [6, 12, 50] {
        for _ in 0..5 {
            let mut streams: Vec<TcpStream> = (0..clients).map(|_| connect(addr)).collect();
            for stream in &mut streams {
                let request = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n";
                stream.write_all(request).expect("sent");
            }
            for (i, stream) in streams.iter_mut().enumerate() {
                let reply =
                    read_reply(stream).unwrap_or_else(|| panic!("client {i} of {clients} was starved"));
                assert_eq!(reply.status, 200);
            }
        }
    }
}

#[test]
fn bursts_of_keep_alive_clients_are_all_served() {
    let victim = Victim::start(None);
    keep_alive_bursts(victim.addr);
    victim.must_be_as_before();
}

/// Bodies that are promised and never come.
pub fn stalled_bodies(addr: SocketAddr) {
    let mut stalled: Vec<TcpStream> = (0..40).map(|_| connect(addr)).collect();
    for stream in &mut stalled {
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n";
        stream.write_all(request).expect("sent");
    }
    assert_eq!(get(addr, "/health/live").status, 200);
    for stream in &mut stalled {
        assert_eq!(read_reply(stream).expect("an answer").status, 413);
    }
}

#[test]
fn a_promised_body_that_never_comes_blocks_nobody() {
    let victim = Victim::start(None);
    stalled_bodies(victim.addr);
    victim.must_be_in_bounds();
}

/// Clients that ask for something large and do not read it.
pub fn slow_readers(addr: SocketAddr, target: &str) -> Vec<TcpStream> {
    let mut slow: Vec<TcpStream> = (0..40).map(|_| connect(addr)).collect();
    for stream in &mut slow {
        socket2::SockRef::from(&*stream).set_recv_buffer_size(4_096).expect("a small buffer");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    }
    slow
}

const HUGE: &str = "/api/books/coinapi/HUGE?depth=5000";

#[test]
fn slow_readers_of_large_answers_block_nobody_and_are_cut() {
    let victim = Victim::start(None);
    let slow = slow_readers(victim.addr, HUGE);
    for _ in 0..10 {
        victim.must_answer_within(Duration::from_secs(2));
    }
    // The answers held at once have a bound of 8 MiB, whoever reads them.
    assert!(victim.rss_growth_kib() < 16 * 1_024, "{} KiB", victim.rss_growth_kib());
    let cut = within(Duration::from_secs(8), || victim.footprint().fds <= 40);
    assert!(cut, "{:?}", victim.footprint());
    drop(slow);
    victim.must_be_as_before();
}

/// Clients that leave before their answer, or before their question.
pub fn leavers(addr: SocketAddr, target: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    for i in 0..300 {
        let mut stream = connect(addr);
        let part = if i % 3 == 0 { 10 } else { request.len() };
        stream.write_all(&request.as_bytes()[..part]).expect("sent");
        if i % 2 == 0 {
            // A reset instead of an orderly end.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("linger");
        }
    }
}

#[test]
fn clients_that_leave_at_once_leave_nothing() {
    let victim = Victim::start(None);
    leavers(victim.addr, HUGE);
    victim.must_be_in_bounds();
}

#[test]
fn without_descriptors_it_pauses_and_comes_back() {
    let victim = Victim::start(Some(32));
    for _ in 0..2 {
        // What the kernel's backlog has no room for would be asked for again for seconds.
        let mut storm: Vec<TcpStream> = (0..80)
            .filter_map(|_| TcpStream::connect_timeout(&victim.addr, Duration::from_millis(20)).ok())
            .collect();
        for stream in &mut storm {
            let _ = stream.write_all(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        let _ = within(Duration::from_millis(300), || victim.footprint().fds >= 32);
        drop(storm);
        victim.must_answer_within(Duration::from_secs(5));
    }
    victim.must_be_in_bounds();
}

/// tiny_http's accept thread ends for good when it finds no descriptor, by an error or by a panic, depending on which
/// one it was. So one client after another holds one descriptor more, until each of them was the last.
#[test]
fn an_answering_server_that_died_is_started_again() {
    const ROUNDS_MAX: usize = 5;
    let victim = Victim::start(Some(32));
    let free = 32 - victim.footprint().fds;
    let restarts = || get(victim.addr, "/stats").json()["http"]["backend_restarts"].as_u64();
    // Which number of held connections ends its accept loop depends on who takes the last descriptor: around and around,
    // until it has died twice.
    let around = (free.saturating_sub(8)..free).cycle().take(8 * ROUNDS_MAX);
    for held in around {
        if restarts() >= Some(2) {
            break;
        }
        let silent: Vec<TcpStream> = (0..held).map(|_| connect(victim.addr)).collect();
        let _ = say(victim.addr, b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
        drop(silent);
        victim.must_answer_within(Duration::from_secs(5));
    }
    assert!(restarts() >= Some(2), "{:?}", restarts());
    victim.must_be_as_before();
}

#[test]
fn one_remote_source_cannot_take_every_slot() {
    let own = UdpSocket::bind("0.0.0.0:0").and_then(|s| {
        // Connecting a datagram socket sends nothing; it only picks the address we would use.
        s.connect("192.0.2.1:9")?;
        s.local_addr()
    });
    let Ok(own) = own.map(|a| a.ip()) else {
        eprintln!("SKIP: this machine has no address but loopback");
        return;
    };
    let server = serve(Listen::Tcp("0.0.0.0:0".parse().expect("an address")), 64, Duration::from_secs(5));
    let port = tcp(server.local_addr()).port();
    let outside = SocketAddr::new(own, port);
    let held: Vec<TcpStream> = (0..8).map(|_| connect(outside)).collect();
    let settled = within(Duration::from_secs(1), || server.counters().connections == 8);
    assert!(settled, "{:?}", server.counters());
    assert_eq!(status_of(outside, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 503);
    assert_eq!(get(SocketAddr::new(loopback_ip(), port), "/health/live").status, 200);
    drop(held);
    assert!(within(Duration::from_secs(1), || {
        say(outside, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").is_some_and(|r| r.status == 200)
    }));
}

fn loopback_ip() -> std::net::IpAddr {
    match loopback() {
        Listen::Tcp(addr) => addr.ip(),
        Listen::Unix(_) => unreachable!("loopback is TCP"),
    }
}
