//! CURVE security, as a server: ZeroMQ's RFC 26 (CurveZMQ) within ZMTP 3. Everything after the greeting is encrypted, and
//! only who knows the server's public key can talk to it at all. The cryptography is `crypto_box`'s; here is what its boxes
//! have in them. Pure: nothing here reads or writes a connection.
//!
//! Clients are not told apart by their keys: who may use the kernel is for the signatures of messages to say.

pub mod handshake;
pub mod traffic;

use std::sync::Arc;

use crypto_box::{PublicKey, SecretKey};

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes that encryption adds: what shows that nothing was changed.
const TAG: usize = 16;
/// Bytes of a key as text.
const Z85_KEY: usize = 40;

/// What protects a kernel's connections.
#[derive(Debug, Clone, Default)]
pub enum Security {
    /// Nothing.
    #[default]
    Null,
    /// Encryption, with these keys; who does not use it is turned away.
    Curve(Arc<ServerKeys>),
}

impl Security {
    /// Its name in a greeting.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Curve(_) => "CURVE",
        }
    }
}

/// The server's long-term keys.
#[derive(Clone)]
pub struct ServerKeys {
    public: PublicKey,
    secret: SecretKey,
}

/// What is wrong with a pair of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("{0} is not a key: 40 characters of Z85 (ZeroMQ RFC 32)")]
    NotAKey(&'static str),
    #[error("curve_publickey and curve_secretkey have to be there both, or neither")]
    OnlyOne,
    #[error("curve_publickey is not the public key of curve_secretkey")]
    NotAPair,
}

impl ServerKeys {
    /// Keys as connection files have them: 40 characters of Z85 each.
    ///
    /// # Errors
    /// They are no keys, or not of each other.
    pub fn from_z85(public: &str, secret: &str) -> Result<Self, KeysError> {
        let public = PublicKey::from_bytes(decoded(public, "curve_publickey")?);
        let secret = SecretKey::from_bytes(decoded(secret, "curve_secretkey")?);
        if secret.public_key() == public { Ok(Self { public, secret }) } else { Err(KeysError::NotAPair) }
    }
}

impl std::fmt::Debug for ServerKeys {
    /// Without the secret one, which no log may show.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKeys")
    }
}

fn decoded(text: &str, name: &'static str) -> Result<[u8; KEY], KeysError> {
    let bytes = (text.len() == Z85_KEY).then(|| z85::decode(text).ok()).flatten();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(KeysError::NotAKey(name))
}

#[cfg(any(test, fuzzing))]
pub mod client;
#[cfg(test)]
mod tests;
