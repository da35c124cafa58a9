//! Where a socket listens: a tcp address or a path. It knows bytes and peers, not ZeroMQ.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Port 0: any that is free. The address `*` means all.
    Tcp { ip: String, port: u16 },
    /// The socket's file is `{stem}-{port}`; port 0: the first number that is free.
    Ipc { stem: String, port: u16 },
}

/// A socket that listens.
pub struct Listener {
    kind: Kind,
    port: u16,
    file: Option<SocketFile>,
}

enum Kind {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

/// The two halves of a connection.
pub type Halves = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

/// A socket's file; removed when this is dropped.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Starts to listen.
    pub async fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            Endpoint::Tcp { ip, port } => {
                let ip = if ip == "*" { "0.0.0.0" } else { ip };
                let listener = TcpListener::bind((ip, *port)).await?;
                let port = listener.local_addr()?.port();
                Ok(Self { kind: Kind::Tcp(listener), port, file: None })
            }
            Endpoint::Ipc { stem, port: 0 } => Self::bind_any_path(stem).await,
            Endpoint::Ipc { stem, port } => Self::bind_path(stem, *port).await,
        }
    }

    /// The port that it has got.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes the socket's file, if it has one, so that its owner removes it in time: the task that
    /// accepts may outlive the kernel by a moment.
    pub fn take_file(&mut self) -> Option<SocketFile> {
        self.file.take()
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<Halves> {
        match &self.kind {
            Kind::Tcp(listener) => split_tcp(listener.accept().await?.0),
            Kind::Ipc(listener) => Ok(split_ipc(listener.accept().await?.0)),
        }
    }

    async fn bind_any_path(stem: &str) -> io::Result<Self> {
        for port in 1..u16::MAX {
            match bind_new(&ipc_path(stem, port)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                bound => return bound.map(|bound| Self::at_path(bound, port)),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    async fn bind_path(stem: &str, port: u16) -> io::Result<Self> {
        let path = ipc_path(stem, port);
        match bind_new(&path) {
            // The file of a kernel that was killed is in the way of its successor; a live one is not.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && !is_listening(&path).await => {
                std::fs::remove_file(&path)?;
                Ok(Self::at_path(bind_new(&path)?, port))
            }
            bound => Ok(Self::at_path(bound?, port)),
        }
    }

    fn at_path((listener, file): (UnixListener, SocketFile), port: u16) -> Self {
        Self { kind: Kind::Ipc(listener), port, file: Some(file) }
    }
}

/// As Jupyter clients build it.
fn ipc_path(stem: &str, port: u16) -> PathBuf {
    PathBuf::from(format!("{stem}-{port}"))
}

fn bind_new(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let listener = UnixListener::bind(path)?;
    Ok((listener, SocketFile(path.to_owned())))
}

async fn is_listening(path: &Path) -> bool {
    UnixStream::connect(path).await.is_ok()
}

fn split_tcp(stream: TcpStream) -> io::Result<Halves> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    Ok((Box::new(read), Box::new(write)))
}

fn split_ipc(stream: UnixStream) -> Halves {
    let (read, write) = stream.into_split();
    (Box::new(read), Box::new(write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_zero_takes_a_free_one() {
        let any = Endpoint::Tcp { ip: "127.0.0.1".into(), port: 0 };
        let (one, two) = (Listener::bind(&any).await.unwrap(), Listener::bind(&any).await.unwrap());
        assert!(one.port() != 0 && one.port() != two.port());
    }

    #[tokio::test]
    async fn a_path_left_by_a_dead_kernel_is_taken_over_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let stem = directory.path().join("k").to_str().unwrap().to_owned();
        let endpoint = Endpoint::Ipc { stem: stem.clone(), port: 5 };
        drop(std::os::unix::net::UnixListener::bind(format!("{stem}-5")).unwrap());
        let listener = Listener::bind(&endpoint).await.unwrap();
        assert!(Listener::bind(&endpoint).await.is_err());
        drop(listener);
        assert!(!Path::new(&format!("{stem}-5")).exists());
    }

    #[tokio::test]
    async fn ipc_port_zero_takes_a_free_number() {
        let directory = tempfile::tempdir().unwrap();
        let stem = directory.path().join("k").to_str().unwrap().to_owned();
        let any = Endpoint::Ipc { stem, port: 0 };
        let (one, two) = (Listener::bind(&any).await.unwrap(), Listener::bind(&any).await.unwrap());
        assert_eq!((one.port(), two.port()), (1, 2));
    }
}
