//! When a check runs next. Pure.
//!
//! Starts are spread over the interval by a hash of the check's name, so a thousand targets do not
//! start together, and the same target starts at the same offset after every restart and reload.
//! Ticks stay on their grid: a probe that takes long does not shift the later ones, and ticks that
//! went by while it ran are skipped and counted.

use std::time::Duration;

/// The grid of one check's starts: `offset + k × interval` after the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    interval: Duration,
    offset: Duration,
}

impl Cadence {
    /// The grid for a check. `seed` is what is hashed; the offset is below `interval`.
    pub fn new(interval: Duration, seed: &[&str]) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        // 32 bits of hash are enough to spread, and they fit a float exactly.
        let fraction = f64::from((hash(seed) >> 32) as u32) / (f64::from(u32::MAX) + 1.0);
        Self { interval, offset: interval.mul_f64(fraction) }
    }

    /// The first start of a check that is new at `now`: the next on its grid where that is within
    /// [`FIRST_WITHIN`]. Nobody should wait a quarter of an hour for the first word on a target, so
    /// with longer intervals it comes within that time, still spread, and the later ones lie on the
    /// grid.
    pub fn first(&self, now: Duration) -> Duration {
        self.first_within(FIRST_WITHIN, now)
    }

    /// As [`Self::first`], with another time in place of [`FIRST_WITHIN`].
    pub fn first_within(&self, within: Duration, now: Duration) -> Duration {
        if self.interval <= within {
            return self.at_or_after(now);
        }
        now + within.mul_f64(self.offset.as_secs_f64() / self.interval.as_secs_f64())
    }

    /// The start after the one that was due at `due`, when it is now `now`, and how many starts
    /// went by meanwhile. Never less than one interval after `due`.
    pub fn next(&self, due: Duration, now: Duration) -> (Duration, u64) {
        let following = self.at_or_after(due + self.interval);
        if following >= now {
            return (following, 0);
        }
        let next = self.at_or_after(now);
        let lost = (next.saturating_sub(following)).as_nanos() / self.interval.as_nanos().max(1);
        (next, u64::try_from(lost).unwrap_or(u64::MAX))
    }

    fn at_or_after(&self, now: Duration) -> Duration {
        let Some(since) = now.checked_sub(self.offset) else { return self.offset };
        let interval = self.interval.as_nanos().max(1);
        let periods = since.as_nanos().div_ceil(interval);
        self.offset + self.interval.saturating_mul(u32::try_from(periods).unwrap_or(u32::MAX))
    }
}

/// How soon a new check starts at the latest.
pub const FIRST_WITHIN: Duration = Duration::from_secs(60);

/// FNV-1a, finished with a mix so that names that differ in the last letter spread. Not std's
/// hasher, because offsets must be the same in every build.
fn hash(parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn cadence(offset: u64) -> Cadence {
        Cadence { interval: MINUTE, offset: Duration::from_secs(offset) }
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_start_comes_soon_and_the_others_lie_on_the_grid() {
        let grid = cadence(15);
        assert_eq!(grid.first(s(100)), s(135));
        assert_eq!(grid.next(s(135), s(136)), (s(195), 0));
        // A full interval lies between the first start and the second, and then the grid holds.
        let hourly = Cadence { interval: s(3600), offset: s(1800) };
        assert_eq!(hourly.first(s(0)), s(30));
        assert_eq!(hourly.next(s(30), s(31)), (s(5400), 0));
        assert_eq!(hourly.next(s(5400), s(5401)), (s(9000), 0));
    }

    #[test]
    fn whatever_the_name_the_first_start_comes_in_time_and_the_later_ones_are_spread() {
        let (within, hour, now) = (s(30), s(3600), s(17));
        let mut firsts = [0_u32; 3];
        let mut seconds = [0_u32; 6];
        for i in 0..600 {
            let grid = Cadence::new(hour, &[&format!("mx{i}"), "smtp", "simultaneous"]);
            let first = grid.first_within(within, now);
            assert!(first >= now && first < now + within, "{first:?}");
            firsts[usize::try_from((first - now).as_secs() / 10).unwrap()] += 1;
            let (second, lost) = grid.next(first, first + s(40));
            assert!(second - first >= hour && second - first <= 2 * hour, "{first:?} {second:?}");
            assert_eq!(lost, 0);
            seconds[usize::try_from(second.as_secs() % 3600 / 600).unwrap()] += 1;
            let (third, _) = grid.next(second, second + s(40));
            assert_eq!(third - second, hour);
        }
        assert!(firsts.iter().all(|count| *count > 150), "{firsts:?}");
        assert!(seconds.iter().all(|count| *count > 60), "{seconds:?}");
    }

    #[test]
    fn late_starts_are_skipped_and_counted() {
        let grid = cadence(7);
        assert_eq!(grid.next(s(7), s(9)), (s(67), 0));
        assert_eq!(grid.next(s(7), s(67)), (s(67), 0));
        assert_eq!(grid.next(s(7), s(68)), (s(127), 1));
        assert_eq!(grid.next(s(7), s(1000)), (s(1027), 16));
    }

    #[test]
    fn names_spread_over_the_interval() {
        let mut buckets = [0u32; 10];
        for i in 0..1000 {
            let offset = Cadence::new(MINUTE, &[&format!("mx{i}"), "smtp"]).offset;
            assert!(offset < MINUTE);
            buckets[usize::try_from(offset.as_secs() / 6).unwrap()] += 1;
        }
        for count in buckets {
            assert!((60..=140).contains(&count), "{buckets:?}");
        }
    }

    #[test]
    fn the_same_name_starts_at_the_same_offset() {
        let a = Cadence::new(MINUTE, &["mx1", "smtp"]);
        assert_eq!(a, Cadence::new(MINUTE, &["mx1", "smtp"]));
        assert_ne!(a, Cadence::new(MINUTE, &["mx1s", "mtp"]));
    }
}
