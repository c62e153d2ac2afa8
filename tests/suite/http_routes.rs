//! The contract's paths through a real socket: bodies, errors, HEAD, a Unix socket, and what a bad source does.

use crate::http_fixture::{Reply, get, loopback, read_reply, say, serve, tcp};
use depthd::http::refusal::Refusal;
use depthd::http::{HttpServer, Listen};
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn start() -> (HttpServer, SocketAddr) {
    let server = serve(loopback(), 16, Duration::from_secs(1));
    let addr = tcp(server.local_addr());
    (server, addr)
}

fn must_be_error(reply: &Reply, status: u16, code: &str) {
    let body = reply.json();
    assert_eq!((reply.status, &body["success"]), (status, &json!(false)), "{reply:?}");
    assert_eq!(body["error"]["code"], code, "{reply:?}");
    assert!(body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{reply:?}");
}

#[test]
fn a_book_is_shown_as_the_contract_says() {
    let (_server, addr) = start();
    let mut book = get(addr, "/api/books/coinapi/LIVE").json();
    assert!(book["age_ms"].as_u64().is_some_and(|age| age >= 3), "{book}");
    book["age_ms"] = json!(3);
    assert_eq!(
        book,
        json!({
            "feed": "coinapi", "symbol": "LIVE", "state": "live", "sequence": 2_323_346,
            "exchange_time": "2026-11-20T12:00:09.123456700Z", "receive_time": "2026-11-20T12:00:09.997000000Z",
            "age_ms": 3, "bids": [["65000.1", "0.5"], ["65000", "2"]], "asks": [["65000.2", "1.25"]],
            "levels": {"bids": 812, "asks": 790}
        })
    );
    let one = get(addr, "/api/books/coinapi/LIVE?depth=1").json();
    assert_eq!(one["bids"], json!([["65000.1", "0.5"]]));

    let partial = get(addr, "/api/books/coinapi/PARTIAL").json();
    assert_eq!(partial["exact_range"], json!({"low": "64000", "high": "66000"}));
    assert_eq!((&partial["exact_depth"], &partial["sequence"]), (&json!(20), &json!(null)));
    let stale = get(addr, "/api/books/coinapi/STALE").json();
    assert_eq!((&stale["state"], &stale["reason"]), (&json!("stale"), &json!("overflow")));
    assert_eq!(stale["since"], "2026-11-20T12:00:05.000000000Z");
    let syncing = get(addr, "/api/books/coinapi/SYNCING").json();
    assert_eq!((&syncing["receive_time"], &syncing["age_ms"]), (&json!(null), &json!(null)));

    assert_eq!(get(addr, "/api/books/coinapi/A%2fB?require=live").json()["symbol"], "A/B");
    assert_eq!(get(addr, "/api/books/coinapi/A/B").json()["symbol"], "A/B");
    must_be_error(&get(addr, "/api/books/coinapi/STALE?require=live"), 409, "not_live");
    must_be_error(&get(addr, "/api/books/coinapi/PARTIAL?require=live"), 409, "not_live");
}

#[test]
fn lists_of_books_and_trades() {
    let (_server, addr) = start();
    let books = get(addr, "/api/books").json();
    let first = &books["books"][0];
    assert_eq!(books["books"].as_array().map(Vec::len), Some(4));
    for (field, value) in [
        ("feed", json!("coin\"api")),
        ("symbol", json!("LIVE")),
        ("state", json!("live")),
        ("sequence", json!(2_323_346)),
        ("bid", json!("65000.1")),
        ("ask", json!("65000.2")),
        ("gaps", json!(2)),
        ("recoveries", json!(1)),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    assert!(first["age_ms"].is_u64());
    let trades = get(addr, "/api/trades/coinapi/LIVE?limit=2").json();
    assert_eq!(trades["trades"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        trades["trades"][1],
        json!({"id": "2", "price": "65000.1", "size": "0.01", "side": "buy", "exchange_time": null,
               "receive_time": "2026-11-20T12:00:10.000000000Z"})
    );
    let liquidations = get(addr, "/api/liquidations/coinapi/LIVE?limit=2").json();
    assert_eq!((&liquidations["feed"], &liquidations["symbol"]), (&json!("coinapi"), &json!("LIVE")));
    assert_eq!(liquidations["liquidations"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        liquidations["liquidations"][1],
        json!({"price": "65000.1", "size": "0.01", "side": "sell",
               "exchange_time": "2026-11-20T12:00:09.500000000Z",
               "receive_time": "2026-11-20T12:00:10.000000000Z"})
    );
}

#[test]
fn health_stats_and_memory() {
    let (_server, addr) = start();
    let health = get(addr, "/health").json();
    let data = &health["data"];
    assert_eq!((&health["success"], &data["status"]), (&json!(true), &json!("degraded")), "a book is stale");
    assert_eq!(data["uptime_seconds"], 10);
    assert_eq!(health["timestamp"], "2026-11-20T12:00:10.000000000Z");
    for service in ["coin\"api", "pipeline", "recovery", "http", "memory"] {
        assert!(data["services"][service]["status"].is_string(), "{service}");
        assert!(data["services"][service]["detail"].is_string(), "{service}");
    }
    for metric in [
        "queue_size",
        "queue_capacity",
        "dropped_count",
        "message_rate",
        "message_processing_time_ms",
        "gap_detection_rate_per_hour",
        "error_rate",
        "rest_in_flight",
        "books_live",
        "books_total",
        "subscriptions",
    ] {
        assert!(data["metrics"][metric].is_number(), "{metric}");
    }
    // There was none yet: told as null, not as zero.
    assert_eq!(data["metrics"]["recovery_time_ms"], json!(null));
    assert_eq!(data["metrics"]["reconnect_time_ms"], json!(null));
    assert_eq!((&data["metrics"]["dropped_count"], &data["metrics"]["books_live"]), (&json!(5), &json!(1)));

    let stats = get(addr, "/stats").json();
    let flow = &stats["feeds"][0]["messages"];
    assert_eq!(flow["in_flight"], 1000 - 900 - 40 - 10 - 35);
    assert_eq!(flow["discarded"]["overflow"], 5);
    assert_eq!(stats["feeds"][0]["connections"][0]["last_end"], "peer_reset");
    assert_eq!(stats["books"].as_array().map(Vec::len), Some(4));
    assert_eq!(stats["books"][2]["reason"], "overflow");
    assert_eq!(stats["processing_ms"]["max"], 0.1);
    let names: Vec<_> =
        stats["threads"].as_array().expect("threads").iter().map(|t| t["name"].as_str()).collect();
    assert_eq!(names, [Some("wk-0"), Some("http-gate"), Some("http-0"), Some("http-1")]);

    let memory = get(addr, "/api/debug/memory").json();
    assert_eq!(
        memory["memory"]["heap"],
        json!({"used": 1 << 20, "limit": 64 << 20, "percent": 1.5625, "peak": 2 << 20})
    );
    assert_eq!((&memory["memory"]["threads"], &memory["memory"]["open_fds"]), (&json!(12), &json!(30)));
}

#[test]
fn probes_say_ok() {
    let (_server, addr) = start();
    for path in ["/health/live", "/health/ready", "/health/startup"] {
        let reply = get(addr, path);
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "ok"})), "{path}");
    }
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let (_server, addr) = start();
    let _ = get(addr, "/nothing?x=1");
    let reply = get(addr, "/metrics");
    assert!(reply.head.contains("Content-Type: text/plain; version=0.0.4"), "{}", reply.head);
    let text = reply.text();
    for line in [
        r#"depthd_messages_received_total{feed="coin\"api"} 1000"#,
        r#"depthd_messages_dropped_total{feed="coin\"api",reason="overflow"} 5"#,
        r#"depthd_gaps_total{feed="coin\"api",kind="missing"} 2"#,
        r#"depthd_recoveries_total{feed="coin\"api",method="rest",outcome="partial"} 3"#,
        r#"depthd_rest_requests_total{feed="coin\"api",status="none"} 1"#,
        r#"depthd_rest_breaker_state{feed="coin\"api"} 0"#,
        r#"depthd_audit_checks_total{feed="coin\"api"} 564"#,
        r#"depthd_audit_mismatches_total{feed="coin\"api"} 1"#,
        r#"depthd_connected{feed="coin\"api"} 1"#,
        r#"depthd_books{state="stale"} 1"#,
        r#"depthd_processing_seconds_bucket{le="+Inf"} 100"#,
        "depthd_processing_seconds_count 100",
        "depthd_processing_seconds_sum 0.00505",
        "depthd_queue_capacity 500",
        "depthd_subscriptions_active_count 4",
        "depthd_memory_heap_percentage 1.5625",
        "depthd_stream_processor_backpressure_active 0",
        r#"depthd_http_requests_total{path="other",status="404"} 1"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    // Every name of the contract is there, and every sample belongs to the family declared last.
    for name in "bytes_received_total decode_errors_total queue_size queue_bytes batch_messages recovery_seconds \
                 rest_in_flight reconnects_total reconnect_seconds memory_heap_used_bytes memory_rss_bytes threads \
                 open_fds uptime_seconds build_info"
        .split_whitespace()
    {
        assert!(text.contains(&format!("# TYPE depthd_{name} ")), "{name}");
    }
    let mut family = "";
    for line in text.lines() {
        match line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next()) {
            Some(name) => family = name,
            None => assert!(line.starts_with('#') || line.starts_with(family), "{line} is not of {family}"),
        }
    }
}

#[test]
fn what_venues_contradicted_is_told_with_both_sides() {
    let (_server, addr) = start();
    let audit = get(addr, "/api/audit").json();
    assert_eq!((&audit["checks"], &audit["mismatches"]), (&json!(564), &json!(1)));
    let [quote, sum] = [&audit["evidence"][0], &audit["evidence"][1]];
    assert_eq!((&quote["feed"], &quote["symbol"]), (&json!("coinapi"), &json!("LIVE")));
    assert_eq!((&quote["witness"], &quote["sequence"]), (&json!("quote"), &json!(9)));
    assert_eq!(quote["here"], json!({"bid": ["1.5", "1"], "ask": null}));
    assert_eq!(quote["there"], json!({"bid": ["1.6", "1"], "ask": ["2", "1"]}));
    assert_eq!((&sum["here"], &sum["there"]), (&json!({"checksum": null}), &json!({"checksum": 7})));
    let snapshot = &audit["evidence"][2];
    assert_eq!((&snapshot["witness"], &snapshot["sequence"]), (&json!("snapshot"), &json!(12)));
    assert_eq!(snapshot["snapshot_sequence"], json!(11));
    assert_eq!(snapshot["snapshot_time"], snapshot["receive_time"]);
    assert_eq!(snapshot["here"], json!({"side": "bid", "level": ["1.4", "3"]}));
    assert_eq!(snapshot["there"], json!({"side": "bid", "level": null}));
    assert_eq!(sum.get("snapshot_sequence"), None);
    must_be_error(&get(addr, "/api/audit?depth=1"), 400, "bad_parameter");
}

#[test]
fn wrong_questions_get_the_right_error() {
    let (_server, addr) = start();
    for path in ["/nothing", "/health/", "//", "/api", "/api/books/coinapi"] {
        must_be_error(&get(addr, path), 404, "not_found");
    }
    must_be_error(&get(addr, "/api/books/nofeed/LIVE"), 404, "unknown_feed");
    must_be_error(&get(addr, "/api/books/coinapi/LIVE/x"), 404, "unknown_book");
    must_be_error(&get(addr, "/api/trades/coinapi/NONE"), 404, "unknown_book");
    must_be_error(&get(addr, "/api/liquidations/coinapi/NONE"), 404, "unknown_book");
    must_be_error(&get(addr, "/api/liquidations/nofeed/LIVE"), 404, "unknown_feed");
    must_be_error(&get(addr, "/api/liquidations/coinapi/LIVE?limit=0"), 400, "bad_parameter");
    must_be_error(&get(addr, "/api/books/coinapi/NO-BOOK"), 404, "unknown_book");
    must_be_error(&get(addr, "/api/books/coinapi/BUSY"), 503, "busy");
    for query in
        ["depth=0", "depth=5001", "depth=x", "require=stale", "deep=1", "depth=1&depth=2", "depth=%zz"]
    {
        must_be_error(&get(addr, &format!("/api/books/coinapi/LIVE?{query}")), 400, "bad_parameter");
    }
    must_be_error(&get(addr, "/health?x=1"), 400, "bad_parameter");
    must_be_error(&get(addr, "/api/books/coinapi/%ff"), 400, "bad_path");
    let post =
        say(addr, b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").expect("an answer");
    must_be_error(&post, 405, "method_not_allowed");
    assert!(post.head.contains("\r\nAllow: GET, HEAD\r\n"), "{}", post.head);
}

#[test]
fn every_answer_closes_is_not_stored_and_says_its_length() {
    let (_server, addr) = start();
    for target in ["/", "/health", "/nothing", "/metrics", "/api/books/coinapi/HUGE?depth=5000"] {
        let reply = get(addr, target);
        let has = |line: &str| reply.head.to_ascii_lowercase().contains(&line.to_ascii_lowercase());
        assert!(has("\r\nConnection: close\r\n") && has("\r\nCache-Control: no-store\r\n"), "{}", reply.head);
        assert!(has(&format!("\r\nContent-Length: {}\r\n", reply.body.len())), "{target}: {}", reply.head);
        assert!(!has("tiny"), "{}", reply.head);

        let request = format!("HEAD {target} HTTP/1.0\r\n\r\n");
        let head = say(addr, request.as_bytes()).expect("an answer");
        assert_eq!((head.status, head.body.len()), (reply.status, 0), "{target}");
    }
    let page = get(addr, "/");
    assert!(page.head.contains("Content-Security-Policy: default-src 'none'"), "{}", page.head);
    assert!(
        !page.text().contains("http://") && !page.text().contains("https://"),
        "the page needs nobody else"
    );
}

#[test]
fn a_source_that_hangs_or_panics_costs_only_its_own_request() {
    let (server, addr) = start();
    must_be_error(&get(addr, "/api/books/coinapi/PANIC"), Refusal::Failed.status(), "internal");
    must_be_error(&get(addr, "/api/books/coinapi/STUCK"), Refusal::NoAnswer.status(), "timeout");
    assert_eq!(get(addr, "/health/live").status, 200);
    let requests = server.counters().requests;
    assert!(requests.iter().any(|r| (r.path, r.status) == ("refused", 504)), "{requests:?}");
}

#[test]
fn a_unix_socket_serves_too_and_leaves_no_file() {
    let path = std::env::temp_dir().join(format!("depthd-test-{}.sock", std::process::id()));
    // A file that a killed process left behind is taken over.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let server = serve(Listen::Unix(path.clone()), 16, Duration::from_secs(1));
    let mut stream = UnixStream::connect(&path).expect("a connection");
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    assert_eq!(read_reply(&mut stream).expect("an answer").status, 200);
    server.stop();
    assert!(!path.exists());
}
