//! `input_request` and `input_reply`, on the stdin socket.

use serde::{Deserialize, Serialize};

use super::tolerant::or_default;

/// Asks the user for a line.
#[derive(Debug, Serialize)]
pub struct InputRequest<'a> {
    pub prompt: &'a str,
    /// What is typed is not to be shown.
    pub password: bool,
}

/// The user's line.
#[derive(Debug, Deserialize)]
pub struct InputReply {
    #[serde(default, deserialize_with = "or_default")]
    pub value: String,
}

/// What clients send as the value when the user ended the input (Ctrl-D).
pub const END_OF_INPUT: &str = "\u{4}";
