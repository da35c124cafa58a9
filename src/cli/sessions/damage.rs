//! What to do about a session that is damaged.

use crate::store::{SessionId, StoreError};

/// The error, with the command that helps, where there is one.
pub(super) fn with_advice(id: &SessionId, error: StoreError) -> anyhow::Error {
    let advice = advice(id, &error);
    match advice {
        Some(advice) => anyhow::anyhow!("{error} {advice}"),
        None => error.into(),
    }
}

/// The command that helps, in a sentence.
pub(super) fn advice(id: &SessionId, error: &StoreError) -> Option<String> {
    match error {
        StoreError::Damaged { last_good: Some(good), .. } if good.state.is_some() => {
            Some(format!("To go on from there, dropping what is damaged: cellblock sessions resume {id} --salvage"))
        }
        StoreError::Damaged { .. } => Some(format!(
            "What can be had of it are its files (cellblock sessions files {id} list); \
             cellblock sessions delete {id} removes it."
        )),
        _ => None,
    }
}
