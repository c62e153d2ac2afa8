//! C1, the stop: a ring is never lost, whenever it comes, and a stop ends every wait from then on.

use super::explore::every_schedule;
use crate::engine::id::BookId;
use crate::shell::port::{Command, Port};
use crate::shell::sync::Arc;
use crate::shell::wake::Wake;
use loom::thread;
use rustix::event::PollFlags;
use std::time::Duration;

/// A reader's wait. Nothing ever comes from a socket here, and no timeout helps: a lost ring is a deadlock.
fn wait(wake: &Wake) {
    wake.wait(&std::io::stdin(), PollFlags::IN, Duration::MAX).expect("the bell");
}

#[test]
fn c1_a_stop_is_never_lost() {
    every_schedule("a stop between two waits", || {
        let wake = Arc::new(Wake::new().expect("a bell"));
        let waiting = wake.clone();
        let reader = thread::spawn(move || {
            while !waiting.is_stopped() {
                wait(&waiting);
                waiting.drain();
            }
            // As a reader does on its way out: what waits after a stop does not wait.
            wait(&waiting);
            waiting.drain();
            wait(&waiting);
            assert!(waiting.stop_channel().recv().is_err(), "the other kind of wait ends too");
        });
        wake.ring();
        wake.stop();
        reader.join().expect("the reader ends");
    });
}

#[test]
fn c1_two_threads_ring_while_one_silences_the_bell() {
    every_schedule("a ring and a stop from two threads", || {
        let wake = Arc::new(Wake::new().expect("a bell"));
        let (ringing, stopping) = (wake.clone(), wake.clone());
        let others = [thread::spawn(move || ringing.ring()), thread::spawn(move || stopping.stop())];
        while !wake.is_stopped() {
            wait(&wake);
            wake.drain();
        }
        wait(&wake);
        others.into_iter().for_each(|other| other.join().expect("another"));
    });
}

#[test]
fn c1_a_command_is_heard_though_nothing_follows_it() {
    every_schedule("a command to a waiting reader", || {
        let port = Arc::new(Port::new().expect("a bell"));
        let asked = port.clone();
        let reader = thread::spawn(move || {
            let mut heard = 0;
            while heard < 2 {
                wait(&asked.wake);
                asked.wake.drain();
                while asked.inbox.try_recv().is_ok() {
                    heard += 1;
                }
            }
        });
        for book in 0..2 {
            assert!(port.command(Command::Restart { books: vec![BookId(book)] }), "room for both");
        }
        reader.join().expect("the reader hears both");
    });
}

#[test]
fn c1_a_reader_that_is_shut_ends_with_a_command_in_its_hand() {
    every_schedule("a command and a shut", || {
        let port = Arc::new(Port::new().expect("a bell"));
        let lived = port.clone();
        let reader = thread::spawn(move || {
            while !lived.wake.is_stopped() {
                let _ = lived.inbox.try_recv();
                wait(&lived.wake);
                lived.wake.drain();
            }
        });
        let planner = port.clone();
        let asks = thread::spawn(move || planner.command(Command::Restart { books: Vec::new() }));
        port.shut();
        reader.join().expect("the reader ends");
        asks.join().expect("the planner");
    });
}
