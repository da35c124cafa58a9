//! What a state records of a session besides memory and files.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sandbox::Facts;

/// Small, and a part of every state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StateMeta {
    #[serde(flatten)]
    pub facts: Facts,
    /// A digest of what the guest was told last of its process; see [`digest`].
    #[serde(default)]
    pub told: String,
    /// The number of the last cell that entered the history, as a deterministic guest counts them.
    #[serde(default)]
    pub cells: u32,
    /// The directory that the files were in, and the number of their last record in it.
    #[serde(default)]
    pub place: String,
    #[serde(default)]
    pub generation: u64,
}

/// Stands for what a guest is told.
pub fn digest(told: &serde_json::Value) -> String {
    hex::encode(Sha256::digest(told.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Determinism;

    #[test]
    fn what_is_recorded_comes_back_and_older_records_can_be_read() {
        let facts = Facts { fixed: Some(Determinism::session()), ..Facts::default() };
        let recorded = StateMeta { facts: facts.clone(), told: "x".to_owned(), cells: 3, ..StateMeta::default() };
        let back: StateMeta = serde_json::from_value(serde_json::to_value(&recorded).unwrap()).unwrap();
        assert_eq!((back.facts, back.told.as_str(), back.cells), (facts, "x", 3));
        let older = serde_json::to_value(Facts::default()).unwrap();
        let back: StateMeta = serde_json::from_value(older).unwrap();
        assert_eq!((back.facts, back.told.as_str(), back.cells), (Facts::default(), "", 0));
    }
}
