//! Small JSON files whose every byte is covered by a checksum: `{…,"sha256":"…"}` and a line break, where
//! the hash is that of everything before `,"sha256"`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

const KEY: &str = ",\"sha256\":\"";
const END: &str = "\"}\n";
/// Files longer than this are not read.
pub const MAX_BYTES: u64 = 1 << 20;

/// The file for a value that is written as a JSON object.
pub fn seal(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_string(value)?;
    text.pop();
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    text.push_str(KEY);
    text.push_str(&hash);
    text.push_str(END);
    Ok(text.into_bytes())
}

/// What [`seal`] wrote, or what is wrong with it.
pub fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is too long".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    let rest = text.strip_suffix(END).ok_or("it does not end as it should: it may have been cut")?;
    let (body, hash) = rest.rsplit_once(KEY).ok_or("it has no checksum")?;
    if hex::encode(Sha256::digest(body.as_bytes())) != hash {
        return Err("its checksum does not match".to_owned());
    }
    serde_json::from_str(&format!("{body}}}")).map_err(|error| format!("it cannot be understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_bit_and_every_length_matters() {
        let value: BTreeMap<String, u64> = [("a".to_owned(), 1), ("sha256".to_owned(), 2)].into();
        let sealed = seal(&value).unwrap();
        assert_eq!(unseal::<BTreeMap<String, u64>>(&sealed).unwrap(), value);
        for at in 0..sealed.len() {
            assert!(unseal::<BTreeMap<String, u64>>(&sealed[..at]).is_err());
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(unseal::<BTreeMap<String, u64>>(&changed).is_err(), "byte {at} bit {bit}");
            }
        }
    }
}
