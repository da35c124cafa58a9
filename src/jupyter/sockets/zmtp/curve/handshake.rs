//! The handshake's four commands, as the server reads and writes them: HELLO, WELCOME, INITIATE; READY is the first thing that
//! the new keys seal.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use crypto_box::aead::AeadInPlace;
use crypto_box::{PublicKey, SalsaBox, SecretKey};

use super::super::ZmtpError;
use super::traffic::{self, Opener, Sealer, Way};
use super::{KEY, ServerKeys, TAG};

/// The whole of HELLO: word, version, padding, the client's short-term key, a number, a box of 64 zeros.
const HELLO: usize = 200;
/// What the client sends back as it got it. Elsewhere the server keeps nothing of a client until then, and has it all in
/// here; this server keeps the connection anyway, and takes any bytes that nobody can guess.
const COOKIE: usize = 96;

const MALFORMED: ZmtpError = ZmtpError::Security("a malformed command in the handshake");

/// A client that was welcomed.
pub struct Welcomed {
    keys: Arc<ServerKeys>,
    /// The server's key for this connection alone.
    own: SecretKey,
    /// The client's.
    theirs: PublicKey,
    cookie: [u8; COOKIE],
    last: u64,
}

/// A client that has said who it is.
pub struct Initiated {
    /// What it says about itself, as in READY.
    pub metadata: Bytes,
    pub sealer: Sealer,
    pub opener: Opener,
}

/// Reads HELLO, and answers the body of WELCOME.
///
/// # Errors
/// It is malformed, or made for another server.
pub fn hello(keys: &Arc<ServerKeys>, body: &[u8]) -> Result<(Welcomed, Bytes), ZmtpError> {
    let rest = body.strip_prefix(b"\x05HELLO").filter(|_| body.len() == HELLO).ok_or(MALFORMED)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(MALFORMED)?;
    if version[0] != 1 {
        return Err(ZmtpError::Security("a version of CurveZMQ other than 1.0"));
    }
    // Padding, so that what is answered is no longer than what was asked.
    let (_, rest) = rest.split_first_chunk::<72>().ok_or(MALFORMED)?;
    let (theirs, rest) = rest.split_first_chunk::<KEY>().ok_or(MALFORMED)?;
    let (number, boxed) = rest.split_first_chunk::<8>().ok_or(MALFORMED)?;
    let theirs = PublicKey::from_bytes(*theirs);
    let number = u64::from_be_bytes(*number);
    let shared = SalsaBox::new(&theirs, &keys.secret);
    let mut zeros = BytesMut::from(boxed);
    traffic::open(&shared, b"CurveZMQHELLO---", number, &mut zeros)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(MALFORMED);
    }
    let own = SecretKey::from_bytes(any_bytes()?);
    let cookie = any_bytes()?;
    let nonce = any_bytes()?;
    let mut plain = [0; KEY + COOKIE];
    let (key, rest) = plain.split_at_mut(KEY);
    key.copy_from_slice(own.public_key().as_bytes());
    rest.copy_from_slice(&cookie);
    let sealed = shared.encrypt_in_place_detached(&traffic::random(b"WELCOME-", &nonce), b"", &mut plain);
    let tag = sealed.map_err(|_| MALFORMED)?;
    let mut welcome = BytesMut::from(b"\x07WELCOME".as_slice());
    welcome.extend_from_slice(&nonce);
    welcome.extend_from_slice(&tag);
    welcome.extend_from_slice(&plain);
    Ok((Welcomed { keys: keys.clone(), own, theirs, cookie, last: number }, welcome.freeze()))
}

impl Welcomed {
    /// Reads INITIATE.
    ///
    /// # Errors
    /// It is malformed, of somebody else, or does not show that who sent it has the key that it says.
    pub fn initiate(self, body: &[u8]) -> Result<Initiated, ZmtpError> {
        let rest = body.strip_prefix(b"\x08INITIATE").ok_or(MALFORMED)?;
        let (cookie, rest) = rest.split_first_chunk::<COOKIE>().ok_or(MALFORMED)?;
        if !is_same(cookie, &self.cookie) {
            return Err(ZmtpError::Security("a handshake that was not begun here"));
        }
        let (number, boxed) = rest.split_first_chunk::<8>().ok_or(MALFORMED)?;
        let number = u64::from_be_bytes(*number);
        if number <= self.last {
            return Err(ZmtpError::Security("a command of the handshake that has come before"));
        }
        let shared = Arc::new(SalsaBox::new(&self.theirs, &self.own));
        let mut plain = BytesMut::from(boxed);
        traffic::open(&shared, b"CurveZMQINITIATE", number, &mut plain)?;
        let plain = plain.freeze();
        let (long_term, rest) = plain.split_first_chunk::<KEY>().ok_or(MALFORMED)?;
        let (nonce, rest) = rest.split_first_chunk::<16>().ok_or(MALFORMED)?;
        let (vouch, metadata) = rest.split_first_chunk::<{ TAG + 2 * KEY }>().ok_or(MALFORMED)?;
        self.require_vouched(long_term, nonce, vouch)?;
        Ok(Initiated {
            metadata: plain.slice_ref(metadata),
            sealer: Sealer::new(shared.clone(), Way::FromServer, 1),
            opener: Opener::new(shared, Way::FromClient, number),
        })
    }

    /// The client's long-term key vouches for the short-term one, to this server.
    fn require_vouched(&self, key: &[u8; KEY], nonce: &[u8; 16], vouch: &[u8]) -> Result<(), ZmtpError> {
        let shared = SalsaBox::new(&PublicKey::from_bytes(*key), &self.own);
        let mut plain = BytesMut::from(vouch);
        traffic::open_with(&shared, &traffic::random(b"VOUCH---", nonce), &mut plain)?;
        let expected = [*self.theirs.as_bytes(), *self.keys.public.as_bytes()].concat();
        if is_same(&plain, &expected) { Ok(()) } else { Err(MALFORMED) }
    }
}

/// Without telling by the time it takes how much of it is the same.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

/// Bytes that nobody can guess.
fn any_bytes<const N: usize>() -> Result<[u8; N], ZmtpError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| ZmtpError::Security("the system has no randomness"))?;
    Ok(bytes)
}
