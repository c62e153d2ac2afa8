//! `depthd symbols`, the real program, against a small server that is each venue in turn.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any healthy answer on a busy machine, and what a hung one is cut off at plus room.
const PATIENCE: Duration = Duration::from_secs(20);

const KRAKEN: &str = r#"{"error":[],"result":{
    "XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","status":"online"},
    "XBTUSDT":{"altname":"XBTUSDT","wsname":"XBT/USDT","status":"online"},
    "XETHZUSD":{"altname":"ETHUSD","wsname":"ETH/USD","status":"online"},
    "OLDUSD":{"altname":"OLDUSD","wsname":"OLD/USD","status":"cancel_only"},
    "EVIL":{"altname":"EVIL","wsname":"EV\u001b[2JIL/USD","status":"online"}}}"#;
const SWAPS: &str =
    r#"{"code":"0","msg":"","data":[{"instId":"BTC-USDT-SWAP","instType":"SWAP","state":"live"}]}"#;
const SPOT: &str = r#"{"code":"0","msg":"","data":[{"instId":"BTC-USDT","instType":"SPOT","state":"live"},
    {"instId":"ETH-USDT","instType":"SPOT","state":"live"}]}"#;
const NOTHING: &str = r#"{"code":"0","msg":"","data":[]}"#;

/// A path with its query, and the answer: status and body. `None` is never answered.
type Answers = fn(&str) -> Option<(u16, String)>;

/// Serves until it is dropped, one call a connection.
struct Server {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(answers: Answers) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("bound");
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (heads, stopped) = (asked.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(SeqCst) {
                    break;
                }
                let head = head(&mut stream);
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                heads.lock().expect("no panic").push(head);
                match answers(&path) {
                    Some((status, body)) => {
                        let length = body.len();
                        let answer = format!(
                            "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                        );
                        // A client that had enough is no mistake of the test.
                        let _ = stream.write_all(answer.as_bytes());
                    }
                    None => unanswered.push(stream),
                }
            }
        });
        Server { addr, asked, stop, thread: Some(thread) }
    }

    /// `depthd symbols` against it, and how long it took.
    fn run(&self, args: &[&str]) -> (Output, Duration) {
        let url = format!("http://{}", self.addr);
        let mut command = Command::new(env!("CARGO_BIN_EXE_depthd"));
        command.arg("symbols").args(args).args(["--url", &url]).env("COINAPI_KEY", "secret-key");
        let began = Instant::now();
        let output = command.output().expect("it runs");
        (output, began.elapsed())
    }

    fn paths(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic");
        asked.iter().filter_map(|head| head.split(' ').nth(1).map(str::to_owned)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn head(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|got| got > 0) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// What it printed and how it ended.
fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn kraken(path: &str) -> Option<(u16, String)> {
    Some(if path == "/0/public/AssetPairs" { (200, KRAKEN.to_owned()) } else { (404, path.to_owned()) })
}

fn okx(path: &str) -> Option<(u16, String)> {
    let body = match path.rsplit_once('=')? {
        ("/api/v5/public/instruments?instType", "SPOT") => SPOT,
        ("/api/v5/public/instruments?instType", "SWAP") => SWAPS,
        _ => NOTHING,
    };
    Some((200, body.to_owned()))
}

/// Two pages of the same list.
fn bybit(path: &str) -> Option<(u16, String)> {
    let (symbol, next) = match path {
        "/v5/market/instruments-info?category=linear&limit=1000" => ("BTC", "a%3Db"),
        "/v5/market/instruments-info?category=linear&limit=1000&cursor=a%3Db" => ("ETH", ""),
        _ => return Some((404, String::new())),
    };
    Some((
        200,
        format!(
            r#"{{"retCode":0,"retMsg":"OK","result":{{"category":"linear","list":[{{"symbol":"{symbol}USDT",
            "status":"Trading","baseCoin":"{symbol}","quoteCoin":"USDT"}}],"nextPageCursor":"{next}"}}}}"#
        ),
    ))
}

#[test]
fn a_list_is_printed_sorted_with_both_names() {
    let server = Server::start(kraken);
    let (output, _) = server.run(&["kraken"]);
    let list = "BTC/USD  BTC-USD\nBTC/USDT  BTC-USDT\nETH/USD  ETH-USD\n";
    assert_eq!(said(&output), (Some(0), list.to_owned(), String::new()));
}

#[test]
fn a_list_in_several_answers_is_put_together() {
    let server = Server::start(okx);
    let (output, _) = server.run(&["okx"]);
    let list = "BTC-USDT  BTC-USDT\nBTC-USDT-SWAP  BTC-USDT-PERP\nETH-USDT  ETH-USDT\n";
    assert_eq!(said(&output), (Some(0), list.to_owned(), String::new()));
    let server = Server::start(bybit);
    let (output, _) = server.run(&["bybit-linear"]);
    let list = "BTCUSDT  BTC-USDT-PERP\nETHUSDT  ETH-USDT-PERP\n";
    assert_eq!(said(&output), (Some(0), list.to_owned(), String::new()));
    assert_eq!(server.paths().len(), 2);
}

#[test]
fn a_pattern_is_looked_for_in_both_names() {
    let (kraken, okx) = (Server::start(kraken), Server::start(okx));
    for (server, args, want) in [
        (&kraken, ["kraken", "usdt"], "BTC/USDT  BTC-USDT\n"),
        (&kraken, ["kraken", "eth-"], "ETH/USD  ETH-USD\n"),
        (&okx, ["okx", "perp"], "BTC-USDT-SWAP  BTC-USDT-PERP\n"),
    ] {
        let (output, _) = server.run(&args);
        assert_eq!(said(&output), (Some(0), want.to_owned(), String::new()), "{args:?}");
    }
}

#[test]
fn what_is_not_there_brings_the_nearest() {
    let server = Server::start(kraken);
    let (code, out, err) = said(&server.run(&["kraken", "BTC/UDST"]).0);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let mut lines = err.lines();
    assert_eq!(lines.next(), Some("none of the 3 symbols of kraken has \"BTC/UDST\" in it"));
    assert_eq!(lines.next(), Some("the nearest:"));
    assert_eq!(lines.next(), Some("BTC/USDT  BTC-USDT"));
    let (code, out, err) = said(&server.run(&["kraken", "QQQQQQQQ"]).0);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
}

#[test]
fn a_venue_that_does_not_answer_is_given_up() {
    let server = Server::start(|_| None);
    let (output, took) = server.run(&["kraken", "--timeout", "300ms"]);
    let (code, out, err) = said(&output);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("error: no list of kraken: ") && err.contains("timeout"), "{err}");
    assert!(took >= Duration::from_millis(300) && took < PATIENCE, "{took:?}");
}

#[test]
fn an_answer_that_is_no_list_is_shown_and_harmless() {
    let server = Server::start(|_| Some((200, "<html>\u{1b}[2J</html>".to_owned())));
    for venue in ["kraken", "okx", "binance", "bybit", "coinbase", "coinbase-exchange", "deribit"] {
        let (code, out, err) = said(&server.run(&[venue]).0);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{venue}");
        assert!(err.contains("cannot be read") && err.contains("<html>") && !err.contains('\u{1b}'), "{err}");
    }
    let server = Server::start(|_| Some((503, "busy".to_owned())));
    let (code, _, err) = said(&server.run(&["kraken"]).0);
    assert_eq!(code, Some(1));
    assert!(err.contains("status 503: busy"), "{err}");
}

#[test]
fn a_key_goes_to_the_venue_and_nowhere_else() {
    let server = Server::start(|path| Some((401, format!("bad key secret-key for {path}"))));
    let (code, out, err) = said(&server.run(&["coinapi", "kraken_spot_"]).0);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("[redacted]") && !err.contains("secret-key"), "{err}");
    let asked = server.asked.lock().expect("no panic").join("");
    assert!(asked.starts_with("GET /v1/symbols?filter_symbol_id=KRAKEN_SPOT_ "), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("x-coinapi-key: secret-key"), "{asked}");
}

#[test]
fn what_cannot_be_asked_is_a_usage_error_and_asks_nobody() {
    let server = Server::start(|_| None);
    for (args, want) in [
        (&["krakn"][..], "kraken"),
        (&["hyperliquid"], "POST"),
        (&["coinapi"], "KRAKEN_SPOT_BTC"),
        (&["kraken", &"A".repeat(200)], "PATTERN"),
    ] {
        let (code, out, err) = said(&server.run(args).0);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(err.contains(want), "{err}");
    }
    assert_eq!(server.paths(), [""; 0]);
}
