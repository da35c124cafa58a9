//! The 64 bytes that each side sends first. Pure.

use super::ZmtpError;

/// The length of a greeting.
pub const LENGTH: usize = 64;

/// Where it says which side is the server, which only security that has one needs.
const AS_SERVER: usize = 32;

/// Ours: ZMTP 3.1, with this mechanism.
pub fn ours(mechanism: &str) -> [u8; LENGTH] {
    let mut greeting = [0; LENGTH];
    let prefix = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01";
    for (to, from) in greeting.iter_mut().zip(prefix.iter().chain(mechanism.as_bytes())) {
        *to = *from;
    }
    if let Some(as_server) = greeting.get_mut(AS_SERVER) {
        *as_server = u8::from(mechanism != "NULL");
    }
    greeting
}

/// Checks the beginning of a peer's greeting as far as it has come, so that garbage is refused without
/// waiting for 64 bytes of it.
pub fn check_start(start: &[u8]) -> Result<(), ZmtpError> {
    let bad_signature =
        start.first().is_some_and(|byte| *byte != 0xff) || start.get(9).is_some_and(|byte| byte & 1 == 0);
    let bad_version = start.get(10).is_some_and(|major| *major < 3);
    if bad_signature || bad_version { Err(ZmtpError::Greeting) } else { Ok(()) }
}

/// Checks a peer's whole greeting, which has to want the mechanism that is served.
pub fn check(greeting: &[u8; LENGTH], served: &'static str) -> Result<(), ZmtpError> {
    check_start(greeting)?;
    let mechanism = greeting.get(12..32).unwrap_or_default();
    let name = mechanism.split(|byte| *byte == 0).next().unwrap_or_default();
    if name == served.as_bytes() {
        return Ok(());
    }
    Err(ZmtpError::Mechanism(String::from_utf8_lossy(name).into_owned(), served))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_good_greeting_has_a_good_beginning(
            changes in prop::collection::vec((0..LENGTH, any::<u8>()), 0..3), end in 0..=LENGTH,
        ) {
            let mut greeting = ours("NULL");
            for (at, byte) in changes {
                greeting[at] = byte;
            }
            prop_assert!(check(&greeting, "NULL").is_err() || check_start(&greeting[..end]).is_ok());
        }

        #[test]
        fn arbitrary_greetings_never_panic(bytes in prop::collection::vec(any::<u8>(), LENGTH)) {
            let _ = check_start(&bytes);
            let _ = check(bytes.first_chunk().unwrap(), "NULL");
        }
    }

    #[test]
    fn our_own_greeting_passes() {
        check(&ours("NULL"), "NULL").unwrap();
    }

    #[test]
    fn garbage_and_other_mechanisms_are_refused() {
        assert!(check_start(b"GET / HTTP/1.1\r\n").is_err());
        let mut greeting = ours("NULL");
        greeting[12..17].copy_from_slice(b"CURVE");
        assert!(matches!(check(&greeting, "NULL"), Err(ZmtpError::Mechanism(name, "NULL")) if name == "CURVE"));
        assert!(check(&ours("NULL"), "CURVE").is_err() && check(&ours("CURVE"), "CURVE").is_ok());
        let mut greeting = ours("NULL");
        greeting[10] = 1;
        assert!(check(&greeting, "NULL").is_err());
    }
}
