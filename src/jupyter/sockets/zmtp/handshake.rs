//! Greeting and handshake with a peer that has connected, by the security that is served.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::command::{self, Command, Ready};
use super::curve::traffic::Sealer;
use super::curve::{Security, ServerKeys, handshake};
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

/// Shakes hands; returns what the peer said about itself, and what encrypts all that is written to it from now on.
pub async fn shake<R, W>(
    kind: SocketKind,
    security: &Security,
    reader: &mut PeerReader<R>,
    writer: &mut W,
) -> Result<(Ready, Option<Sealer>), ZmtpError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let exchange = async {
        let mechanism = security.mechanism();
        writer.write_all(&greeting::ours(mechanism)).await?;
        let theirs = reader.exactly::<{ greeting::LENGTH }>(greeting::check_start).await?;
        greeting::check(&theirs, mechanism)?;
        match security {
            Security::Null => Ok((exchange_openly(kind, reader, writer).await?, None)),
            Security::Curve(keys) => {
                let (ready, sealer) = exchange_keys(kind, keys, reader, writer).await?;
                Ok((ready, Some(sealer)))
            }
        }
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| ZmtpError::TimedOut)?
}

async fn exchange_openly<R, W>(kind: SocketKind, reader: &mut PeerReader<R>, writer: &mut W) -> Result<Ready, ZmtpError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    write_command(writer, &command::ready(kind.name())).await?;
    let ready = match reader.next().await? {
        Received::Command(Command::Ready(ready)) => ready,
        _ => return Err(ZmtpError::Command),
    };
    require_fit(kind, &ready, writer).await?;
    Ok(ready)
}

/// The client speaks first, and is told nothing before it has shown that it knows the server's key.
async fn exchange_keys<R, W>(
    kind: SocketKind,
    keys: &Arc<ServerKeys>,
    reader: &mut PeerReader<R>,
    writer: &mut W,
) -> Result<(Ready, Sealer), ZmtpError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (welcomed, welcome) = handshake::hello(keys, &reader.command().await?)?;
    write_command(writer, &welcome).await?;
    let handshake::Initiated { metadata, mut sealer, opener } = welcomed.initiate(&reader.command().await?)?;
    let ready = command::metadata(metadata)?;
    require_fit(kind, &ready, writer).await?;
    write_command(writer, &sealer.ready(&command::about(kind.name()))?).await?;
    reader.decrypt_by(opener);
    Ok((ready, sealer))
}

async fn require_fit<W: AsyncWrite + Unpin>(kind: SocketKind, ready: &Ready, writer: &mut W) -> Result<(), ZmtpError> {
    if kind.fits(&ready.socket_type) {
        return Ok(());
    }
    write_command(writer, &command::error("Invalid socket type")).await?;
    Err(ZmtpError::SocketType(String::from_utf8_lossy(&ready.socket_type).into_owned()))
}

async fn write_command<W: AsyncWrite + Unpin>(writer: &mut W, body: &[u8]) -> Result<(), ZmtpError> {
    for chunk in Encoded::command(body).chunks() {
        writer.write_all(chunk).await?;
    }
    Ok(())
}
