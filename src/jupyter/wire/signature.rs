//! HMAC-SHA256 over the four dictionaries, and the window that refuses a signature seen before. It
//! knows no frames beyond the bytes that it signs.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

type Digest = [u8; 32];

/// How many signatures are remembered; as many as ipykernel remembers.
const REPLAY_WINDOW: usize = 1 << 16;

/// Signs and checks messages with a connection's key. Without a key nothing is signed and everything
/// is accepted, as the messaging protocol says.
pub struct Signer {
    mac: Option<Hmac<Sha256>>,
    seen: Mutex<ReplayWindow>,
}

/// The connection's key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the connection's key cannot be used for HMAC-SHA256")]
pub struct KeyError;

/// Why a message was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    #[error("the message is not signed")]
    Missing,
    #[error("the signature is not that of this message and key")]
    Wrong,
    #[error("the signature was used before")]
    Replayed,
}

impl Signer {
    /// For the key of a connection file; an empty key means that messages are not signed.
    pub fn new(key: &[u8]) -> Result<Self, KeyError> {
        let mac = match key {
            [] => None,
            key => Some(Hmac::<Sha256>::new_from_slice(key).map_err(|_| KeyError)?),
        };
        Ok(Self { mac, seen: Mutex::new(ReplayWindow::new(REPLAY_WINDOW)) })
    }

    /// The signature frame for a message; empty without a key.
    pub fn sign(&self, dicts: &[Bytes; 4]) -> Bytes {
        match self.digest(dicts) {
            Some(mac) => Bytes::from(hex::encode(mac.finalize().into_bytes())),
            None => Bytes::new(),
        }
    }

    /// Checks a signature frame, in constant time, and that it is the first of its kind.
    pub fn verify(&self, signature: &[u8], dicts: &[Bytes; 4]) -> Result<(), SignatureError> {
        let Some(mac) = self.digest(dicts) else {
            return Ok(());
        };
        if signature.is_empty() {
            return Err(SignatureError::Missing);
        }
        let mut digest: Digest = [0; 32];
        hex::decode_to_slice(signature, &mut digest).map_err(|_| SignatureError::Wrong)?;
        mac.verify_slice(&digest).map_err(|_| SignatureError::Wrong)?;
        // Only proven signatures are remembered: a forger cannot push the window along.
        match self.seen.lock().unwrap_or_else(PoisonError::into_inner).remember(digest) {
            true => Ok(()),
            false => Err(SignatureError::Replayed),
        }
    }

    fn digest(&self, dicts: &[Bytes; 4]) -> Option<Hmac<Sha256>> {
        let mut mac = self.mac.clone()?;
        for dict in dicts {
            mac.update(dict);
        }
        Some(mac)
    }
}

/// The last signatures that were accepted.
struct ReplayWindow {
    size: usize,
    order: VecDeque<Digest>,
    known: HashSet<Digest>,
}

impl ReplayWindow {
    fn new(size: usize) -> Self {
        Self { size, order: VecDeque::new(), known: HashSet::new() }
    }

    /// Whether this is the first time that `digest` is seen within the window.
    fn remember(&mut self, digest: Digest) -> bool {
        if !self.known.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > self.size
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dicts() -> [Bytes; 4] {
        [b"{\"a\":1}".as_slice(), b"{}", b"{}", b"{}"].map(Bytes::from_static)
    }

    #[test]
    fn the_signature_is_what_jupyter_computes() {
        // Computed with Python: hmac.new(b"key", b'{"a":1}{}{}{}', "sha256").hexdigest()
        let signer = Signer::new(b"key").unwrap();
        assert_eq!(
            signer.sign(&dicts()),
            "f1128388193e4dd1aa760827bd756a1b40b627676b5efe22c0e8297919bfa218".as_bytes()
        );
    }

    #[test]
    fn a_signature_is_accepted_once() {
        let signer = Signer::new(b"key").unwrap();
        let signature = signer.sign(&dicts());
        assert_eq!(signer.verify(&signature, &dicts()), Ok(()));
        assert_eq!(signer.verify(&signature, &dicts()), Err(SignatureError::Replayed));
        let upper = signature.to_ascii_uppercase();
        assert_eq!(signer.verify(&upper, &dicts()), Err(SignatureError::Replayed));
    }

    #[test]
    fn a_wrong_or_missing_signature_is_refused() {
        let signer = Signer::new(b"key").unwrap();
        let other = Signer::new(b"other").unwrap().sign(&dicts());
        assert_eq!(signer.verify(&other, &dicts()), Err(SignatureError::Wrong));
        assert_eq!(signer.verify(b"", &dicts()), Err(SignatureError::Missing));
        assert_eq!(signer.verify(b"zz", &dicts()), Err(SignatureError::Wrong));
    }

    #[test]
    fn without_a_key_nothing_is_signed_or_refused() {
        let signer = Signer::new(b"").unwrap();
        assert_eq!(signer.sign(&dicts()), Bytes::new());
        assert_eq!(signer.verify(b"anything", &dicts()), Ok(()));
        assert_eq!(signer.verify(b"anything", &dicts()), Ok(()));
    }

    #[test]
    fn the_window_is_bounded() {
        let mut window = ReplayWindow::new(2);
        for byte in 0..3 {
            assert!(window.remember([byte; 32]));
        }
        assert_eq!((window.order.len(), window.known.len()), (2, 2));
        assert!(!window.remember([2; 32]));
        assert!(window.remember([0; 32]));
    }

    proptest! {
        #[test]
        fn no_changed_message_passes(
            dict in 0usize..4, at in any::<prop::sample::Index>(), byte in any::<u8>(), key in prop::collection::vec(any::<u8>(), 1..80),
        ) {
            let signer = Signer::new(&key).unwrap();
            let signature = signer.sign(&dicts());
            let mut changed = dicts();
            let mut bytes = changed[dict].to_vec();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            changed[dict] = bytes.into();
            prop_assert_eq!(signer.verify(&signature, &changed), Err(SignatureError::Wrong));
            prop_assert_eq!(signer.verify(&signature, &dicts()), Ok(()));
        }

        #[test]
        fn no_arbitrary_signature_panics_or_passes(signature in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(Signer::new(b"key").unwrap().verify(&signature, &dicts()).is_err());
        }
    }
}
