//! Commands: READY, ERROR, SUBSCRIBE, CANCEL, PING and PONG. Pure.

use bytes::{BufMut, Bytes, BytesMut};

use super::ZmtpError;

/// A command from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The peer's metadata.
    Ready(Ready),
    /// The peer refuses us, with a reason.
    Error(String),
    Subscribe(Bytes),
    Cancel(Bytes),
    /// To be answered by a PONG with this context.
    Ping(Bytes),
    Pong,
    /// Something newer than this code; ignored.
    Unknown,
}

/// What a peer says about itself in READY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    pub socket_type: Bytes,
    /// Empty if the peer leaves it to us.
    pub identity: Bytes,
}

/// The longest context that a PING may carry.
const MAX_PING_CONTEXT: usize = 16;

/// Reads a command's body.
pub fn parse(mut body: Bytes) -> Result<Command, ZmtpError> {
    let name = take_short(&mut body)?;
    Ok(match name.as_ref() {
        b"READY" => Command::Ready(metadata(body)?),
        b"ERROR" => Command::Error(String::from_utf8_lossy(&take_short(&mut body)?).into_owned()),
        b"SUBSCRIBE" => Command::Subscribe(body),
        b"CANCEL" => Command::Cancel(body),
        b"PING" => {
            // Two bytes say for how long the peer may be thought alive; ours is told by the transport.
            take(&mut body, 2)?;
            if body.len() > MAX_PING_CONTEXT {
                return Err(ZmtpError::Command);
            }
            Command::Ping(body)
        }
        b"PONG" => Command::Pong,
        _ => Command::Unknown,
    })
}

/// Reads what a peer says about itself.
pub fn metadata(mut body: Bytes) -> Result<Ready, ZmtpError> {
    let mut ready = Ready::default();
    while !body.is_empty() {
        let name = take_short(&mut body)?;
        let length = take(&mut body, 4)?;
        let length = length.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length));
        let value = take(&mut body, usize::try_from(length).map_err(|_| ZmtpError::Command)?)?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            ready.socket_type = value;
        } else if name.eq_ignore_ascii_case(b"Identity") {
            if value.len() > 255 {
                return Err(ZmtpError::Command);
            }
            ready.identity = value;
        }
    }
    Ok(ready)
}

/// Bytes with a length of one byte before them.
fn take_short(body: &mut Bytes) -> Result<Bytes, ZmtpError> {
    let length = take(body, 1)?.first().copied().unwrap_or(0);
    take(body, usize::from(length))
}

fn take(body: &mut Bytes, length: usize) -> Result<Bytes, ZmtpError> {
    if body.len() < length {
        return Err(ZmtpError::Command);
    }
    Ok(body.split_to(length))
}

/// The body of our READY.
pub fn ready(socket_type: &str) -> Bytes {
    let mut body = BytesMut::from(b"\x05READY".as_slice());
    body.extend_from_slice(&about(socket_type));
    body.freeze()
}

/// What we say about ourselves.
pub fn about(socket_type: &str) -> Bytes {
    let mut metadata = BytesMut::new();
    put_property(&mut metadata, "Socket-Type", socket_type.as_bytes());
    metadata.freeze()
}

#[allow(clippy::cast_possible_truncation, reason = "names and values are our own and short")]
fn put_property(body: &mut BytesMut, name: &str, value: &[u8]) {
    body.put_u8(name.len() as u8);
    body.extend_from_slice(name.as_bytes());
    body.put_u32(value.len() as u32);
    body.extend_from_slice(value);
}

/// The body of an ERROR with this reason, of at most 255 bytes.
#[allow(clippy::cast_possible_truncation, reason = "cut to 255 bytes")]
pub fn error(reason: &str) -> Bytes {
    let reason = reason.as_bytes().get(..255).unwrap_or(reason.as_bytes());
    let mut body = BytesMut::from(b"\x05ERROR".as_slice());
    body.put_u8(reason.len() as u8);
    body.extend_from_slice(reason);
    body.freeze()
}

/// The body of the PONG that answers a PING with this context.
pub fn pong(context: &[u8]) -> Bytes {
    let mut body = BytesMut::from(b"\x04PONG".as_slice());
    body.extend_from_slice(context);
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn our_ready_parses_back() {
        let Command::Ready(back) = parse(ready("ROUTER")).unwrap() else { panic!() };
        assert_eq!(back.socket_type, "ROUTER");
    }

    #[test]
    fn ping_is_answered_with_its_context() {
        let ping = Bytes::from_static(b"\x04PING\0\x0aabc");
        assert_eq!(parse(ping).unwrap(), Command::Ping(Bytes::from_static(b"abc")));
        assert_eq!(parse(pong(b"abc")).unwrap(), Command::Pong);
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_bytes_never_panics(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(body.into());
        }

        #[test]
        fn parsing_arbitrary_properties_never_panics(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse([b"\x05READY".as_slice(), &body].concat().into());
        }
    }
}
