//! What is counted of all probes together, so that each of them can be accounted for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The prober's books: what it started is under way or over.
#[derive(Debug, Default)]
pub struct ProbeCounts(Mutex<Counted>);

/// The books at one moment: `started` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Started since the exporter did.
    pub started: u64,
    /// Under way.
    pub in_flight: u64,
    /// Came to an observation, whatever that says.
    pub finished: u64,
    /// Told to stop on the way, or nobody waited any more. What was seen up to then is no result.
    pub cut_off: u64,
}

impl ProbeCounts {
    /// Counts a probe as started, and as under way until what is returned is dropped.
    pub fn begin(self: &Arc<Self>) -> Underway {
        let mut counted = self.lock();
        counted.started += 1;
        counted.in_flight += 1;
        drop(counted);
        Underway { counts: self.clone(), finished: false }
    }

    /// The books now. All of one moment, so that they add up.
    pub fn now(&self) -> Counted {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A probe under way. Dropped without [`Underway::finish`], it was cut off.
#[derive(Debug)]
pub struct Underway {
    counts: Arc<ProbeCounts>,
    finished: bool,
}

impl Underway {
    /// It came to an observation.
    pub fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut counted = self.counts.lock();
        counted.in_flight = counted.in_flight.saturating_sub(1);
        // A panic becomes an observation as well, with the exporter to blame.
        if self.finished || std::thread::panicking() {
            counted.finished += 1;
        } else {
            counted.cut_off += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_probe_is_under_way_and_then_over_in_one_way() {
        let counts = Arc::new(ProbeCounts::default());
        let (first, second, third) = (counts.begin(), counts.begin(), counts.begin());
        let expected =
            |in_flight, finished, cut_off| Counted { started: 3, in_flight, finished, cut_off };
        assert_eq!(counts.now(), expected(3, 0, 0));
        first.finish();
        drop(second);
        assert_eq!(counts.now(), expected(1, 1, 1));
        let panicked = std::thread::spawn(move || {
            let _third = third;
            panic!("as a fault of the exporter would");
        });
        assert!(panicked.join().is_err());
        assert_eq!(counts.now(), expected(0, 2, 1));
    }
}
