//! A record of numbers of any size in a fixed room, from which percentiles can be told within 3 %.

/// Steps into which each doubling is divided, in bits.
const BITS: u32 = 5;
const STEPS: usize = 1 << BITS;
/// One row of steps for the numbers below `STEPS`, and one for each doubling above.
const ROOMS: usize = STEPS * (u64::BITS - BITS + 1) as usize;

/// Counts of numbers, by size.
#[derive(Debug, Clone)]
pub struct Histogram {
    rooms: Box<[u64]>,
    count: u64,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { rooms: vec![0; ROOMS].into(), count: 0, total: 0, max: 0 }
    }
}

impl Histogram {
    /// Takes a number.
    pub fn record(&mut self, number: u64) {
        if let Some(room) = self.rooms.get_mut(room_of(number)) {
            *room += 1;
        }
        self.count += 1;
        self.total = self.total.saturating_add(number);
        self.max = self.max.max(number);
    }

    /// How many numbers there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The largest; 0 without any.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The number that `percent` of 100 numbers do not exceed: not below the true one, and at most 1/32 above it. 0 without any.
    pub fn percentile(&self, percent: u64) -> u64 {
        let wanted = u128::from(self.count) * u128::from(percent.min(100));
        let mut seen = 0;
        for (room, count) in self.rooms.iter().enumerate() {
            seen += count;
            if *count > 0 && u128::from(seen) * 100 >= wanted {
                return last_of(room).min(self.max);
            }
        }
        self.max
    }
}

fn room_of(number: u64) -> usize {
    let doublings = (u64::BITS - number.leading_zeros()).saturating_sub(BITS + 1);
    // The first row's numbers, and the first doubling's, are kept as they are.
    (number >> doublings) as usize + doublings as usize * STEPS
}

/// The largest number that a room is for.
fn last_of(room: usize) -> u64 {
    let doublings = (room / STEPS).saturating_sub(1);
    let step = (room - doublings * STEPS) as u64;
    let first = u128::from(step) << doublings;
    u64::try_from(first + (1_u128 << doublings) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_number_is_in_the_room_that_is_for_it() {
        for number in (0..200).chain([1 << 40, (1 << 40) - 1, u64::MAX - 1, u64::MAX]) {
            let room = room_of(number);
            assert!(room < ROOMS && number <= last_of(room), "{number}");
            assert!(room == 0 || last_of(room - 1) < number, "{number}");
        }
    }

    proptest! {
        #[test]
        fn percentiles_are_within_a_thirtysecond(mut numbers in prop::collection::vec(prop_oneof![0..50_u64, 0..10_000_000_u64, any::<u64>()], 1..300)) {
            let mut histogram = Histogram::default();
            for number in &numbers {
                histogram.record(*number);
            }
            numbers.sort_unstable();
            for percent in [50, 95, 99, 100] {
                let true_one = numbers[(numbers.len() * percent).div_ceil(100) - 1];
                let told = histogram.percentile(percent as u64);
                prop_assert!(told >= true_one && told - true_one <= true_one / 32, "{percent}: {told} for {true_one}");
            }
        }
    }
}
