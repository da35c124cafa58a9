//! Puts a kernel together and runs it to its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::between;
use super::envelope::{Channel, Inbox};
use super::exit::{Exit, ExitDoor};
use super::history::{History, Kept};
use super::immediate::AtOnce;
use super::iopub::Iopub;
use super::lifetime::{Parent, Signals, parent_gone};
use super::parents::Parents;
use super::pending::PendingRequests;
use super::prompt::Prompter;
use super::queue::{LastQueued, Queue};
use super::reply::Replies;
use super::shell::{self, Shell};
use super::startup::{Gate, Launch, SessionState};
use super::usage::UsageMeter;
use crate::heap;
use crate::jupyter::sockets::endpoint::SocketFile;
use crate::jupyter::sockets::heartbeat;
use crate::jupyter::sockets::heartbeat::Heartbeat;
use crate::jupyter::sockets::router;
use crate::jupyter::sockets::router::{control_terms, shell_terms};
use crate::jupyter::sockets::zmtp::curve::{KeysError, Security, ServerKeys};
use crate::jupyter::sockets::{Connections, Endpoint, Listener};
use crate::jupyter::wire::contents::connect::ConnectReply;
use crate::jupyter::wire::contents::shutdown::ShutdownReply;
use crate::jupyter::wire::{
    Author, ConnectionError, ConnectionFile, ConnectionInfo, KeyError, Reader, Signer, Transport,
};
use crate::language::Language;
use crate::observe::Metrics;

/// How long the last messages may take to be written. Short of the second within which a kernel has
/// to be gone, and only ever used up by a client that does not read.
const FAREWELL: Duration = Duration::from_millis(400);

/// How long a kernel whose code asked to exit stays after its reply; as long as ipykernel.
const LINGER: Duration = Duration::from_millis(100);

/// A kernel that is to be served.
pub struct Kernel {
    pub connection: ConnectionFile,
    pub language: &'static Language,
    /// What of the history is kept on disk.
    pub history: Kept,
    /// The process whose death ends the kernel; see [`Parent::from_env`].
    pub parent: Option<Parent>,
    /// What is counted of the session, for those who ask with `usage_request`.
    pub metrics: Arc<Metrics>,
    pub launch: Launch,
}

/// Why a kernel could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the connection file's keys for encryption cannot be used: {0}")]
    Encryption(#[from] KeysError),
    #[error("cannot listen for {socket} on {at}: {source}")]
    Listen { socket: &'static str, at: String, source: std::io::Error },
    #[error("cannot heed signals: {0}")]
    Signals(std::io::Error),
    #[error("cannot start the kernel's threads: {0}")]
    Threads(std::io::Error),
}

impl Kernel {
    /// Runs the kernel on threads of its own. When it returns, a computing guest may still be on the
    /// session's thread: end the process, do not wait for that.
    pub fn run(self) -> Result<Exit, KernelError> {
        heap::prepare();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("kernel")
            .enable_all()
            .build()
            .map_err(KernelError::Threads)?;
        let exit = runtime.block_on(self.serve());
        runtime.shutdown_background();
        exit
    }

    /// Serves until a client, a signal, the code or the parent's death ends it.
    pub async fn serve(self) -> Result<Exit, KernelError> {
        let mut signals = Signals::heed().map_err(KernelError::Signals)?;
        let (kernel, mut left) = self.start().await?;
        let exit = tokio::select! {
            Some(exit) = left.recv() => exit,
            exit = signals.watch(&kernel.gate) => exit,
            exit = parent_gone(kernel.parent.as_ref()) => exit,
        };
        kernel.end(exit).await;
        Ok(exit)
    }

    async fn start(mut self) -> Result<(Running, mpsc::UnboundedReceiver<Exit>), KernelError> {
        let security = security(&self.connection.info)?;
        let signer = Arc::new(Signer::new(self.connection.info.key.as_bytes())?);
        let reader = Reader::new(signer.clone());
        let author = Author::new(signer, &uuid::Uuid::new_v4().to_string());
        let mut listeners = Listeners::bind(&mut self.connection.info).await?;
        let files = listeners.take_files();
        self.connection.write_ports()?;

        let history = History::open(self.history);
        let (heard, between) = oneshot::channel();
        let memory = history.clone();
        let (gate, progress) = self.launch.start(move |session| {
            session.contact().remember_with(Arc::new(memory));
            let _ = heard.send(session.contact().listen());
        });
        let (exit, left) = ExitDoor::new();
        let connections = Connections::of_this_process(security);
        let iopub = Iopub::serve(listeners.iopub, author.clone(), &connections);
        let heartbeat = heartbeat::serve(listeners.heartbeat, &connections);
        let (shell_router, shell_sender) = router::serve(listeners.shell, shell_terms(), &connections);
        let (control_router, control_sender) = router::serve(listeners.control, control_terms(), &connections);
        let (stdin_router, stdin_sender) = router::serve(listeners.stdin, control_terms(), &connections);
        let replies = Replies::new(author.clone(), shell_sender, control_sender);
        let prompter = Prompter::new(author, stdin_sender);
        let at_once = AtOnce {
            language: self.language,
            iopub: iopub.clone(),
            gate: gate.clone(),
            exit: exit.clone(),
            usage: Arc::new(Mutex::new(UsageMeter::new())),
            metrics: self.metrics,
            ports: ConnectReply::from(&self.connection.info),
        };
        let last_queued = LastQueued::default();
        let (queue, queued) = Queue::new(last_queued.clone());
        let parents = Parents::default();
        let shell = Shell {
            language: self.language,
            pending: PendingRequests::new(queued, parents.clone()),
            parents: parents.clone(),
            gate: gate.clone(),
            progress,
            iopub: iopub.clone(),
            replies: replies.clone(),
            prompter: prompter.clone(),
            history: history.clone(),
            exit,
            last_queued,
            execution_count: 0,
            abort_through: 0,
            interrupts_before: 0,
        };

        let mut tasks = tokio::task::JoinSet::new();
        let intake = Inbox::new(Channel::Shell, shell_router, reader.clone());
        tasks.spawn(shell::intake(intake, at_once.clone(), replies.clone(), queue.clone()));
        tasks.spawn(shell.serve());
        tasks.spawn(between::serve(between, iopub.clone(), parents));
        let control = Inbox::new(Channel::Control, control_router, reader.clone());
        tasks.spawn(at_once.serve_control(control, replies.clone(), queue));
        tasks.spawn(prompter.listen(Inbox::new(Channel::Stdin, stdin_router, reader)));

        let parent = self.parent;
        let running =
            Running { gate, iopub, replies, history, parent, _heartbeat: heartbeat, _tasks: tasks, _files: files };
        Ok((running, left))
    }
}

/// A kernel that is being served.
struct Running {
    gate: Gate,
    iopub: Iopub,
    replies: Replies,
    history: History,
    parent: Option<Parent>,
    _heartbeat: Heartbeat,
    _tasks: tokio::task::JoinSet<()>,
    _files: Vec<SocketFile>,
}

impl Running {
    /// Says farewell where nobody has, and sees that the last messages are out.
    async fn end(self, exit: Exit) {
        if !matches!(exit, Exit::Shutdown { .. }) {
            self.iopub.send_at_once(None, "shutdown_reply", &ShutdownReply::new(false));
        }
        self.close_session(exit == Exit::Shutdown { restart: true }).await;
        let farewell = async { tokio::join!(self.replies.flush(), self.iopub.flush(), self.history.close()) };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::info!("a client did not read the kernel's last messages");
        }
        if exit == Exit::AskedByGuest {
            // A console looks whether the process lives before it reads the reply that says to leave.
            tokio::time::sleep(LINGER).await;
        }
    }
}

impl Running {
    /// Lets a session that is kept put away what it has; what is running is interrupted.
    async fn close_session(&self, restart: bool) {
        let SessionState::Ready(session) = self.gate.state() else { return };
        let patience = session.patience();
        if patience.is_zero() {
            return;
        }
        self.gate.interrupt();
        if tokio::time::timeout(patience, session.close(restart)).await.is_err() {
            tracing::warn!("the session was not closed in time; its last commit stays");
        }
    }
}

/// What protects the connections: encryption, if the connection file has keys for it.
fn security(info: &ConnectionInfo) -> Result<Security, KeysError> {
    match (&info.curve_publickey, &info.curve_secretkey) {
        (None, None) => Ok(Security::Null),
        (Some(public), Some(secret)) => Ok(Security::Curve(Arc::new(ServerKeys::from_z85(public, secret)?))),
        (Some(_), None) | (None, Some(_)) => Err(KeysError::OnlyOne),
    }
}

/// The five sockets, listening.
struct Listeners {
    shell: Listener,
    control: Listener,
    stdin: Listener,
    iopub: Listener,
    heartbeat: Listener,
}

impl Listeners {
    /// Binds all five; ports that were left to the kernel are filled in.
    async fn bind(info: &mut ConnectionInfo) -> Result<Self, KernelError> {
        Ok(Self {
            shell: bind(info, "shell", |info| &mut info.shell_port).await?,
            control: bind(info, "control", |info| &mut info.control_port).await?,
            stdin: bind(info, "stdin", |info| &mut info.stdin_port).await?,
            iopub: bind(info, "iopub", |info| &mut info.iopub_port).await?,
            heartbeat: bind(info, "heartbeat", |info| &mut info.hb_port).await?,
        })
    }

    fn take_files(&mut self) -> Vec<SocketFile> {
        let all = [&mut self.shell, &mut self.control, &mut self.stdin, &mut self.iopub, &mut self.heartbeat];
        all.into_iter().filter_map(Listener::take_file).collect()
    }
}

async fn bind(
    info: &mut ConnectionInfo,
    socket: &'static str,
    port_of: fn(&mut ConnectionInfo) -> &mut u16,
) -> Result<Listener, KernelError> {
    let (at, port) = (info.ip.clone(), *port_of(info));
    let endpoint = match info.transport {
        Transport::Tcp => Endpoint::Tcp { ip: at.clone(), port },
        Transport::Ipc => Endpoint::Ipc { stem: at.clone(), port },
    };
    let listener = Listener::bind(&endpoint).await.map_err(|source| KernelError::Listen {
        socket,
        at: format!("{at}, port {port}"),
        source,
    })?;
    *port_of(info) = listener.port();
    Ok(listener)
}
