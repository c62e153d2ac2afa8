//! tiny_http, where nobody but the gate can reach it: behind a [`Door`].
//!
//! tiny_http's accept thread ends for good on one failed `accept`. Whoever notices (a handler by the error, the gate
//! by a refused connect) has the server started anew behind another door; clients see one failed request. Its four to
//! eight own threads are not ours to join: idle ones end within 5 s of the stop.

use crate::engine::time::Mono;
use crate::http::counters::Counters;
use crate::http::door::{self, Door};
use crate::http::gate::Clock;
use crate::http::limits::{HANDLER_STACK_BYTES, HANDLERS, REPORT_EVERY};
use crate::http::routes::{Answer, HTML, Router};
use crate::shell::thread::{Handle, spawn};
use std::io;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tiny_http::{Header, Request, Response, Server, StatusCode};

/// Between two starts of a server that keeps dying: as long as the gate's own longest accept pause.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// The page runs its own script, asks this server, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                           connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

pub struct Backend {
    runtime_dir: PathBuf,
    current: Mutex<Current>,
    stopping: AtomicBool,
    /// When the last restart was, in nanoseconds of [`Mono`].
    restarted: AtomicU64,
    counters: Arc<Counters>,
}

struct Current {
    // In the order of their end: the server is told to end, then woken through its door.
    server: Arc<Server>,
    door: Door,
    /// It takes no connections any more.
    dead: bool,
}

/// The backend's handler threads. Dropping it stops them.
pub struct Handlers {
    backend: Arc<Backend>,
    threads: Vec<Handle<()>>,
}

impl Backend {
    /// Starts tiny_http on a socket below `runtime_dir`, where nothing of it stays.
    ///
    /// # Errors
    /// The socket cannot be had there, or the system refuses a thread.
    pub fn start(runtime_dir: &Path, counters: Arc<Counters>) -> io::Result<Arc<Backend>> {
        door::clear_away(runtime_dir);
        let current = start_server(runtime_dir)?;
        Ok(Arc::new(Backend {
            runtime_dir: runtime_dir.to_owned(),
            current: Mutex::new(current),
            stopping: AtomicBool::new(false),
            restarted: AtomicU64::new(0),
            counters,
        }))
    }

    /// A fresh private connection, for one request. Never blocks.
    ///
    /// # Errors
    /// tiny_http takes no connection. When it is gone for good it has been started again, if that was possible.
    pub fn connect(&self, now: Mono) -> io::Result<UnixStream> {
        let mut current = self.lock();
        match current.door.connect() {
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
                current.dead = true;
                self.revive(&mut current, now);
                if current.dead { Err(e) } else { current.door.connect() }
            }
            other => other,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        // The guarded value is replaced in one assignment: a panic cannot leave half of it.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces a dead server, at most once a [`RESTART_PAUSE`].
    fn revive(&self, current: &mut Current, now: Mono) {
        let last = Mono::from_nanos(self.restarted.load(Relaxed));
        let too_soon = last != Mono::ZERO && now.since(last) < RESTART_PAUSE;
        if self.stopping.load(Relaxed) || !current.dead || too_soon {
            return;
        }
        self.restarted.store(now.nanos().max(1), Relaxed);
        // Out of descriptors or threads: the next request tries again.
        if let Ok(started) = start_server(&self.runtime_dir) {
            let dead = std::mem::replace(current, started);
            // A handler that still waits there would find the new one a second later, and so would a stop.
            (0..HANDLERS).for_each(|_| dead.server.unblock());
            self.counters.backend_restarts.fetch_add(1, Relaxed);
        }
    }

    /// One handler's life: takes requests until stopped, whatever becomes of the server meanwhile.
    fn handle(&self, handler: usize, router: &Router, clock: &Clock) {
        while !self.stopping.load(Relaxed) {
            let now = clock().mono;
            self.counters.handler_reports(handler, now);
            let server = {
                let mut current = self.lock();
                self.revive(&mut current, now);
                Arc::clone(&current.server)
            };
            match server.recv_timeout(REPORT_EVERY) {
                Ok(Some(request)) => respond(request, router),
                Ok(None) => {}
                Err(_) => {
                    let mut current = self.lock();
                    current.dead |= Arc::ptr_eq(&current.server, &server);
                }
            }
        }
    }
}

impl Handlers {
    /// # Errors
    /// A thread cannot be started.
    pub fn start(backend: Arc<Backend>, router: Arc<Router>, clock: &Clock) -> io::Result<Handlers> {
        let mut handlers = Handlers { backend, threads: Vec::with_capacity(HANDLERS) };
        for i in 0..HANDLERS {
            let (backend, router) = (Arc::clone(&handlers.backend), Arc::clone(&router));
            let clock = Arc::clone(clock);
            let body = move || backend.handle(i, &router, &clock);
            handlers.threads.push(spawn(&format!("http-{i}"), HANDLER_STACK_BYTES, body)?);
        }
        Ok(handlers)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        self.backend.stopping.store(true, Relaxed);
        let server = Arc::clone(&self.backend.lock().server);
        for _ in 0..HANDLERS {
            server.unblock();
        }
        // Joins: a handler looks at the flag at least once a second, and at once when unblocked.
        self.threads.clear();
    }
}

/// Answers one request. A panic while making the answer is a 500, not the end of a handler.
fn respond(request: Request, router: &Router) {
    let target = request.url().to_owned();
    let answer =
        catch_unwind(AssertUnwindSafe(|| router.answer(&target))).unwrap_or_else(|_| router.failed());
    let Answer { status, content_type, body } = answer;
    let mut headers = vec![
        header("Content-Type", content_type),
        header("Cache-Control", "no-store"),
        header("X-Content-Type-Options", "nosniff"),
        header("Server", "depthd"),
    ];
    if content_type == HTML {
        headers.push(header("Content-Security-Policy", PAGE_POLICY));
    }
    let length = body.len();
    let response = Response::new(StatusCode(status), headers, io::Cursor::new(body), Some(length), None);
    // The body is left out for HEAD by tiny_http itself, and never sent in chunks: clients get its length.
    // An error here means that the gate hung up: its client did, or the deadline is over.
    let _ = request.respond(response.with_chunked_threshold(usize::MAX));
}

fn header(name: &'static str, value: &'static str) -> Header {
    Header::from_bytes(name, value).expect("names and values are our own constants, in ASCII")
}

fn start_server(runtime_dir: &Path) -> io::Result<Current> {
    let (door, listener) = Door::open(runtime_dir)?;
    // tiny_http starts threads with a function that panics when the system refuses.
    match catch_unwind(AssertUnwindSafe(|| Server::from_listener(listener, None))) {
        Ok(Ok(server)) => Ok(Current { server: Arc::new(server), door, dead: false }),
        Ok(Err(e)) => Err(io::Error::other(format!("the answering server does not start: {e}"))),
        Err(_) => Err(io::Error::other("no thread could be started for HTTP answers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::evidence::Evidence;
    use crate::engine::health::Thresholds;
    use crate::engine::stats::Stats;
    use crate::engine::time::Stamp;
    use crate::engine::view::{BookTop, BookView, LiquidationView, TradeView};
    use crate::http::{Ask, Source};

    struct Nothing;

    impl Source for Nothing {
        fn stats(&self) -> Stats {
            Stats::default()
        }

        fn books(&self) -> Vec<(String, String, BookTop)> {
            Vec::new()
        }

        fn book(&self, _: &str, _: &str, _: usize) -> Result<BookView, Ask> {
            Err(Ask::UnknownFeed)
        }

        fn trades(&self, _: &str, _: &str, _: usize) -> Result<Vec<TradeView>, Ask> {
            Err(Ask::UnknownFeed)
        }

        fn liquidations(&self, _: &str, _: &str, _: usize) -> Result<Vec<LiquidationView>, Ask> {
            Err(Ask::UnknownFeed)
        }

        fn evidence(&self) -> Vec<(String, Evidence)> {
            Vec::new()
        }
    }

    /// Only one handler is told that a server died. The other went on waiting there, and a stop within the next second
    /// woke those of the new server alone: it took the whole second, which is all that a stop may take.
    #[test]
    fn a_stop_right_after_a_restart_waits_for_no_handler() {
        let counters = Arc::new(Counters::default());
        let backend = Backend::start(&std::env::temp_dir(), counters.clone()).expect("it starts");
        let now = Stamp { mono: Mono::ZERO.after(Duration::from_secs(60)), ..Stamp::ZERO };
        let clock: Clock = Arc::new(move || now);
        let router = Router {
            source: Arc::new(Nothing),
            counters: counters.clone(),
            clock: clock.clone(),
            thresholds: Thresholds::default(),
            connections_max: 2,
        };
        let handlers = Handlers::start(backend.clone(), Arc::new(router), &clock).expect("threads");
        // Both wait at the first server: each holds it, beside ourselves.
        while Arc::strong_count(&backend.lock().server) < 1 + HANDLERS {
            std::thread::yield_now();
        }
        let mut current = backend.lock();
        current.dead = true;
        backend.revive(&mut current, now.mono);
        assert!(!current.dead, "it was started again");
        let first = Arc::downgrade(&current.server);
        drop(current);
        let (done, stopped) = std::sync::mpsc::channel();
        let stop = spawn("stop", 64 * 1024, move || {
            drop(handlers);
            let _ = done.send(());
        });
        let in_time = stopped.recv_timeout(REPORT_EVERY / 2);
        drop(stop);
        assert!(in_time.is_ok(), "a handler waits at the server that is gone");
        drop(backend);
        assert!(first.upgrade().is_none(), "nobody holds the new one");
    }
}
