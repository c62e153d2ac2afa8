//! The last resort of a stop: a thread that ends the process when the orderly way down takes too long, naming the part
//! that did not end.

use crate::shell::sync::channel::{RecvTimeoutError, Sender, bounded};
use crate::shell::thread::{self, Handle};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The contract's hard limit of a stop.
const PATIENCE: Duration = Duration::from_secs(5);
const STACK_BYTES: usize = 64 * 1024;

/// While it lives the stop has [`PATIENCE`]; dropping it calls the thread off and joins it.
pub struct Guard {
    stage: Arc<Mutex<&'static str>>,
    done: Option<Sender<()>>,
    _thread: Option<Handle<()>>,
}

impl Guard {
    pub fn start() -> Guard {
        let stage = Arc::new(Mutex::new("connections"));
        let (done, over) = bounded::<()>(0);
        let watched = stage.clone();
        let thread = thread::spawn("stop-guard", STACK_BYTES, move || {
            if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let stage = *watched.lock().unwrap_or_else(PoisonError::into_inner);
                log::error!("the stop is stuck: {stage} does not end within {} s", PATIENCE.as_secs());
                // The log's own thread gets a moment; this one has nothing else to do.
                std::thread::park_timeout(Duration::from_millis(100));
                std::process::exit(1);
            }
        });
        Guard { stage, done: Some(done), _thread: thread.ok() }
    }

    /// From here on this part is ending.
    pub fn stage(&self, name: &'static str) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.done.take();
    }
}
