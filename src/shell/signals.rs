//! Signals, turned into events. One thread waits for them; a second SIGTERM or SIGINT ends the process at once.

use crate::shell::event::Event;
use crate::shell::sync::channel::Sender;
use crate::shell::thread::{self, Handle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle as Close, Signals};
use signal_hook::{flag, low_level};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const STACK_BYTES: usize = 64 * 1024;
/// Killed by a second signal in the middle of a stop: the shell's convention for SIGTERM.
const FORCED: i32 = 143;

/// Signals are caught and kept from here on, until [`Caught::listen`] hands them over.
pub struct Caught(Signals);

/// The thread. Dropping it ends and joins it.
pub struct Listener {
    close: Close,
    _thread: Handle<()>,
}

impl Caught {
    /// Before anything is made that a stop would have to tidy: a signal during the start is acted on after it.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn install() -> io::Result<Caught> {
        // First what keeps them: a signal that only met the flags below would be lost. The stops come last: the library
        // loses a signal that comes while it exchanges the handler, which takes longest when its code runs first.
        let signals = Signals::new([SIGUSR1, SIGHUP, SIGINT, SIGTERM])?;
        let once = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal arms, the second ends.
            flag::register_conditional_shutdown(signal, FORCED, once.clone())?;
            flag::register(signal, once.clone())?;
        }
        Ok(Caught(signals))
    }

    /// # Errors
    /// The thread cannot be started.
    pub fn listen(self, events: Sender<Event>) -> io::Result<Listener> {
        let Caught(mut signals) = self;
        let close = signals.handle();
        let thread = thread::spawn("signals", STACK_BYTES, move || {
            let mut stopping = false;
            for signal in signals.forever() {
                let event = match signal {
                    SIGHUP => Event::Reload,
                    SIGUSR1 => Event::Dump,
                    // Two that came at once, to two threads, each found the flag unset.
                    _ if stopping => low_level::exit(FORCED),
                    _ => Event::Stop,
                };
                stopping |= matches!(event, Event::Stop);
                // A supervisor that is busy for a second is asked by the next signal again, or ended by a second stop.
                let _ = events.send_timeout(event, Duration::from_secs(1));
            }
        })?;
        Ok(Listener { close, _thread: thread })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close.close();
    }
}
