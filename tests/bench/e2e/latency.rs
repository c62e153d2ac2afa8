//! Socket read to book published at given paces, beside one thread that does it all; and what readers of books cost.
//!
//! Both count from the moment the wait on the socket ends, and both into the daemon's own histogram, whose figures are
//! at most 12.5 % too high.

use crate::daemon::{self, Daemon, configuration};
use crate::floor;
use crate::venue::Venue;
use depthd::engine::histogram::{Histogram, HistogramView};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SYMBOLS: usize = 10;
const RATES: [u32; 3] = [1_000, 10_000, 100_000];
const PHASE: Duration = Duration::from_secs(10);
/// Book requests a second.
const READS: u32 = 200;
const READ_ROUNDS: usize = 3;

pub fn run() {
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "us", "p50", "p99", "p99.9", "max");
    for rate in RATES {
        let floor = of_floor(rate);
        let daemon = of_daemon(rate, "", false);
        row(&format!("{rate}/s one thread"), &floor);
        row(&format!("{rate}/s depthd"), &daemon.whole);
        row(&format!("{rate}/s   from taken to published"), &daemon.work);
        let q = |view: &HistogramView, q| view.quantile(q).unwrap_or_default() as f64 / 1e3;
        let (more, times) =
            (q(&daemon.whole, 0.5) - q(&floor, 0.5), q(&daemon.whole, 0.99) / q(&floor, 0.99));
        println!("{:<34} p50 {more:+.1} us, p99 {times:.2} x", "");
    }
}

/// The feed with and without readers, in turns.
pub fn readers() {
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "us", "p50", "p99", "p99.9", "max");
    let mut p99 = [Vec::new(), Vec::new()];
    for _ in 0..READ_ROUNDS {
        for (reads, p99) in [false, true].into_iter().zip(&mut p99) {
            let whole = of_daemon(1_000, "", reads).whole;
            row(if reads { "1000/s, 200 books asked for" } else { "1000/s, nobody asks" }, &whole);
            p99.push(whole.quantile(0.99).unwrap_or_default() as f64);
        }
    }
    let middle = |v: &mut Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    };
    let [quiet, asked] = &mut p99;
    println!("p99 of the middle round: {:+.1} %", (middle(asked) / middle(quiet) - 1.0) * 100.0);
}

fn row(name: &str, view: &HistogramView) {
    let q = |q| view.quantile(q).unwrap_or_default() as f64 / 1e3;
    let (p50, p99, p999, max) = (q(0.5), q(0.99), q(0.999), view.max() as f64 / 1e3);
    println!("{name:<34} {p50:>9.1} {p99:>9.1} {p999:>9.1} {max:>9.1}");
}

fn of_floor(rate: u32) -> HistogramView {
    let venue = Venue::start(SYMBOLS);
    let (port, took) = (venue.port, Arc::new(Histogram::new()));
    let recorded = took.clone();
    let following = thread::spawn(move || floor::follow(port, |nanos| recorded.record(nanos)));
    let mut client = venue.client();
    client.pace(rate, PHASE);
    drop(client);
    following.join().expect("no panic");
    took.view()
}

struct Taken {
    whole: HistogramView,
    work: HistogramView,
}

fn of_daemon(rate: u32, pipeline: &str, reads: bool) -> Taken {
    let venues = [Venue::start(SYMBOLS)];
    let names = venues[0].symbols();
    let daemon = Daemon::start(&configuration(&venues, pipeline));
    let mut client = venues[0].client();
    daemon.live(slice::from_mut(&mut client));
    let done = Arc::new(AtomicBool::new(false));
    let (stop, http) = (done.clone(), daemon.http.clone());
    let reader = reads.then(|| thread::spawn(move || read_books(&http, &names, &stop)));
    client.pace(rate, PHASE);
    done.store(true, Ordering::Relaxed);
    if let Some(reader) = reader {
        let answered = reader.join().expect("no panic");
        let least = u64::from(READS) * PHASE.as_secs() * 9 / 10;
        assert!(answered >= least, "{answered} books read of at least {least}");
    }
    daemon.caught_up(&venues);
    daemon.check(&venues);
    let timings = &daemon.registry.timings;
    let taken = Taken { whole: timings.processing.view(), work: timings.work.view() };
    daemon.stop();
    taken
}

/// Reads one book after the other at its pace; gives how many came whole.
fn read_books(http: &str, symbols: &[String], stop: &AtomicBool) -> u64 {
    let (started, every) = (Instant::now(), Duration::from_secs(1) / READS);
    let mut read = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut tcp = TcpStream::connect(http).expect("the daemon listens");
        let symbol = &symbols[read as usize % symbols.len()];
        let feed = daemon::feed(0);
        let request = format!("GET /api/books/{feed}/{symbol}?depth=20 HTTP/1.1\r\nHost: bench\r\n\r\n");
        tcp.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""state":"live""#), "{answer}");
        read += 1;
        thread::sleep((every * read as u32).saturating_sub(started.elapsed()));
    }
    read
}
