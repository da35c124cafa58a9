//! A client's side of the handshake, for tests.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use crypto_box::aead::{Aead, AeadInPlace};
use crypto_box::{PublicKey, SalsaBox, SecretKey};

use super::ServerKeys;
use super::traffic::{self, Opener, Sealer, Way};

/// A client with keys of its own.
pub struct Client {
    pub server: PublicKey,
    pub long_term: SecretKey,
    pub short_term: SecretKey,
}

/// A pair for a server.
pub fn server_keys(seed: u8) -> ServerKeys {
    let secret = SecretKey::from_bytes([seed; 32]);
    ServerKeys { public: secret.public_key(), secret }
}

/// What seals for a client that never shook hands.
pub fn sealer() -> Sealer {
    let keys = server_keys(20);
    Sealer::new(Arc::new(SalsaBox::new(&keys.public, &SecretKey::from_bytes([22; 32]))), Way::FromServer, 1)
}

impl Client {
    pub fn new(keys: &ServerKeys) -> Self {
        let (long_term, short_term) = (SecretKey::from_bytes([21; 32]), SecretKey::from_bytes([22; 32]));
        Self { server: keys.public.clone(), long_term, short_term }
    }

    /// The body of HELLO.
    pub fn hello(&self) -> Bytes {
        let mut word = BytesMut::from(b"\x05HELLO\x01\0".as_slice());
        word.put_bytes(0, 72);
        word.extend_from_slice(self.short_term.public_key().as_bytes());
        let shared = SalsaBox::new(&self.server, &self.short_term);
        traffic::seal(&shared, &word, b"CurveZMQHELLO---", 1, &[&[0; 64]]).unwrap()
    }

    /// Reads WELCOME; the body of INITIATE and what seals and opens from then on.
    pub fn initiate(&self, welcome: &[u8], metadata: &[u8]) -> (Bytes, Sealer, Opener) {
        let rest = welcome.strip_prefix(b"\x07WELCOME").unwrap();
        let (nonce, boxed) = rest.split_first_chunk::<16>().unwrap();
        let mut plain = BytesMut::from(boxed);
        let shared = SalsaBox::new(&self.server, &self.short_term);
        traffic::open_with(&shared, &traffic::random(b"WELCOME-", nonce), &mut plain).unwrap();
        let (server, cookie) = plain.split_first_chunk::<32>().unwrap();
        let server = PublicKey::from_bytes(*server);
        let vouched = [*self.short_term.public_key().as_bytes(), *self.server.as_bytes()].concat();
        let vouch = SalsaBox::new(&server, &self.long_term);
        let vouch = vouch.encrypt(&traffic::random(b"VOUCH---", &[9; 16]), vouched.as_slice()).unwrap();
        let plain = [self.long_term.public_key().as_bytes().as_slice(), &[9; 16], &vouch, metadata].concat();
        let word = [b"\x08INITIATE".as_slice(), cookie].concat();
        let shared = Arc::new(SalsaBox::new(&server, &self.short_term));
        let body = traffic::seal(&shared, &word, b"CurveZMQINITIATE", 2, &[&plain]).unwrap();
        (body, Sealer::new(shared.clone(), Way::FromClient, 3), Opener::new(shared, Way::FromServer, 0))
    }
}

/// Opens READY, whose number is the first.
pub fn read_ready(client: &Client, welcome: &[u8], ready: &[u8]) -> Bytes {
    let rest = welcome.strip_prefix(b"\x07WELCOME").unwrap();
    let (nonce, boxed) = rest.split_first_chunk::<16>().unwrap();
    let mut plain = BytesMut::from(boxed);
    let shared = SalsaBox::new(&client.server, &client.short_term);
    let (tag, text) = plain.split_first_chunk_mut::<16>().unwrap();
    shared.decrypt_in_place_detached(&traffic::random(b"WELCOME-", nonce), b"", text, (&*tag).into()).unwrap();
    let server = PublicKey::from_slice(&text[..32]).unwrap();
    let mut boxed = BytesMut::from(ready.strip_prefix(b"\x05READY\0\0\0\0\0\0\0\x01").unwrap());
    traffic::open(&SalsaBox::new(&server, &client.short_term), b"CurveZMQREADY---", 1, &mut boxed).unwrap();
    boxed.freeze()
}
