//! Where things are below a root. See the module's documentation for the whole picture.

use sha2::{Digest, Sha256};

use super::id::SessionId;

/// All sessions.
pub const SESSIONS: &str = "sessions";

/// A session's directory.
pub fn session(id: &SessionId) -> String {
    format!("{SESSIONS}/{id}")
}

pub fn metadata(id: &SessionId) -> String {
    format!("{SESSIONS}/{id}/session.json")
}

pub fn leases(id: &SessionId) -> String {
    format!("{SESSIONS}/{id}/lease")
}

pub fn lease(id: &SessionId, epoch: u64) -> String {
    format!("{SESSIONS}/{id}/lease/{epoch:020}.json")
}

pub fn log(id: &SessionId) -> String {
    format!("{SESSIONS}/{id}/log")
}

pub fn record(id: &SessionId, seq: u64) -> String {
    format!("{SESSIONS}/{id}/log/{}", record_name(seq))
}

pub fn record_name(seq: u64) -> String {
    format!("{seq:020}.rec")
}

pub fn blobs(id: &SessionId) -> String {
    format!("{SESSIONS}/{id}/blobs")
}

pub fn blob(id: &SessionId, sha256: &str) -> String {
    format!("{SESSIONS}/{id}/blobs/{sha256}")
}

pub fn portable(id: &SessionId) -> String {
    format!("{SESSIONS}/{id}/portable.rec")
}

pub fn notebook(name: &str) -> String {
    let hash = hex::encode(Sha256::digest(name.as_bytes()));
    format!("notebooks/{}.json", hash.get(..32).unwrap_or(&hash))
}

/// The number in a name like `00000000000000000007.rec`; none for any other name.
pub fn number(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?;
    let all = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all { digits.parse().ok() } else { None }
}

/// Whether this is a SHA-256 in lower-case hex.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
