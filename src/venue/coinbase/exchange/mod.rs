//! The Exchange feed: flat messages told apart by `type`, without numbers.

pub mod control;
pub mod frames;
pub mod route;

/// Real frames, for tests.
#[cfg(test)]
mod samples {
    pub const UPDATE: &str = r#"{"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"]],"time":"2021-04-17T16:43:37.075687Z"}"#;
    pub const SNAPSHOT: &str = r#"{"type":"snapshot","product_id":"CRV-EUR","asks":[["3.3024","97.66"]],"bids":[["3.2971","120.00"],["3.2970","140.93"]]}"#;
    pub const MATCH: &str = r#"{"type":"match","trade_id":280232,"maker_order_id":"2a0da34e-61f7-4c36-88e5-c9dd15927b16","taker_order_id":"3c82abaa-c01e-4608-be59-6a1e69742891","side":"sell","size":"985","price":"0.00001305","product_id":"SKL-BTC","sequence":177100030,"time":"2021-04-17T16:43:37.089723Z"}"#;
    pub const TICKER: &str = r#"{"type":"ticker","sequence":50978628538,"product_id":"BTC-USD","price":"17165.16","open_24h":"16437.94","volume_24h":"42492.05081975","low_24h":"16423.37","high_24h":"17259.37","volume_30d":"1093827.95195495","best_bid":"17165.15","best_bid_size":"0.61540890","best_ask":"17167.76","best_ask_size":"0.18528568","side":"sell","time":"2022-12-01T00:00:00.122581Z","trade_id":463751434,"last_size":"0.05"}"#;
    pub const HEARTBEAT: &str = r#"{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}"#;
    pub const SUBSCRIPTIONS: &str =
        r#"{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]}]}"#;
    pub const ERROR: &str = r#"{"type":"error","message":"Failed to subscribe","reason":"level2, level3, and full channels now require authentication. See the docs"}"#;
}
