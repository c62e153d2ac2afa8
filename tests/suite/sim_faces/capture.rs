//! A recording served again: whole, in order, with its snapshot where it was.

use super::*;
use depthd::sim::{CaptureServer, Pace, capture};
use std::fs;
use std::path::{Path, PathBuf};

const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn play(path: &Path, pace: Pace) -> CaptureServer {
    capture::serve(path, LISTEN.into(), pace).expect("served")
}

/// A little recording: a snapshot after the third of ten events, 20 ms apart, and a torn end.
fn written(name: &str) -> PathBuf {
    let mut text = String::new();
    for n in 0..10u64 {
        let at = 1_000_000_000 + n * 20_000_000;
        text += &format!("{at} {{\"stream\":\"abc@depth@100ms\",\"data\":{{\"U\":{n},\"u\":{n}}}}}\n");
        text += &format!("{at} {{\"stream\":\"abc@trade\",\"data\":{{\"t\":{n}}}}}\n");
        if n == 2 {
            text += &format!("{at} {{\"lastUpdateId\":2,\"bids\":[],\"asks\":[]}}\n");
        }
    }
    text += "1200000000 {\"stream\":\"abc@de";
    let path = std::env::temp_dir().join(format!("depthd-{}-{name}", std::process::id()));
    fs::write(&path, text).expect("written");
    path
}

#[test]
fn frames_come_in_order_and_the_snapshot_not_before_its_place() {
    for pace in [Pace::Recorded, Pace::Full] {
        let path = written(&format!("{pace}"));
        let server = play(&path, pace);
        assert_eq!((server.symbols(), server.torn()), (&["ABC".to_owned()][..], true));
        assert_eq!(get(server.addr(), "/api/v3/depth?symbol=NOPE", "").0, 400);
        let url = format!("{}/stream?streams=abc@depth@100ms", server.url());
        let start = Instant::now();
        let mut client = dial(server.addr(), &url, None).expect("upgraded");
        // Asked at once, answered when the stream is there.
        let (status, _, body) = get(server.addr(), "/api/v3/depth?symbol=ABC&limit=1000", "");
        assert_eq!((status, &parse(&String::from_utf8_lossy(&body))["lastUpdateId"]), (200, &2.into()));
        if pace == Pace::Recorded {
            assert!(start.elapsed() >= Duration::from_millis(40));
        }
        for n in 0..10 {
            assert_eq!(client.json()["data"]["u"], n);
        }
        if pace == Pace::Recorded {
            assert!(start.elapsed() >= Duration::from_millis(180));
        }
        let until = Instant::now() + PATIENCE;
        while !server.progress().finished {
            assert!(Instant::now() < until);
        }
        let progress = server.progress();
        assert_eq!((progress.frames, progress.sent, progress.snapshots), (20, 10, 1));
        drop(server);
        client.end();
        fs::remove_file(path).expect("removed");
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    assert!(capture::serve(Path::new("/nonexistent"), LISTEN.into(), Pace::Full).is_err());
    let path = std::env::temp_dir().join(format!("depthd-{}-empty", std::process::id()));
    fs::write(&path, "nothing of use\n").expect("written");
    let error = capture::serve(&path, LISTEN.into(), Pace::Full).expect_err("no frame");
    assert!(error.to_string().contains("holds no frame"), "{error}");
    fs::remove_file(path).expect("removed");
}

/// The real thing, when it is there: every frame arrives, and the snapshot joins the stream without a gap.
#[test]
fn the_recorded_binance_day_plays_whole() {
    let Some(folder) = std::env::var_os("DEPTHD_CAPTURES") else {
        eprintln!("SKIP: DEPTHD_CAPTURES is not set");
        return;
    };
    let server = play(&Path::new(&folder).join("binance-spot-btcusdt-20240808.gz"), Pace::Full);
    let url = format!("{}/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade", server.url());
    let mut client = dial(server.addr(), &url, None).expect("upgraded");
    let addr = server.addr();
    let body = std::thread::spawn(move || get(addr, "/api/v3/depth?symbol=BTCUSDT&limit=1000", "").2);
    let total = server.progress().frames;
    let (mut count, mut last, mut events) = (0, None, Vec::new());
    while count < total {
        let json = client.json();
        count += 1;
        if json["data"]["e"] == "depthUpdate" {
            let (first, end) =
                (json["data"]["U"].as_u64().expect("U"), json["data"]["u"].as_u64().expect("u"));
            assert!(last.is_none_or(|n: u64| n + 1 == first));
            last = Some(end);
            events.push((first, end));
        }
    }
    assert_eq!((total, events.len(), server.skipped()), (41_248, 3_451, 0));
    let body = body.join().expect("answered");
    let id = parse(&String::from_utf8_lossy(&body))["lastUpdateId"].as_u64().expect("an id");
    assert!(events.iter().any(|&(first, end)| first <= id + 1 && end > id));
}
