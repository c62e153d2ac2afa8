//! Name lookup: the daemon's own memory of names, over a resolver that is slow, mute or wrong as told.

use crossbeam_channel::Receiver;
use depthd::engine::time::Mono;
use depthd::shell::clock::Clock;
use depthd::shell::resolver::{Names, Question};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const LOOKUP: Duration = Duration::from_millis(20);
/// What a mute resolver takes before the system gives up.
const MUTE: Duration = Duration::from_secs(4);

pub struct Lookups {
    questions: Receiver<Question>,
    names: Names,
    /// One at a time, as the system's own lookup.
    current: Option<(Mono, Question, bool)>,
    pub fails_until: Mono,
    pub mute_until: Mono,
}

impl Lookups {
    pub fn new(questions: Receiver<Question>) -> Lookups {
        Lookups {
            questions,
            names: Names::default(),
            current: None,
            fails_until: Mono::ZERO,
            mute_until: Mono::ZERO,
        }
    }

    pub fn due(&self) -> Mono {
        self.current.as_ref().map_or(Mono::NEVER, |(at, ..)| *at)
    }

    pub fn look(&mut self, now: Mono) {
        if self.current.is_none()
            && let Ok(question) = self.questions.try_recv()
        {
            let mute = now < self.mute_until;
            let takes = if mute { MUTE } else { LOOKUP };
            self.current = Some((now.after(takes), question, mute || now < self.fails_until));
        }
    }

    pub fn turn(&mut self, clock: &Clock) {
        if let Some((_, question, fails)) = self.current.take() {
            self.names.answer(question, clock, |_| match fails {
                true => Err("temporary failure in name resolution".to_owned()),
                false => Ok(vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]),
            });
        }
    }
}
