//! The topics that one subscriber wants. Prefixes, counted as often as they were asked for; bounded in number and bytes.

use std::collections::HashMap;

use bytes::Bytes;

/// More than any client subscribes to; ours have some sixty bytes.
const MAX_TOPICS: usize = 256;
/// Bytes of a subscriber's topics together.
const MAX_BYTES: usize = 16 * 1024;

/// A subscriber's topics.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    counts: HashMap<Bytes, u32>,
    bytes: usize,
    ignored: bool,
}

/// What a subscription message did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Nothing,
}

impl Subscriptions {
    /// Adds a topic. Too many and too long ones are ignored.
    pub(super) fn add(&mut self, topic: &Bytes) -> Change {
        if let Some(count) = self.counts.get_mut(topic) {
            *count = count.saturating_add(1);
            return Change::Nothing;
        }
        if self.counts.len() >= MAX_TOPICS || self.bytes + topic.len() > MAX_BYTES {
            if !std::mem::replace(&mut self.ignored, true) {
                tracing::warn!("a subscription was ignored: too many of them, or too long");
            }
            return Change::Nothing;
        }
        self.bytes += topic.len();
        // A copy: the bytes that came are part of a larger buffer.
        self.counts.insert(Bytes::copy_from_slice(topic), 1);
        Change::New
    }

    /// Takes back one of a topic's subscriptions.
    pub(super) fn cancel(&mut self, topic: &Bytes) {
        if let Some(count) = self.counts.get_mut(topic) {
            *count -= 1;
            if *count == 0 {
                self.bytes -= topic.len();
                self.counts.remove(topic);
            }
        }
    }

    /// Whether a message of this topic is wanted.
    pub(super) fn want(&self, topic: &[u8]) -> bool {
        self.counts.keys().any(|prefix| topic.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_match_and_counts_hold() {
        let mut topics = Subscriptions::default();
        let topic = Bytes::from_static(b"kernel.");
        assert!(!topics.want(b"kernel.1"));
        assert_eq!(topics.add(&topic), Change::New);
        assert_eq!(topics.add(&topic), Change::Nothing);
        assert!(topics.want(b"kernel.1") && !topics.want(b"stream"));
        topics.cancel(&topic);
        assert!(topics.want(b"kernel.1"));
        topics.cancel(&topic);
        topics.cancel(&topic);
        assert!(!topics.want(b"kernel.1"));
        topics.add(&Bytes::new());
        assert!(topics.want(b"") && topics.want(b"anything"));
    }

    #[test]
    fn subscriptions_are_bounded() {
        let mut topics = Subscriptions::default();
        for number in 0..5000_u32 {
            topics.add(&Bytes::copy_from_slice(&number.to_be_bytes()));
        }
        assert_eq!(topics.counts.len(), MAX_TOPICS);
        let mut topics = Subscriptions::default();
        for number in 0..100 {
            topics.add(&vec![number; 1000].into());
        }
        assert_eq!((topics.counts.len(), topics.bytes), (16, 16_000));
        (0..100).for_each(|number| topics.cancel(&vec![number; 1000].into()));
        assert_eq!((topics.counts.len(), topics.bytes), (0, 0));
    }
}
