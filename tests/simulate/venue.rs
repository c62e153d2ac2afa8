//! The venues' own code, made to panic on demand: the only way to see what a panic in a reader or worker leaves behind.

use depthd::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use depthd::engine::time::Wall;
use depthd::venue::canonical::Canonical;
use depthd::venue::handles::Handles;
use depthd::venue::profile::Profile;
use depthd::venue::{
    Control, Dial, Parts, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
    catalog,
};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    /// A seed runs on one thread, so these are the seed's own.
    static DECODE: Cell<bool> = const { Cell::new(false) };
    static ROUTE: Cell<bool> = const { Cell::new(false) };
}

/// The next frame that a worker decodes panics.
pub fn panic_in_decode(on: bool) {
    DECODE.set(on);
}

/// The next frame that a reader places panics.
pub fn panic_in_route(on: bool) {
    ROUTE.set(on);
}

/// True when both have happened, or none was asked for.
pub fn is_calm() -> bool {
    !DECODE.get() && !ROUTE.get()
}

pub fn by_name(name: &str) -> Option<Arc<dyn Venue>> {
    catalog::by_name(name).map(|inner| -> Arc<dyn Venue> { Arc::new(Fragile(inner)) })
}

struct Fragile(Arc<dyn Venue>);

impl Venue for Fragile {
    fn profile(&self) -> &'static Profile {
        self.0.profile()
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        self.0.check_symbol(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        self.0.native(market)
    }

    fn symbol_key(&self, symbol: &str) -> String {
        self.0.symbol_key(symbol)
    }

    fn dial(&self, url: &str, scope: &Scope, key: Option<&str>) -> Dial {
        self.0.dial(url, scope, key)
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        self.0.opening(scope, id)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], handles: &Handles, id: i64) -> Vec<Request> {
        self.0.withdraw(scope, symbols, handles, id)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        self.0.restore(scope, symbols, id)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        self.0.subscribe(scope, symbols, id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], handles: &Handles, id: i64) -> Vec<Request> {
        self.0.unsubscribe(scope, symbols, handles, id)
    }

    fn route<'f>(&self, text: &'f str, handles: &'f Handles) -> Route<'f> {
        assert!(!ROUTE.replace(false), "a planned panic of a reader");
        self.0.route(text, handles)
    }

    fn ping(&self, id: i64) -> Option<String> {
        self.0.ping(id)
    }

    fn connection_number(&self, text: &str) -> Option<u64> {
        self.0.connection_number(text)
    }

    fn parts<'f>(&self, text: &'f str, part: &mut Parts<'_, 'f>) -> Result<(), DecodeError> {
        self.0.parts(text, part)
    }

    fn control(&self, text: &str) -> Control {
        self.0.control(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        assert!(!DECODE.replace(false), "a planned panic of a worker");
        self.0.decode(channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, key: Option<&str>) -> Option<RestRequest> {
        self.0.snapshot_request(rest_url, symbol, key)
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        self.0.verdict(reply)
    }

    fn used_budget(&self, reply: &RestReply<'_>) -> Option<u32> {
        self.0.used_budget(reply)
    }

    fn snapshot(&self, symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
        self.0.snapshot(symbol, body)
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, now: Wall) -> UpgradeRefusal {
        self.0.upgrade_refused(reply, now)
    }
}
