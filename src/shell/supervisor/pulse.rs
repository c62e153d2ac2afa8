//! What the supervisor does once a second beside its machines: rates, memory, the watchdog, and the end of patience
//! when memory runs out.

use crate::config::Memory;
use crate::engine::stats::ThreadStats;
use crate::engine::time::{Mono, Stamp};
use crate::shell::memory::ProcessMemory;
use crate::shell::notify::Notify;
use crate::shell::registry::Registry;
use crate::shell::sync::channel::Sender;
use crate::shell::worker::Side;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Often enough for a watchdog of 20 s and for rates a person reads, seldom enough to cost nothing.
const EVERY: Duration = Duration::from_secs(1);

/// Threads and when they last reported.
pub type Reporter = Box<dyn Fn(Stamp) -> Vec<ThreadStats> + Send>;

/// Reads what the process uses.
pub type Observer = Box<dyn Fn() -> ProcessMemory + Send>;

pub struct Pulse {
    pub notify: Notify,
    pub watchdog: Option<Duration>,
    pub limits: Memory,
    pub shedding: Arc<AtomicBool>,
    pub workers: Vec<Sender<Side>>,
    /// The HTTP port's threads report in a way of their own.
    http: Reporter,
    memory: Observer,
    next: Mono,
    fed: Mono,
    ready: bool,
    warned: bool,
    throttled: bool,
    /// The thread that was last said to be late, so that it is said once.
    late: Option<String>,
}

impl Pulse {
    pub fn new(
        notify: Notify,
        limits: Memory,
        shedding: Arc<AtomicBool>,
        workers: Vec<Sender<Side>>,
        http: Reporter,
        memory: Observer,
    ) -> Pulse {
        let watchdog = notify.watchdog_interval();
        Pulse {
            notify,
            watchdog,
            limits,
            shedding,
            workers,
            http,
            memory,
            next: Mono::ZERO,
            fed: Mono::ZERO,
            ready: false,
            warned: false,
            throttled: false,
            late: None,
        }
    }

    /// Does what is due; says when to come again.
    pub fn beat(&mut self, now: Stamp, registry: &Registry, stopping: bool) -> Mono {
        if now.mono < self.next {
            return self.next;
        }
        // Sooner where the watchdog would not wait so long.
        self.next = now.mono.after(self.watchdog.map_or(EVERY, |w| EVERY.min(w / 2)));
        if !self.ready && !stopping {
            self.ready = true;
            self.notify.ready(&registry.summary());
        }
        registry.observe(now, (self.memory)());
        self.memory(registry);
        self.watchdog(now, registry);
        self.next
    }

    pub fn stopping(&self) {
        self.notify.stopping("stopping");
    }

    /// Feeds the watchdog while every thread has reported within its time.
    fn watchdog(&mut self, now: Stamp, registry: &Registry) {
        // Half of what the manager allows, as it advises.
        let Some(every) = self.watchdog.map(|w| w / 2) else { return };
        if now.mono.since(self.fed) < every.saturating_sub(EVERY) {
            return;
        }
        let http = || (self.http)(now).into_iter().find(|t| t.is_overdue(now)).map(|t| t.name);
        match registry.overdue(now.mono).or_else(http) {
            None => {
                self.late = None;
                self.fed = now.mono;
                self.notify.status(&registry.summary());
                self.notify.watchdog();
            }
            late if late == self.late => {}
            Some(thread) => {
                log::error!("thread {thread} has not reported in time; the watchdog is not fed");
                self.late = Some(thread);
            }
        }
    }

    fn memory(&mut self, registry: &Registry) {
        let part = registry.memory_part(self.limits.limit_bytes);
        let warn = part >= self.limits.warn;
        if warn && !self.warned {
            log::warn!("memory is at {:.0} % of its limit", part * 100.0);
        }
        self.warned = warn;
        let throttle = part >= self.limits.throttle;
        if throttle && !self.throttled {
            log::warn!("memory is at {:.0} % of its limit: trades are forgotten", part * 100.0);
            for worker in &self.workers {
                let _ = worker.try_send(Side::Shed);
            }
        }
        self.throttled = throttle;
        let critical = part >= self.limits.critical;
        if critical != self.shedding.swap(critical, Relaxed) {
            if critical {
                log::error!(
                    "memory is at {:.0} % of its limit: messages are dropped until it falls",
                    part * 100.0
                );
            } else {
                log::info!("memory has fallen: messages are taken again");
            }
        }
    }
}
