//! A frontend in few words. Everything on IOPub must be expected, in order: whatever is left over fails
//! the test at the next `busy`, `idle` or other expectation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeromq::util::PeerIdentity;
use zeromq::{DealerSocket, Socket as _, SocketOptions, SocketRecv as _, SocketSend as _, SubSocket, ZmqMessage};

use super::dummy;
use crate::jupyter::kernel::{Exit, Kernel, KernelError, Launch};
use crate::jupyter::wire::{Author, ConnectionFile, Reader, Request, Signer};
use crate::language::Language;

const PATIENCE: Duration = Duration::from_secs(10);

/// A client of a kernel of its own.
pub(super) struct Client {
    pub(super) shell: DealerSocket,
    pub(super) control: DealerSocket,
    pub(super) stdin: DealerSocket,
    iopub: SubSocket,
    author: Author,
    reader: Reader,
    pub(super) kernel: JoinHandle<Result<Exit, KernelError>>,
    _directory: tempfile::TempDir,
}

/// A message's type and content.
pub(super) type Said = (String, Value);

impl Client {
    /// A client of a kernel whose session is there.
    pub(super) async fn connect() -> Self {
        Self::connect_to(Launch::ready(dummy::session())).await
    }

    pub(super) async fn connect_to(launch: Launch) -> Self {
        Self::connect_in(&dummy::DUMMY, launch).await
    }

    /// A client of a kernel for a language.
    pub(super) async fn connect_in(language: &'static Language, launch: Launch) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kernel.json");
        std::fs::write(&path, r#"{"key":"secret"}"#).unwrap();
        let connection = ConnectionFile::read(&path).unwrap();
        let kernel = Kernel {
            connection,
            language,
            history: crate::jupyter::kernel::history::Kept::default(),
            parent: None,
            metrics: Arc::default(),
            launch,
        };
        let kernel = tokio::spawn(kernel.serve());
        let info = loop {
            let info = ConnectionFile::read(&path).unwrap().info;
            if info.hb_port != 0 {
                break info;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let signer = Arc::new(Signer::new(info.key.as_bytes()).unwrap());
        let mut iopub = SubSocket::new();
        iopub.connect(&address(info.iopub_port)).await.unwrap();
        iopub.subscribe("").await.unwrap();
        let mut client = Self {
            shell: dealer(info.shell_port).await,
            control: dealer(info.control_port).await,
            stdin: dealer(info.stdin_port).await,
            iopub,
            author: Author::new(signer.clone(), "client"),
            reader: Reader::new(signer),
            kernel,
            _directory: directory,
        };
        assert_eq!(client.published().await.0, "iopub_welcome");
        client.expect("status", json!({"execution_state": "starting"})).await;
        client
    }

    /// A request's frames and its id.
    pub(super) fn compose(&self, msg_type: &str, content: Value) -> (Vec<Bytes>, String) {
        let composed = self.author.compose(msg_type, None, &Map::new(), &content, Vec::new());
        (composed.frames, composed.msg_id)
    }

    pub(super) async fn ask(&mut self, msg_type: &str, content: Value) -> String {
        let (frames, id) = self.compose(msg_type, content);
        send(&mut self.shell, frames).await;
        id
    }

    pub(super) async fn ask_control(&mut self, msg_type: &str, content: Value) {
        let (frames, _) = self.compose(msg_type, content);
        send(&mut self.control, frames).await;
    }

    pub(super) async fn execute(&mut self, code: &str) -> String {
        self.ask("execute_request", json!({"code": code, "allow_stdin": true})).await
    }

    pub(super) async fn reply(&mut self) -> Said {
        said(&receive(&mut self.shell, &self.reader).await)
    }

    pub(super) async fn control_reply(&mut self) -> Said {
        said(&receive(&mut self.control, &self.reader).await)
    }

    pub(super) async fn prompt(&mut self) -> Request {
        receive(&mut self.stdin, &self.reader).await
    }

    /// The next message on IOPub.
    pub(super) async fn published(&mut self) -> Said {
        let message = timeout(PATIENCE, self.iopub.recv()).await.expect("nothing was published").unwrap();
        said(&self.reader.read(&message.into_vec()).unwrap())
    }

    /// The next message on IOPub must be this one.
    pub(super) async fn expect(&mut self, msg_type: &str, content: Value) {
        assert_eq!(self.published().await, (msg_type.to_owned(), content));
    }

    pub(super) async fn expect_busy(&mut self) {
        self.expect("status", json!({"execution_state": "busy"})).await;
    }

    pub(super) async fn expect_idle(&mut self) {
        self.expect("status", json!({"execution_state": "idle"})).await;
    }

    /// The beginning of a cell.
    pub(super) async fn expect_cell(&mut self, code: &str, execution_count: u32) {
        self.expect_busy().await;
        self.expect("execute_input", json!({"code": code, "execution_count": execution_count})).await;
    }

    pub(super) async fn expect_stdout(&mut self, text: &str) {
        self.expect("stream", json!({"name": "stdout", "text": text})).await;
    }
}

fn address(port: u16) -> String {
    format!("tcp://127.0.0.1:{port}")
}

/// As Jupyter clients do, under one identity on every socket.
async fn dealer(port: u16) -> DealerSocket {
    let mut options = SocketOptions::default();
    options.peer_identity(PeerIdentity::try_from(Bytes::from_static(b"client")).unwrap());
    let mut socket = DealerSocket::with_options(options);
    socket.connect(&address(port)).await.unwrap();
    socket
}

pub(super) async fn send(socket: &mut DealerSocket, frames: Vec<Bytes>) {
    socket.send(ZmqMessage::try_from(frames).unwrap()).await.unwrap();
}

async fn receive(socket: &mut DealerSocket, reader: &Reader) -> Request {
    let message = timeout(PATIENCE, socket.recv()).await.expect("no reply came").unwrap();
    reader.read(&message.into_vec()).unwrap()
}

fn said(message: &Request) -> Said {
    (message.header.msg_type.clone(), message.content().unwrap())
}
