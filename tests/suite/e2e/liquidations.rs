//! Liquidated orders, from the venue's address for them to what readers are shown.

use super::daemon::get;
use super::local::Local;
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};
use serde_json::Value;

fn venue(face: Face, rate: u32) -> Sim {
    Sim::start(SimConfig { symbols: 3, rate, ..SimConfig::new(face) }).expect("a venue")
}

fn feed(sim: &Sim, name: &str, channels: &str, more: &str) -> String {
    format!(
        "[[feed]]\nname = \"{name}\"\nvenue = \"{}\"\nurl = \"{}\"\nrest_url = \"{}\"\nsymbols = {:?}\n\
         channels = {channels}\n{more}\n",
        sim.face(),
        sim.url(),
        sim.rest_url(),
        sim.symbols()
    )
}

fn list(daemon: &Local, what: &str, feed: &str, symbol: &str, limit: usize) -> Vec<Value> {
    let (status, body) = get(daemon.http(), &format!("/api/{what}/{feed}/{symbol}?limit={limit}"));
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["feed"], &body["symbol"]), (&feed.into(), &symbol.into()));
    body[what].as_array().expect("a list").clone()
}

/// What an order and its trade have in common.
fn told(of: &Value) -> [Value; 4] {
    ["price", "size", "side", "exchange_time"].map(|field| of[field].clone())
}

/// The simulated venue closes somebody down with every fourth deal of a symbol, and tells it at the other address alone.
#[test]
fn orders_come_from_their_own_address_and_every_one_is_shown_and_counted() {
    let sim = venue(Face::BinanceUsdm, 2_000);
    let books = feed(&sim, "books", r#"["book", "trade"]"#, "");
    let forced = feed(&sim, "forced", r#"["liquidation"]"#, "");
    let daemon = Local::start(&format!("[books]\ntrades = 1000\n{books}{forced}"));
    daemon.wait_all_live();
    let symbol = sim.symbols()[0].clone();
    daemon.wait_until("some orders", || list(&daemon, "liquidations", "forced", &symbol, 1000).len() >= 5);
    sim.quiesce();
    daemon.wait_until("everything read and settled", || {
        let stats = daemon.stats();
        let read: u64 = stats.feeds.iter().map(|feed| feed.messages.received).sum();
        read == sim.counters().messages_sent && stats.feeds.iter().all(|feed| feed.messages.in_flight() == 0)
    });

    let feed = daemon.feed("forced");
    // The answer to the subscription is the only message that is no order.
    assert_eq!(
        (feed.messages.received, feed.messages.applied),
        (feed.liquidations + 1, feed.liquidations + 1)
    );
    assert_eq!((feed.messages.discarded.total(), feed.messages.lost(), feed.trades), (0, 0, 0));
    assert_eq!(daemon.feed("books").liquidations, 0);
    let mut shown = 0;
    for symbol in sim.symbols() {
        let orders = list(&daemon, "liquidations", "forced", &symbol, 1000);
        let trades = list(&daemon, "trades", "books", &symbol, 1000);
        let is_forced = |id: &Value| {
            id.as_str().and_then(|id| id.parse().ok()).is_some_and(|id: u64| id.is_multiple_of(4))
        };
        let want: Vec<_> = trades.iter().filter(|trade| is_forced(&trade["id"])).map(told).collect();
        let got: Vec<_> = orders.iter().map(told).collect();
        // Whichever of the two connections came first saw more of the beginning.
        let both = want.len().min(got.len());
        assert!(both > 0 || symbol != sim.symbols()[0]);
        assert_eq!(got[got.len() - both..], want[want.len() - both..], "{symbol}");
        assert!(orders.iter().all(|order| order["receive_time"].is_string() && order.get("id").is_none()));
        assert_eq!(
            list(&daemon, "liquidations", "forced", &symbol, 1),
            orders[orders.len().saturating_sub(1)..]
        );
        shown += orders.len() as u64;
    }
    assert_eq!(shown, feed.liquidations);
    assert!(
        get(daemon.http(), "/metrics")
            .1
            .contains(&format!("depthd_liquidations_total{{feed=\"forced\"}} {shown}"))
    );

    // There are no books of it, to be shown, to be waited for or to be asked for.
    assert!(daemon.books().iter().all(|book| book["feed"] == "books"));
    let (status, body) = get(daemon.http(), &format!("/api/books/forced/{symbol}"));
    assert!(status == 404 && body.contains("carry no books"), "{status} {body}");
    assert!(feed.rest_requests.is_empty() && feed.gaps.total() == 0, "{feed:?}");
    assert_eq!(get(daemon.http(), "/health/ready").0, 200);
    assert!(sim.log().violations.is_empty(), "{:?}", sim.log().violations);
}

/// A market may liquidate nobody for hours. Such a feed is up by the answer to its question, and stays up.
#[test]
fn a_feed_of_nothing_but_liquidations_is_ready_and_lives_through_silence() {
    for face in [Face::BinanceUsdm, Face::BinanceCoinm] {
        let sim = venue(face, 0);
        // A ping every 300 ms: the venue allows five messages a second.
        let more = "connect_timeout = \"300ms\"\nidle_timeout = \"600ms\"";
        let daemon = Local::start(&feed(&sim, "forced", r#"["liquidation"]"#, more));
        daemon.wait_until("ready", || get(daemon.http(), "/health/ready").0 == 200);
        // Several times what an unanswered connection may take, and what a silent peer may.
        daemon.wait_until("a while", || daemon.stats().uptime().as_millis() > 2_000);
        let (status, health) = get(daemon.http(), "/health");
        assert!(status == 200 && health.contains("\"healthy\"") && health.contains("no books"), "{health}");
        let symbol = sim.symbols()[1].clone();
        daemon.wait_until("an order", || {
            sim.step(&symbol);
            daemon.feed("forced").liquidations > 0
        });
        assert_eq!(list(&daemon, "liquidations", "forced", &symbol, 9).len(), 1);
        let feed = daemon.feed("forced");
        assert_eq!((feed.connections[0].lives, feed.reconnects.total()), (1, 0), "{feed:?}");
        assert!(feed.rest_requests.is_empty() && daemon.books().is_empty());
    }
}

#[test]
fn coin_margined_books_and_orders_share_a_connection() {
    let sim = venue(Face::BinanceCoinm, 2_000);
    let daemon = Local::start(&feed(&sim, "binance-coinm", r#"["book", "liquidation"]"#, ""));
    daemon.wait_all_live();
    daemon.wait_until("some orders", || daemon.feed("binance-coinm").liquidations >= 5);
    sim.quiesce();
    daemon.wait_read(&sim);
    daemon.wait_settled(&sim);
    daemon.assert_exact(&sim);
    let orders: usize =
        sim.symbols().iter().map(|s| list(&daemon, "liquidations", "binance-coinm", s, 1000).len()).sum();
    let feed = daemon.feed("binance-coinm");
    assert!(orders >= 5 && orders as u64 <= feed.liquidations, "{orders} {feed:?}");
    assert_eq!((feed.connections.len(), feed.messages.lost()), (1, 0));
}
