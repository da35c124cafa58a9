//! Greeting and NULL handshake with a peer that has connected.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::command::{self, Command, Ready};
use super::frame::Encoded;
use super::reader::{PeerReader, Received};
use super::{ZmtpError, greeting};

/// How long a peer may take; as in libzmq.
const PATIENCE: Duration = Duration::from_secs(30);

/// The kinds of socket that a kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketKind {
    Router,
    Publisher,
}

impl SocketKind {
    fn name(self) -> &'static str {
        match self {
            Self::Router => "ROUTER",
            Self::Publisher => "XPUB",
        }
    }

    fn fits(self, peer: &[u8]) -> bool {
        match self {
            Self::Router => matches!(peer, b"DEALER" | b"REQ" | b"ROUTER"),
            Self::Publisher => matches!(peer, b"SUB" | b"XSUB"),
        }
    }
}

/// Shakes hands; returns what the peer said about itself.
pub async fn shake<R, W>(
    kind: SocketKind,
    reader: &mut PeerReader<R>,
    writer: &mut W,
) -> Result<Ready, ZmtpError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    tokio::time::timeout(PATIENCE, exchange(kind, reader, writer))
        .await
        .map_err(|_| ZmtpError::TimedOut)?
}

async fn exchange<R, W>(
    kind: SocketKind,
    reader: &mut PeerReader<R>,
    writer: &mut W,
) -> Result<Ready, ZmtpError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    writer.write_all(&greeting::ours()).await?;
    let theirs = reader
        .exactly::<{ greeting::LENGTH }>(greeting::check_start)
        .await?;
    greeting::check(&theirs)?;
    write_command(writer, &command::ready(kind.name())).await?;
    let ready = match reader.next().await? {
        Received::Command(Command::Ready(ready)) => ready,
        _ => return Err(ZmtpError::Command),
    };
    if !kind.fits(&ready.socket_type) {
        write_command(writer, &command::error("Invalid socket type")).await?;
        return Err(ZmtpError::SocketType(
            String::from_utf8_lossy(&ready.socket_type).into_owned(),
        ));
    }
    Ok(ready)
}

async fn write_command<W: AsyncWrite + Unpin>(
    writer: &mut W,
    body: &[u8],
) -> Result<(), ZmtpError> {
    for chunk in Encoded::command(body).chunks() {
        writer.write_all(chunk).await?;
    }
    Ok(())
}
