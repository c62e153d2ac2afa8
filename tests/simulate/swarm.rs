//! Faults as they strike: drawn for each seed out of the kinds it has, until the time of faults is over.

use crate::lives::DialFault;
use crate::setup::OWN;
use crate::venue;
use crate::world::World;
use depthd::engine::time::Mono;
use depthd::shell::event::Event;
use depthd::sim::fault;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A seed's faults, at least, and their kinds (figure D2).
pub const FAULTS_MIN: u64 = 20;
pub const KINDS_MIN: usize = 8;
/// One fault in so many is of our own process rather than the venue's.
const OWN_PERCENT: u64 = 25;
/// Panics of one seed: the third within a minute ends the daemon, as it is meant to.
const PANICS_MAX: u32 = 2;
const HOUR_NANOS: i64 = 3_600_000_000_000;

fn millis(world: &mut World, low: i64, high: i64) -> Duration {
    Duration::from_millis(world.random.between(low, high).unsigned_abs())
}

/// Makes the next fault happen, and says when the one after it is due.
pub fn strike(world: &mut World, now: Mono) -> Mono {
    let own: Vec<&'static str> = world.kinds.iter().copied().filter(|k| OWN.contains(k)).collect();
    let others: Vec<&'static str> = world.kinds.iter().copied().filter(|k| !OWN.contains(k)).collect();
    if others.is_empty() || (!own.is_empty() && world.random.percent(OWN_PERCENT)) {
        if let Some(kind) = world.random.pick(&own).copied() {
            strike_own(world, now, kind);
        }
    } else {
        let site = world.random.below(world.sites.len() as u64) as usize;
        if let Some(fault) = fault::draw_among(&others, world.draw.catalogue(), &mut world.random) {
            world.sites[site].owner.strike(fault);
            world.sites[site].rung = true;
        }
    }
    let part = world.random.exponential().clamp(0.05, 5.0);
    now.after(world.fault_gap.mul_f64(part))
}

fn strike_own(world: &mut World, now: Mono, kind: &'static str) {
    let happened = match kind {
        "name_fails" => {
            world.daemon.names.fails_until = now.after(millis(world, 500, 5_000));
            true
        }
        "name_hangs" => {
            world.daemon.names.mute_until = now.after(millis(world, 500, 5_000));
            true
        }
        "no_thread" => {
            let count = 1 + world.random.below(4) as u32;
            world.daemon.started.failing.store(count, Relaxed);
            true
        }
        "no_callers" => {
            world.daemon.no_callers.store(2, Relaxed);
            true
        }
        "worker_stalls" => {
            let (wait, at) = (millis(world, 20, 600), world.random.below(world.daemon.workers.len() as u64));
            world.daemon.workers[at as usize].stall(now.after(wait));
            true
        }
        "reader_stalls" => {
            let (wait, count) = (millis(world, 20, 600), world.daemon.lives.len() as u64);
            let at = world.random.below(count) as usize;
            world.daemon.lives.get_mut(at).map(|life| life.stalled_until = now.after(wait)).is_some()
        }
        "recovery_stalls" => {
            world.daemon.recovery_stalled = now.after(millis(world, 20, 3_000));
            true
        }
        "supervisor_stalls" => {
            world.daemon.supervisor_stalled = now.after(millis(world, 20, 600));
            true
        }
        "frozen" => {
            let wait = millis(world, 500, 30_000);
            world.freeze(now.after(wait));
            true
        }
        "wall_steps" => {
            let step = world.random.between(-HOUR_NANOS, HOUR_NANOS);
            world.hand.step_wall(step);
            true
        }
        "memory_short" => {
            let part = [70, 85, 95][world.random.below(3) as usize];
            world.daemon.memory_bytes.store((64 << 20) / 100 * part, Relaxed);
            world.memory_until = now.after(millis(world, 500, 4_000));
            true
        }
        "reload" => reload(world),
        "reader_panics" if world.panics < PANICS_MAX && venue::is_calm() => {
            venue::panic_in_route(true);
            world.panics += 1;
            true
        }
        "worker_panics" if world.panics < PANICS_MAX && venue::is_calm() => {
            venue::panic_in_decode(true);
            world.panics += 1;
            true
        }
        "connect_refused" => world.next_dial(DialFault::Refused),
        "connect_hangs" => world.next_dial(DialFault::Hangs),
        "upgrade_garbled" => world.next_dial(DialFault::Garbled),
        "lag" => {
            let (down, up, wait) =
                (millis(world, 0, 1_500), millis(world, 0, 1_500), millis(world, 300, 5_000));
            let site = world.random.below(world.sites.len() as u64) as usize;
            let site = &mut world.sites[site];
            (site.net.lag_down, site.net.lag_up, site.lag_until) = (down, up, now.after(wait));
            true
        }
        "clog" => {
            let site = world.random.below(world.sites.len() as u64) as usize;
            let until = now.after(millis(world, 200, 4_000));
            let open = world.sites[site].net.open();
            let peer = world.random.pick(&open).copied();
            peer.map(|id| world.sites[site].net.clog(id, until)).is_some()
        }
        _ => false,
    };
    if happened {
        *world.own_faults.entry(kind).or_default() += 1;
    }
}

/// A feed loses a symbol or gains one that its venue lists and nobody reads.
fn reload(world: &mut World) -> bool {
    let mut config = world.daemon.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let at = world.random.below(config.feeds.len() as u64) as usize;
    let venue = config.feeds[at].venue_name.clone();
    let Some(site) = world.sites.iter().find(|s| s.owner.face().to_string() == venue) else { return false };
    let taken: Vec<String> =
        config.feeds.iter().filter(|f| f.venue_name == venue).flat_map(|f| f.symbols.clone()).collect();
    let free: Vec<String> = site.owner.symbols().into_iter().filter(|s| !taken.contains(s)).collect();
    let symbols = &mut config.feeds[at].symbols;
    if symbols.len() > 1 && (free.is_empty() || world.random.percent(50)) {
        symbols.remove(world.random.below(symbols.len() as u64) as usize);
    } else if let Some(symbol) = world.random.pick(&free) {
        symbols.push(symbol.clone());
    } else {
        return false;
    }
    *world.daemon.file.lock().unwrap_or_else(PoisonError::into_inner) = config;
    world.daemon.events.try_send(Event::Reload).is_ok()
}

/// Faults are over: whatever lasts ends, whatever waits to happen does not.
pub fn calm(world: &mut World) {
    venue::panic_in_decode(false);
    venue::panic_in_route(false);
    world.daemon.started.failing.store(0, Relaxed);
    world.daemon.no_callers.store(0, Relaxed);
    world.daemon.memory_bytes.store(0, Relaxed);
    world.daemon.names.fails_until = Mono::ZERO;
    world.daemon.names.mute_until = Mono::ZERO;
    world.dial_fault = None;
    for site in &mut world.sites {
        (site.net.lag_down, site.net.lag_up) = Default::default();
        site.net.reset_next = 0;
        site.owner.calm();
        site.owner.quiesce();
        site.rung = true;
    }
}
