//! The one place that starts threads: named, with an explicit stack, joined by whoever holds the handle.
//!
//! A panic inside a thread is caught at its root and handed to the joiner as [`Ended::Panicked`]: it is a fault like any other.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(shuttle)]
use shuttle::thread::{Builder, JoinHandle};
#[cfg(not(shuttle))]
use std::thread::{Builder, JoinHandle};

/// Threads started and not joined. Process-wide because this is the one place that starts them; read at the stop only.
static UNJOINED: AtomicUsize = AtomicUsize::new(0);

/// How a thread ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    Returned(T),
    /// The panic's message, as far as it was text.
    Panicked(String),
}

/// A running thread. Dropping the handle waits for the thread: tell it to stop first.
#[derive(Debug)]
pub struct Handle<T> {
    inner: Option<JoinHandle<Ended<T>>>,
}

/// Starts a thread. The kernel keeps 15 bytes of the name.
///
/// # Errors
/// The operating system refuses (no memory, task limit).
pub fn spawn<T: Send + 'static>(
    name: &str,
    stack_bytes: usize,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Handle<T>> {
    let run = move || match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Ended::Returned(value),
        Err(payload) => Ended::Panicked(message(payload.as_ref())),
    };
    let inner = Builder::new().name(name.to_owned()).stack_size(stack_bytes).spawn(run)?;
    UNJOINED.fetch_add(1, Ordering::Relaxed);
    Ok(Handle { inner: Some(inner) })
}

impl<T> Handle<T> {
    #[cfg(not(shuttle))]
    pub fn is_finished(&self) -> bool {
        self.inner.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// The checker's threads do not tell; what a thread says itself has to do.
    #[cfg(shuttle)]
    pub fn is_finished(&self) -> bool {
        self.inner.is_none()
    }

    /// Waits for the thread to end.
    pub fn join(mut self) -> Ended<T> {
        match self.take_and_join() {
            Some(Ok(ended)) => ended,
            Some(Err(payload)) => Ended::Panicked(message(payload.as_ref())),
            None => Ended::Panicked("joined twice".to_owned()),
        }
    }

    /// Lets the thread go on alone. Only for a thread inside a call that cannot be interrupted, at process exit.
    pub fn abandon(mut self) {
        self.inner.take();
    }

    fn take_and_join(&mut self) -> Option<std::thread::Result<Ended<T>>> {
        let result = self.inner.take()?.join();
        UNJOINED.fetch_sub(1, Ordering::Relaxed);
        Some(result)
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let _ = self.take_and_join();
    }
}

/// How many threads were started here and not joined since: what a stop has left behind.
pub fn unjoined() -> usize {
    UNJOINED.load(Ordering::Relaxed)
}

/// A panic's message, as far as it was text.
pub fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without text".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value() {
        let handle = spawn("panics", 64 * 1024, || -> u8 { panic!("on purpose {}", 1) }).expect("thread");
        assert_eq!(handle.join(), Ended::Panicked("on purpose 1".to_owned()));
        let handle = spawn("returns", 64 * 1024, || 7).expect("thread");
        assert_eq!(handle.join(), Ended::Returned(7));
    }
}
