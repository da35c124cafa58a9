//! The headers of requests that were served lately: what a task shows that one of them started belongs to that request
//! still. The guest names it by its id; what the header says is the client's own word.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::jupyter::wire::Header;

/// Requests that are remembered …
const MOST: usize = 2_000;
/// … if their headers are no longer than this.
const LONGEST: usize = 4 << 10;

/// Knows the headers; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Parents(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    headers: HashMap<String, Header>,
    order: VecDeque<String>,
}

impl Parents {
    /// Remembers a request; the oldest is forgotten for it.
    pub(super) fn remember(&self, header: &Header) {
        if header.msg_id.is_empty() || header.as_sent().len() > LONGEST {
            return;
        }
        let mut known = self.0.lock();
        if known.headers.insert(header.msg_id.clone(), header.clone()).is_some() {
            known.order.retain(|id| *id != header.msg_id);
        }
        known.order.push_back(header.msg_id.clone());
        if known.order.len() > MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.headers.remove(&oldest);
        }
    }

    /// The header of the request with this id.
    pub(super) fn of(&self, id: &str) -> Option<Header> {
        self.0.lock().headers.get(id).cloned()
    }

    /// The header of the latest.
    pub(super) fn latest(&self) -> Option<Header> {
        let known = self.0.lock();
        known.headers.get(known.order.back()?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn header(id: &str) -> Header {
        Header::parse(&Bytes::from(format!("{{\"msg_id\":\"{id}\",\"msg_type\":\"execute_request\"}}"))).unwrap()
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let parents = Parents::default();
        assert!(parents.latest().is_none());
        for number in 0..MOST + 10 {
            parents.remember(&header(&number.to_string()));
            parents.remember(&header("again"));
        }
        assert!(parents.of("0").is_none());
        assert_eq!(parents.of("2000"), Some(header("2000")));
        assert_eq!(parents.latest(), Some(header("again")));
        assert_eq!(parents.0.lock().headers.len(), MOST);
    }

    #[test]
    fn what_is_long_is_not_remembered() {
        let parents = Parents::default();
        parents.remember(&header(&"x".repeat(LONGEST)));
        assert!(parents.latest().is_none());
    }
}
