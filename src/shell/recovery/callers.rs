//! The threads that wait for REST answers: as many a venue as calls may be in flight, started once.

use crate::engine::event::Snapshot;
use crate::engine::recovery::Ticket;
use crate::engine::time::Mono;
use crate::shell::clock::Clock;
use crate::shell::rest::{RestAnswer, RestClient};
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::thread::{self, Handle};
use crate::venue::{RestReply, RestRequest, Venue, Verdict};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// TLS, an HTTP client and a JSON reader; bodies are on the heap.
pub const STACK_BYTES: usize = 256 * 1024;

/// What is kept of a refusal's body for the log, which shows less: a key in it must be there whole to be found.
const BODY_SHOWN_BYTES: usize = 4 * 1024;

/// A call to make.
pub struct Call {
    pub ticket: Ticket,
    /// When it was decided on: what came to the worker after that may not be in the answer.
    pub asked: Mono,
    pub venue: Arc<dyn Venue>,
    pub symbol: String,
    pub request: RestRequest,
}

/// How a call ended.
pub struct Answered {
    pub ticket: Ticket,
    /// The call's.
    pub asked: Mono,
    pub symbol: String,
    pub verdict: Verdict,
    pub used: Option<u32>,
    /// `None`: no answer at all.
    pub status: Option<u16>,
    /// With every good verdict.
    pub snapshot: Option<Snapshot>,
    /// Why there was no good answer, for the log.
    pub trouble: Option<String>,
    pub took: Duration,
}

impl Answered {
    fn failed(ticket: Ticket, asked: Mono, symbol: String, trouble: String) -> Answered {
        Answered {
            ticket,
            asked,
            symbol,
            verdict: Verdict::Failed,
            used: None,
            status: None,
            snapshot: None,
            trouble: Some(trouble),
            took: Duration::ZERO,
        }
    }
}

/// The callers of one venue. Dropping them waits for calls in flight: stop their client first.
pub struct Callers {
    calls: Option<Sender<Call>>,
    threads: Vec<Handle<()>>,
}

impl Callers {
    /// # Errors
    /// A thread cannot be started.
    pub fn start(
        venue: &str,
        count: usize,
        client: &RestClient,
        answers: &Sender<Answered>,
        clock: &Clock,
    ) -> io::Result<Callers> {
        let (calls, inbox) = bounded::<Call>(count);
        let mut threads = Vec::with_capacity(count);
        for n in 0..count {
            let (inbox, client, answers, clock) =
                (inbox.clone(), client.clone(), answers.clone(), clock.clone());
            threads.push(thread::spawn(&format!("rest-{venue}-{n}"), STACK_BYTES, move || {
                serve(&inbox, &client, &answers, &clock)
            })?);
        }
        Ok(Callers { calls: Some(calls), threads })
    }

    /// Callers that somebody else is: calls go there, and every ticket is to be answered.
    pub fn elsewhere(calls: Sender<Call>) -> Callers {
        Callers { calls: Some(calls), threads: Vec::new() }
    }

    /// Hands a call over; gives it back when every caller is busy.
    pub fn call(&self, call: Call) -> Result<(), Call> {
        match &self.calls {
            Some(calls) => {
                calls.try_send(call).map_err(crate::shell::sync::channel::TrySendError::into_inner)
            }
            None => Err(call),
        }
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        // The channel first: it is what the threads wait on.
        self.calls.take();
        self.threads.clear();
    }
}

fn serve(inbox: &Receiver<Call>, client: &RestClient, answers: &Sender<Answered>, clock: &Clock) {
    for call in inbox {
        let started = clock.mono();
        let (ticket, asked, symbol) = (call.ticket, call.asked, call.symbol.clone());
        // Every ticket is answered, whatever becomes of the call: a lost one would hold its place for ever.
        let outcome = catch_unwind(AssertUnwindSafe(|| judge(client.get(&call.request), call)));
        let mut answered = outcome.unwrap_or_else(|payload| {
            Answered::failed(
                ticket,
                asked,
                symbol,
                format!("the call panicked: {}", thread::message(payload.as_ref())),
            )
        });
        answered.took = clock.mono().since(started);
        // As many places as callers: there is always one for us. If nobody listens any more, nobody needs it.
        let _ = answers.try_send(answered);
    }
}

/// What an answer is worth. Without one (no connection, no time, half a body) the call has failed.
pub fn judge(result: Result<RestAnswer, String>, call: Call) -> Answered {
    let Call { ticket, asked, venue, symbol, .. } = call;
    match result {
        Err(trouble) => Answered::failed(ticket, asked, symbol, trouble),
        Ok(answer) => {
            let mut answered = Answered::failed(ticket, asked, symbol, String::new());
            answered.trouble = None;
            let reply = RestReply { status: answer.status, headers: &answer.headers, body: &answer.body };
            answered.status = Some(answer.status);
            answered.used = venue.used_budget(&reply);
            answered.verdict = venue.verdict(&reply);
            if answered.verdict == Verdict::Good {
                match venue.snapshot(&answered.symbol, &answer.body) {
                    Ok(snapshot) => answered.snapshot = Some(snapshot),
                    // A good status with nonsense behind it is a failure like any other.
                    Err(e) => {
                        answered.verdict = Verdict::Failed;
                        answered.trouble = Some(format!("the answer cannot be read: {e}"));
                    }
                }
            } else {
                let shown = &answer.body[..answer.body.len().min(BODY_SHOWN_BYTES)];
                let body = String::from_utf8_lossy(shown);
                answered.trouble = Some(format!("status {}: {body}", answer.status));
            }
            answered
        }
    }
}
