//! How many messages a session may send in a second. Bytes are bounded elsewhere; a thousand one-byte messages
//! cost a client more than their bytes.

use std::time::{Duration, Instant};

/// A bucket of messages that fills up with time and holds one second's worth.
#[derive(Debug)]
pub struct Pace {
    per_second: f64,
    left: f64,
    since: Instant,
}

impl Pace {
    /// `per_second` messages, at least one.
    pub fn new(per_second: u64, now: Instant) -> Self {
        let per_second = per_second.max(1) as f64;
        Self { per_second, left: per_second, since: now }
    }

    /// Counts a message.
    pub fn spend(&mut self, now: Instant) {
        self.fill(now);
        self.left -= 1.0;
    }

    /// When the next message may be sent, if not now.
    pub fn due(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now);
        (self.left < 0.0).then(|| now + Duration::from_secs_f64(-self.left / self.per_second))
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.per_second);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_passes_at_once_and_then_one_by_one() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        for _ in 0..10 {
            assert_eq!(pace.due(start), None);
            pace.spend(start);
        }
        pace.spend(start);
        let due = pace.due(start).unwrap();
        assert!(due > start && due <= start + Duration::from_millis(101), "{:?}", due - start);
        assert_eq!(pace.due(due + Duration::from_millis(1)), None);
    }

    #[test]
    fn what_was_not_used_does_not_add_up() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        let later = start + Duration::from_secs(100);
        for _ in 0..11 {
            pace.spend(later);
        }
        assert!(pace.due(later).is_some());
    }
}
