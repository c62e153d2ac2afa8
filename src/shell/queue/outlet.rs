//! A worker's end of its queue.

use super::{Batch, Break, Job, Shared, recycle};
use crate::shell::sync::channel::{Receiver, TryRecvError};
use crate::shell::sync::{Arc, PoisonError};

#[derive(Debug)]
pub struct Outlet {
    /// To look at; jobs are taken with [`Outlet::take`].
    pub jobs: Receiver<Job>,
    /// To wait on: somebody has queued a job and does not do it.
    pub rung: Receiver<()>,
    pub(super) shared: Arc<Shared>,
}

impl Outlet {
    /// The next job. `broken` gets the books of which messages were evicted from before it: they are to be told first.
    ///
    /// # Errors
    /// Nothing is there now, or every way in is gone and nothing is left.
    pub fn take(&self, broken: &mut Vec<Break>) -> Result<Job, TryRecvError> {
        // Under the evictors' lock: what was noted before lay before this job, and nothing between is noted later.
        let mut evicted = self.shared.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = evicted.jobs.pop_front() {
            return Ok(job);
        }
        let job = self.jobs.try_recv()?;
        broken.append(&mut evicted.breaks);
        Ok(job)
    }

    /// The books of which messages were evicted and no job followed yet: for who applies something behind the queue.
    pub fn take_broken(&self, broken: &mut Vec<Break>) {
        let mut evicted = self.shared.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        broken.append(&mut evicted.breaks);
    }

    /// For whoever stands up from the worker's seat.
    pub fn seat_free(&self) -> SeatFree {
        SeatFree(self.shared.clone())
    }

    /// Gives a batch's room back once it is applied.
    pub fn done(&self, batch: Batch) {
        recycle(&self.shared, batch);
    }
}

/// Tells a reader that waits for the worker's seat to look again.
#[derive(Debug)]
pub struct SeatFree(Arc<Shared>);

impl SeatFree {
    pub fn tell(&self) {
        self.0.room.made();
    }
}
