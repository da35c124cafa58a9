//! The signature check: nothing is accepted but the signature itself, and that one once.
#![no_main]

use bytes::Bytes;
use cellblock::wire::Signer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u8>, [Vec<u8>; 4])| {
    let (key, given, dicts) = input;
    let dicts = dicts.map(Bytes::from);
    let Ok(signer) = Signer::new(&key) else { return };
    let right = signer.sign(&dicts);
    if key.is_empty() {
        return;
    }
    assert_eq!(signer.verify(&given, &dicts).is_ok(), given == right);
    if given != right {
        signer.verify(&right, &dicts).expect("the right signature is accepted");
    }
    signer.verify(&right, &dicts).expect_err("a signature is accepted once");
});
