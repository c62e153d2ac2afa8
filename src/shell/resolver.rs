//! The resolver thread: the only caller of the system's name lookup, which can neither be bounded nor interrupted.
//!
//! Everyone else asks here and waits with a deadline. Answers are kept, so a REST call costs no lookup; a name that
//! cannot be looked up now is answered from what it was last, because a venue's addresses outlive a resolver's outage.

use crate::engine::time::Mono;
use crate::shell::clock::Clock;
use crate::shell::sync::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use crate::shell::thread::{self, Handle};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// Venues publish records of 60 s and less; a minute spares a lookup per REST call and still follows a move.
const TTL: Duration = Duration::from_secs(60);
/// Names kept. A daemon knows two a feed; more than this are answered without being kept.
const NAMES_MAX: usize = 64;
/// Addresses kept of one name.
const ADDRESSES_MAX: usize = 16;
/// Questions waiting. One per connection and REST caller fits many times over.
const QUESTIONS_MAX: usize = 256;
/// glibc's lookup wants room for its answer buffers.
const STACK_BYTES: usize = 256 * 1024;

/// Addresses, or why there are none.
pub type Answer = Result<Vec<SocketAddr>, String>;

/// What the resolver is asked.
pub struct Question {
    pub host: String,
    port: u16,
    /// When whoever asks has given up.
    until: Mono,
    reply: Box<dyn FnOnce(Answer) + Send>,
}

/// Asks questions; clones share the thread.
#[derive(Clone)]
pub struct Asker {
    questions: Sender<Question>,
    clock: Clock,
}

/// The thread. Stop it last: everyone may still be asking.
pub struct Resolver {
    asker: Asker,
    /// Disconnected when the thread ends.
    ended: Receiver<()>,
    thread: Handle<()>,
}

/// An asker, and where its questions come out.
pub fn questions(clock: Clock) -> (Asker, Receiver<Question>) {
    let (questions, inbox) = bounded(QUESTIONS_MAX);
    (Asker { questions, clock }, inbox)
}

impl Asker {
    /// Puts a question; `reply` is called at most once, on the resolver's thread. A question whose turn comes after
    /// `within` is dropped: a name that is slow to fail must not pile up lookups that nobody waits for. A literal
    /// address is answered at once, here.
    pub fn ask(&self, host: &str, port: u16, within: Duration, reply: impl FnOnce(Answer) + Send + 'static) {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return reply(Ok(vec![SocketAddr::new(ip, port)]));
        }
        let until = self.clock.mono().after(within);
        let question = Question { host: host.to_owned(), port, until, reply: Box::new(reply) };
        if let Err(refused) = self.questions.try_send(question) {
            (refused.into_inner().reply)(Err("the resolver is busy".to_owned()));
        }
    }
}

impl Resolver {
    /// # Errors
    /// The thread cannot be started.
    pub fn start(clock: Clock) -> io::Result<Resolver> {
        let (asker, inbox) = questions(clock.clone());
        let (alive, ended) = bounded::<()>(0);
        let thread = thread::spawn("resolver", STACK_BYTES, move || {
            let mut names = Names::default();
            // Ends when the last asker is dropped.
            for question in inbox {
                names.answer(question, &clock, lookup);
            }
            drop(alive);
        })?;
        Ok(Resolver { asker, ended, thread })
    }

    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Joins the thread, unless it is inside a lookup that outlasts `patience`: then it is left to the process's end and
    /// false is returned. Every other asker must be gone, or this waits in vain.
    pub fn stop(self, patience: Duration) -> bool {
        drop(self.asker);
        match self.ended.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => {
                self.thread.abandon();
                false
            }
            _ => {
                self.thread.join();
                true
            }
        }
    }
}

struct Known {
    addresses: Vec<IpAddr>,
    until: Mono,
}

/// What was looked up so far.
#[derive(Default)]
pub struct Names {
    known: BTreeMap<String, Known>,
}

impl Names {
    /// Answers one question, from memory or by `lookup`; one whose asker has given up is dropped.
    pub fn answer(
        &mut self,
        question: Question,
        clock: &Clock,
        lookup: impl FnOnce(&str) -> Result<Vec<IpAddr>, String>,
    ) {
        let known = &mut self.known;
        let fresh = known.get(&question.host).is_some_and(|k| k.until > clock.mono());
        let mut failure = None;
        if !fresh && clock.mono() >= question.until {
            return;
        }
        if !fresh {
            match lookup(&question.host) {
                Ok(addresses) if known.len() < NAMES_MAX || known.contains_key(&question.host) => {
                    let until = clock.mono().after(TTL);
                    known.insert(question.host.clone(), Known { addresses, until });
                }
                Ok(addresses) => return (question.reply)(Ok(with_port(&addresses, question.port))),
                Err(e) => failure = Some(e),
            }
        }
        let answer = match (known.get(&question.host), failure) {
            (Some(k), _) => Ok(with_port(&k.addresses, question.port)),
            (None, Some(e)) => Err(e),
            (None, None) => Err("the name has no address".to_owned()),
        };
        (question.reply)(answer);
    }
}

fn lookup(host: &str) -> Result<Vec<IpAddr>, String> {
    let found = (host, 0).to_socket_addrs().map_err(|e| e.to_string())?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    if addresses.is_empty() { Err("the name has no address".to_owned()) } else { Ok(addresses) }
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_literals_are_answered_and_the_thread_joins() {
        let clock = Clock::start();
        let resolver = Resolver::start(clock).expect("thread");
        for (host, want) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("localhost", ":80")] {
            let (answer, answers) = bounded(1);
            resolver.asker().ask(host, 80, Duration::from_secs(20), move |a| answer.send(a).expect("asked"));
            let got = answers.recv_timeout(Duration::from_secs(20)).expect("an answer").expect(host);
            assert!(got[0].to_string().ends_with(want), "{host}: {got:?}");
        }
        assert!(resolver.stop(Duration::from_secs(20)));
    }
    #[test]
    fn questions_nobody_waits_for_cost_no_lookup() {
        let (asker, inbox) = questions(Clock::start());
        let (answers, answered) = bounded(8);
        for (host, within) in [("given-up", 0), ("awaited", 3_600), ("given-up", 0)] {
            let answers = answers.clone();
            let reply = move |answer: Answer| answers.send((host, answer.is_ok())).expect("heard");
            asker.ask(host, 80, Duration::from_secs(within), reply);
        }
        let clock = asker.clock.clone();
        drop((asker, answers));
        let looked_up = std::cell::RefCell::new(Vec::new());
        let mut names = Names::default();
        for question in inbox {
            names.answer(question, &clock, |host| {
                looked_up.borrow_mut().push(host.to_owned());
                Err("no such name".to_owned())
            });
        }
        assert_eq!(*looked_up.borrow(), ["awaited"]);
        assert_eq!(answered.iter().collect::<Vec<_>>(), [("awaited", false)]);
    }
}
