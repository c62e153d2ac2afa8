//! The named scenarios of figure X7: scripted trouble in place of drawn, over any seed's world.

use crate::setup::SAFETY;
use crate::world::World;
use depthd::engine::time::Mono;
use depthd::sim::net::PeerId;
use depthd::sim::{Fault, LinkFault, RestFault, StreamFault, UpgradeFault};
use std::time::Duration;

pub const NAMES: [&str; 7] =
    ["swizzle", "all_lost", "flapping", "up_12_of_100", "one_call_in_20", "a_third_lost", STORM];
/// A storm of calls is a figure of its own (X6), with a setup of its own.
pub const STORM: &str = "storm";

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Random connections are clogged one by one, and let go in another order.
    Swizzle,
    /// Every connection is lost at once: a storm of snapshots against the bucket.
    AllLost,
    /// One connection is reset each second.
    Flapping,
    /// The network is there 12 s in every 100 (chrony: 1,200 s in 10,000).
    Intermittent,
    /// One call and one connect in twenty passes.
    OneInTwenty,
    /// A third of the stream's messages and of the calls are lost.
    Third,
    /// Every book loses a message once a second, and is fetched anew.
    Storm,
}

pub struct Scenario {
    kind: Kind,
    due: Mono,
    step: u64,
    clogged: Vec<(usize, PeerId)>,
}

impl Scenario {
    pub fn by_name(name: &str) -> Option<Scenario> {
        let kinds = [
            Kind::Swizzle,
            Kind::AllLost,
            Kind::Flapping,
            Kind::Intermittent,
            Kind::OneInTwenty,
            Kind::Third,
            Kind::Storm,
        ];
        let at = NAMES.iter().position(|n| *n == name)?;
        let due = Mono::ZERO.after(3 * SECOND);
        Some(Scenario { kind: kinds[at], due, step: 0, clogged: Vec::new() })
    }

    pub fn due(&self) -> Mono {
        self.due
    }

    pub fn strike(&mut self, world: &mut World, now: Mono) {
        self.step += 1;
        let wait = match self.kind {
            Kind::Swizzle => self.swizzle(world, now),
            Kind::AllLost => {
                order(world, &Fault::Link(LinkFault::Reset));
                20 * SECOND
            }
            Kind::Flapping => {
                let open = open(world);
                if let Some((site, id)) = open.first().copied() {
                    world.sites[site].net.now = now;
                    depthd::sim::net::Net::reset(&mut world.sites[site].net, id);
                    count(world, "flap");
                }
                SECOND
            }
            Kind::Intermittent => {
                // Down for 22 s, up for 3: the same part of the time, four times in a run.
                let last = now.after(22 * SECOND) > Mono::ZERO.after(SAFETY);
                if !self.step.is_multiple_of(2) && !last {
                    order(world, &Fault::Link(LinkFault::HalfOpen));
                    order(world, &Fault::Upgrade { count: 200, what: UpgradeFault::Hang });
                    order(world, &Fault::Rest { count: 200, what: RestFault::Hang });
                    22 * SECOND
                } else {
                    world.sites.iter_mut().for_each(|s| s.owner.calm());
                    3 * SECOND
                }
            }
            Kind::OneInTwenty => {
                world.sites.iter_mut().for_each(|s| s.owner.calm());
                if self.step.is_multiple_of(8) {
                    order(world, &Fault::Link(LinkFault::Reset));
                }
                order(world, &Fault::Upgrade { count: 19, what: UpgradeFault::Hang });
                order(world, &Fault::Rest { count: 19, what: RestFault::Hang });
                5 * SECOND
            }
            Kind::Storm => {
                order(world, &Fault::Stream { symbol: None, what: StreamFault::Gap });
                SECOND
            }
            Kind::Third => {
                world.sites.iter_mut().for_each(|s| s.owner.calm());
                for _ in 0..world.random.below(8) {
                    for site in &mut world.sites {
                        site.owner.strike(Fault::Stream { symbol: None, what: StreamFault::Gap });
                        site.rung = true;
                    }
                }
                if world.random.percent(33) {
                    order(world, &Fault::Rest { count: 1, what: RestFault::Hang });
                }
                Duration::from_millis(20 + world.random.below(60))
            }
        };
        self.due = now.after(wait);
    }

    fn swizzle(&mut self, world: &mut World, now: Mono) -> Duration {
        let long = now.after(3_600 * SECOND);
        let candidates: Vec<_> = open(world).into_iter().filter(|c| !self.clogged.contains(c)).collect();
        let release = candidates.is_empty() || world.random.percent(45);
        if release && !self.clogged.is_empty() {
            let at = world.random.below(self.clogged.len() as u64) as usize;
            let (site, id) = self.clogged.remove(at);
            world.sites[site].net.unclog(id, now);
        } else if let Some(one) = world.random.pick(&candidates).copied() {
            world.sites[one.0].net.clog(one.1, long);
            self.clogged.push(one);
            count(world, "clog");
        }
        Duration::from_millis(100 + world.random.below(1_500))
    }
}

fn count(world: &mut World, name: &'static str) {
    *world.own_faults.entry(name).or_default() += 1;
}

fn open(world: &World) -> Vec<(usize, PeerId)> {
    let of = |(index, site): (usize, &crate::world::SimSite)| {
        site.net.open().into_iter().map(move |id| (index, id)).collect::<Vec<_>>()
    };
    world.sites.iter().enumerate().flat_map(of).collect()
}

fn order(world: &mut World, fault: &Fault) {
    for site in &mut world.sites {
        site.owner.inject(fault.clone());
        site.rung = true;
    }
}
