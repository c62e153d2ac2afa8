//! The bounded channel that model checkers see: a queue behind a lock of theirs, with the operations the daemon uses.
//!
//! What a channel promises beyond a queue is kept as weak as the real one's: a send that finds it full gives the
//! receiver no sight of what its thread did before. Under loom a wait with a timeout waits for ever, so that whatever
//! only the timeout rescues is found as a deadlock; under shuttle it ends after some of the others' steps.

use super::atomic::{AtomicUsize, Ordering, fence};
use super::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use crossbeam_channel::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// As many as are in the queue; looked at without the lock, as the real one does.
    len: AtomicUsize,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    queue: VecDeque<T>,
    senders: usize,
    receivers: usize,
}

pub struct Sender<T>(Arc<Shared<T>>);

pub struct Receiver<T>(Arc<Shared<T>>);

/// A queue for at most `capacity`; with room for none, only its end is ever seen.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { queue: VecDeque::new(), senders: 1, receivers: 1 };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        changed: Condvar::new(),
        len: AtomicUsize::new(0),
        capacity,
    });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<T, TryRecvError> {
        let mut state = self.lock();
        match state.queue.pop_front() {
            Some(value) => {
                self.len.store(state.queue.len(), Ordering::Relaxed);
                drop(state);
                self.changed.notify_all();
                Ok(value)
            }
            None if state.senders == 0 => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Whether a receive would not wait.
    fn is_ready(&self) -> bool {
        let state = self.lock();
        !state.queue.is_empty() || state.senders == 0
    }
}

impl<T> Sender<T> {
    /// # Errors
    /// Full, or nobody receives any more.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        fence(Ordering::SeqCst);
        if self.0.len.load(Ordering::Relaxed) >= self.0.capacity {
            return Err(TrySendError::Full(value));
        }
        let mut state = self.0.lock();
        if state.receivers == 0 {
            return Err(TrySendError::Disconnected(value));
        }
        if state.queue.len() >= self.0.capacity {
            return Err(TrySendError::Full(value));
        }
        state.queue.push_back(value);
        self.0.len.store(state.queue.len(), Ordering::Relaxed);
        drop(state);
        self.0.changed.notify_all();
        Ok(())
    }

    /// # Errors
    /// Nobody receives any more.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut value = value;
        loop {
            value = match self.try_send(value) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(back)) => return Err(SendError(back)),
                Err(TrySendError::Full(back)) => back,
            };
            super::spin_loop();
        }
    }

    /// # Errors
    /// Full for too long, or nobody receives any more.
    pub fn send_timeout(&self, value: T, _: Duration) -> Result<(), SendTimeoutError<T>> {
        let mut value = value;
        let mut patience = Patience::new();
        loop {
            value = match self.try_send(value) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(back)) => return Err(SendTimeoutError::Disconnected(back)),
                Err(TrySendError::Full(back)) if patience.is_over() => {
                    return Err(SendTimeoutError::Timeout(back));
                }
                Err(TrySendError::Full(back)) => back,
            };
        }
    }
}

impl<T> Receiver<T> {
    /// # Errors
    /// Empty, or nobody sends any more.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.take()
    }

    /// # Errors
    /// Nobody sends any more.
    pub fn recv(&self) -> Result<T, RecvError> {
        loop {
            match self.0.take() {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Disconnected) => return Err(RecvError),
                Err(TryRecvError::Empty) => {}
            }
            let state = self.0.lock();
            if state.queue.is_empty() && state.senders > 0 {
                drop(self.0.changed.wait(state));
            }
        }
    }

    /// # Errors
    /// Empty for too long, or nobody sends any more.
    pub fn recv_timeout(&self, _: Duration) -> Result<T, RecvTimeoutError> {
        if cfg!(loom) {
            return self.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        let mut patience = Patience::new();
        loop {
            match self.0.take() {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) if patience.is_over() => return Err(RecvTimeoutError::Timeout),
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    pub fn iter(&self) -> Received<'_, T> {
        Received(self)
    }

    pub fn len(&self) -> usize {
        self.0.lock().queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Received<'a, T>;

    fn into_iter(self) -> Received<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = Drained<T>;

    fn into_iter(self) -> Drained<T> {
        Drained(self)
    }
}

/// What comes until nobody sends any more.
pub struct Received<'a, T>(&'a Receiver<T>);

pub struct Drained<T>(Receiver<T>);

impl<T> Iterator for Received<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for Drained<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.0.lock().senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
        self.0.changed.notify_all();
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        self.0.lock().receivers += 1;
        Receiver(self.0.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.receivers -= 1;
        let left = if state.receivers == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        drop(state);
        drop(left);
        self.0.changed.notify_all();
    }
}

impl<T> std::fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender")
    }
}

impl<T> std::fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver")
    }
}

/// Waits on several channels at once.
#[derive(Default)]
pub struct Select<'a> {
    ready: Vec<Box<dyn Fn() -> bool + 'a>>,
}

impl<'a> Select<'a> {
    pub fn new() -> Select<'a> {
        Select::default()
    }

    /// Adds a channel; gives its number.
    pub fn recv<T>(&mut self, receiver: &'a Receiver<T>) -> usize {
        self.ready.push(Box::new(|| receiver.0.is_ready()));
        self.ready.len() - 1
    }

    /// The number of a channel from which a receive would not wait: any of them, where there are several.
    ///
    /// # Errors
    /// None for too long.
    pub fn ready_timeout(&mut self, _: Duration) -> Result<usize, ReadyTimeoutError> {
        let mut patience = Patience::new();
        loop {
            let first = choose(self.ready.len());
            let mut order = (0..self.ready.len()).map(|i| (first + i) % self.ready.len());
            if let Some(ready) = order.find(|i| self.ready[*i]()) {
                return Ok(ready);
            }
            if patience.is_over() {
                return Err(ReadyTimeoutError);
            }
        }
    }
}

/// The daemon's one shape of `select!`: receives, and a default after a while.
macro_rules! modelled_select {
    ($(recv($from:expr) -> $got:pat => $then:expr,)+ default($after:expr) => $idle:expr $(,)?) => {{
        let mut inboxes = $crate::shell::sync::channel::Select::new();
        $(inboxes.recv(&$from);)+
        let ready = inboxes.ready_timeout($after);
        drop(inboxes);
        let mut number = 0;
        $crate::shell::sync::channel::select!(@arm ready number [$($from, $got, $then;)+] $idle)
    }};
    (@arm $ready:ident $number:ident [] $idle:expr) => { $idle };
    (@arm $ready:ident $number:ident [$from:expr, $got:pat, $then:expr; $($rest:tt)*] $idle:expr) => {
        if $ready == Ok($number) {
            let $got = $from.try_recv();
            $then
        } else {
            #[allow(unused_assignments)]
            { $number += 1; }
            $crate::shell::sync::channel::select!(@arm $ready $number [$($rest)*] $idle)
        }
    };
}

pub(crate) use modelled_select;

/// How many of the others' steps a wait with a timeout lasts.
#[cfg(shuttle)]
struct Patience(usize);

#[cfg(shuttle)]
impl Patience {
    fn new() -> Patience {
        Patience(choose(PATIENCE_STEPS))
    }

    /// Lets the others go on, or says that the time is over.
    fn is_over(&mut self) -> bool {
        if self.0 == 0 {
            return true;
        }
        self.0 -= 1;
        shuttle::thread::yield_now();
        false
    }
}

/// Enough that a wait mostly sees what it waits for, few enough that its timeout is met as well.
#[cfg(shuttle)]
const PATIENCE_STEPS: usize = 16;

#[cfg(shuttle)]
fn choose(below: usize) -> usize {
    use shuttle::rand::Rng;
    shuttle::rand::thread_rng().gen_range(0..below.max(1))
}

#[cfg(loom)]
struct Patience;

#[cfg(loom)]
impl Patience {
    fn new() -> Patience {
        Patience
    }

    fn is_over(&mut self) -> bool {
        loom::thread::yield_now();
        false
    }
}

#[cfg(loom)]
fn choose(_: usize) -> usize {
    0
}
