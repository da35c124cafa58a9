//! The signature check: what was signed passes once; nothing else passes, and nothing else is taken for it.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use cellblock_fuzz::wire::signature::SignatureError;
use cellblock_fuzz::wire::{Reader, Request, Signer, frames};
use cellblock_fuzz::{Input, pieces};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

type Dicts = [Bytes; 4];

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let length = usize::from(input.byte() % 100);
    let key = input.take(length);
    let (how, at, value) = (input.byte(), input.number(), input.byte());
    let cuts = [input.number(), input.number(), input.number()];
    let mut parts = pieces(input.0).into_iter();
    let dicts: Dicts = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let forged = parts.next().unwrap_or_default();

    let signer = Signer::new(key).expect("HMAC takes keys of any length");
    let signature = signer.sign(&dicts);
    if key.is_empty() {
        assert!(signature.is_empty());
        assert_eq!(signer.verify(&forged, &dicts), Ok(()));
        return;
    }
    assert_eq!(signature, hex::encode(hmac_by_the_book(key, &dicts.concat())));

    if !forged.eq_ignore_ascii_case(&signature) {
        refused(&signer, &forged, &dicts);
    }
    let mut bent = signature.to_vec();
    change(&mut bent, how, at, value);
    if !bent.eq_ignore_ascii_case(&signature) {
        refused(&signer, &bent, &dicts);
    }
    let mut tampered = dicts.clone();
    let mut dict = tampered[at % 4].to_vec();
    change(&mut dict, how, at / 4, value);
    tampered[at % 4] = dict.into();
    if tampered.concat() != dicts.concat() {
        refused(&signer, &signature, &tampered);
    }
    // What was refused has not used the signature up; what is accepted has, in either case of its digits.
    assert_eq!(signer.verify(&signature, &dicts), Ok(()));
    assert_eq!(signer.verify(&signature, &dicts), Err(SignatureError::Replayed));
    assert_eq!(signer.verify(&signature.to_ascii_uppercase(), &dicts), Err(SignatureError::Replayed));

    move_boundaries(key, &signature, &dicts, cuts);
});

fn refused(signer: &Signer, signature: &[u8], dicts: &Dicts) {
    let expected = if signature.is_empty() { SignatureError::Missing } else { SignatureError::Wrong };
    assert_eq!(signer.verify(signature, dicts), Err(expected));
}

/// One byte is replaced, inserted or taken out, or the end cut off.
fn change(bytes: &mut Vec<u8>, how: u8, at: usize, value: u8) {
    let at = at % (bytes.len() + 1);
    match how % 4 {
        0 if at < bytes.len() => bytes[at] = value,
        1 if at < bytes.len() => drop(bytes.remove(at)),
        2 => bytes.truncate(at),
        _ => bytes.insert(at, value),
    }
}

/// The signature covers the four dictionaries but not where one ends and the next begins. A message whose
/// boundaries were moved on its way must be refused, or mean what its author wrote.
fn move_boundaries(key: &[u8], signature: &Bytes, dicts: &Dicts, cuts: [usize; 3]) {
    if !dicts.iter().all(|dict| serde_json::from_slice::<Map<String, Value>>(dict).is_ok()) {
        return;
    }
    let Some(honest) = read(key, signature, dicts) else { return };
    let whole = Bytes::from(dicts.concat());
    let mut cuts = cuts.map(|cut| cut % (whole.len() + 1));
    cuts.sort_unstable();
    let [a, b, c] = cuts;
    // All three moved anywhere, and each alone.
    let (x, y, z) = (dicts[0].len(), dicts[0].len() + dicts[1].len(), whole.len() - dicts[3].len());
    for [first, second, third] in
        [[a, b, c], [a.min(y), y, z], [x, b.clamp(x, z), z], [x, y, c.max(y)], [x, y, whole.len()]]
    {
        let moved =
            [whole.slice(..first), whole.slice(first..second), whole.slice(second..third), whole.slice(third..)];
        if let Some(read) = read(key, signature, &moved) {
            assert_eq!(meaning(&read), meaning(&honest), "a signed message was changed: {moved:?}");
        }
    }
}

fn read(key: &[u8], signature: &Bytes, dicts: &Dicts) -> Option<Request> {
    let mut multipart = vec![Bytes::from_static(frames::DELIMITER), signature.clone()];
    multipart.extend(dicts.iter().cloned());
    Reader::new(Arc::new(Signer::new(key).unwrap())).read(&multipart).ok()
}

fn meaning(request: &Request) -> impl PartialEq + std::fmt::Debug {
    (
        request.header.as_sent().trim_ascii().to_vec(),
        request.parent_header.trim_ascii().to_vec(),
        request.metadata.clone(),
        request.content::<Value>().map_err(|error| error.to_string()),
    )
}

/// HMAC-SHA256 as RFC 2104 writes it.
fn hmac_by_the_book(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    match key.len() {
        0..=64 => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}
