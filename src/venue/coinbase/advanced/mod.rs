//! The Advanced Trade feed: `{"channel":…,"timestamp":…,"sequence_num":…,"events":[…]}`, whatever it carries.

pub mod control;
pub mod frames;
pub mod parts;
pub mod route;

/// Real and documented frames, for tests.
#[cfg(test)]
mod samples {
    pub const UPDATE: &str = r#"{"channel":"l2_data","client_id":"","timestamp":"2026-04-07T14:30:01.456789Z","sequence_num":1,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-04-07T14:30:01.456789Z","price_level":"68900.00","new_quantity":"2.00000000"},{"side":"offer","event_time":"2026-04-07T14:30:01.456789Z","price_level":"68901.00","new_quantity":"0.00000000"}]}]}"#;
    pub const TRADES: &str = r#"{"channel":"market_trades","timestamp":"2026-08-12T19:27:48.364886251Z","sequence_num":2,"events":[{"type":"update","trades":[{"product_id":"BTC-USD","trade_id":"1069726293","price":"63310.25","size":"0.00000012","time":"2026-08-12T19:27:48.298771Z","side":"BUY"},{"product_id":"BTC-USD","trade_id":"1069726292","price":"63310.25","size":"0.00000012","time":"2026-08-12T19:27:48.266642Z","side":"SELL"}]}]}"#;
    pub const TICKER: &str = r#"{"channel":"ticker","timestamp":"2026-08-12T19:27:33.829058895Z","sequence_num":2,"events":[{"type":"update","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"63320.73","volume_24_h":"6629.927726","low_24_h":"63235.88","high_24_h":"64416.3","low_52_w":"57717.55","high_52_w":"126296","price_percent_chg_24_h":"0.03813791548644","best_bid":"63318.86","best_ask":"63318.87","best_bid_quantity":"0.2275291","best_ask_quantity":"0.49990114"}]}]}"#;
    pub const SUBSCRIPTIONS: &str = r#"{"channel":"subscriptions","timestamp":"2026-08-12T19:27:48.098899106Z","sequence_num":1,"events":[{"subscriptions":{"market_trades":["BTC-USD"]}}]}"#;
    pub const HEARTBEAT: &str = r#"{"channel":"heartbeats","timestamp":"2026-04-07T14:30:10.000000Z","sequence_num":7,"events":[{"current_time":"2026-04-07 14:30:10.000000000+00:00","heartbeat_counter":42}]}"#;
    pub const ERROR: &str = r#"{"type":"error","message":"authentication failure"}"#;
}
