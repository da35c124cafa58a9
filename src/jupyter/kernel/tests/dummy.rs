//! A session that obeys one-word commands, so that every event can be provoked, and a kernel over it
//! that real clients can start: the ignored test `serve`, with the connection file named in
//! `CELLBLOCK_DUMMY`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};

use crate::jupyter::kernel::{Kernel, Launch, Parent};
use crate::jupyter::wire::ConnectionFile;
use crate::language::face::{CodemirrorMode, KernelInfo};
use crate::language::{DEFAULT, Language};
use crate::session::{
    Answer, Bundle, CellAnswer, Comm, Completeness, Completion, Completions, Event, Failure, InputAnswer, Job, Leave,
    Outcome, Payload, Queued, Request, Session, StreamName, Usage,
};

/// As much output as a session lets wait.
const ROOM: usize = 4 * 1024 * 1024;

/// Starts a dummy session on a thread of its own.
pub(super) fn session() -> Session {
    let (jobs, received) = unbounded_channel();
    let interrupted = Arc::new(Mutex::new(None));
    let dummy =
        Dummy { interrupted: interrupted.clone(), submitted: Instant::now(), room: Arc::new(Semaphore::new(ROOM)) };
    std::thread::spawn(move || dummy.serve(received));
    Session::new(jobs, move || *interrupted.lock().unwrap() = Some(Instant::now()))
}

pub(super) static DUMMY: Language = Language {
    kernel_info: KernelInfo {
        name: "dummy",
        version: "1",
        mimetype: "text/plain",
        file_extension: ".txt",
        pygments_lexer: "text",
        codemirror_mode: CodemirrorMode { name: "text", version: None },
        nbconvert_exporter: "script",
        banner: "dummy",
        help_links: &[("Help", "about:blank")],
    },
    ..*DEFAULT
};

struct Dummy {
    /// When an interrupt was asked for last.
    interrupted: Arc<Mutex<Option<Instant>>>,
    /// When the job that runs was submitted; interrupts from before are not meant for it.
    submitted: Instant,
    room: Arc<Semaphore>,
}

/// How a cell of commands ended.
enum End {
    Fine(CellAnswer),
    Raised(String),
    /// The thread dies.
    Died,
}

impl Dummy {
    fn is_interrupted(&self) -> bool {
        self.interrupted.lock().unwrap().is_some_and(|at| at >= self.submitted)
    }

    fn serve(mut self, mut jobs: UnboundedReceiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            let Job::Serve { request, events, submitted } = job else { continue };
            self.submitted = submitted;
            let mut failure = None;
            let answer = match request {
                Request::Execute(cell) => match self.run(&cell.code, &events) {
                    End::Fine(answer) => {
                        let values = cell.user_expressions.into_iter().map(|(name, _)| (name, Ok(Bundle::default())));
                        Answer::Cell(CellAnswer { expressions: values.collect(), ..answer })
                    }
                    End::Raised(name) => {
                        let traceback = vec![format!("{name}: raised")];
                        let raised = Failure { name, text: "raised".into(), traceback };
                        put(&events, Event::Error(raised.clone()));
                        failure = Some(raised.without_traceback());
                        Answer::default()
                    }
                    End::Died => return,
                },
                Request::Complete { cursor_pos, .. } => {
                    let matches = vec![Completion { text: "print".into(), ..Completion::default() }];
                    Answer::Completions(Completions { matches, start: 0, end: cursor_pos })
                }
                Request::Inspect { detail_level, .. } => {
                    let data = object(json!({"text/plain": detail_level.to_string()}));
                    Answer::Inspection(Some(Bundle { data, metadata: Map::new() }))
                }
                Request::IsComplete { .. } => Answer::Completeness(Completeness::Complete),
                Request::Comm(Comm { kind, content, metadata, buffers, .. }) => {
                    put(&events, Event::Comm { kind, content, metadata, buffers });
                    Answer::None
                }
                Request::Close { .. } | Request::Loop { .. } | Request::Variables => Answer::None,
                Request::CommInfo { .. } => Answer::Comms(BTreeMap::new()),
            };
            put(&events, Event::Done(Box::new(Outcome { failure, answer, usage: Usage::default() })));
        }
    }

    fn run(&self, code: &str, events: &UnboundedSender<Queued>) -> End {
        let mut reply = CellAnswer::default();
        for line in code.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let text = || object(json!({"text/plain": rest}));
            match word {
                "print" => self.print(events, format!("{rest}\n")),
                "err" => put(events, Event::Stream { name: StreamName::Stderr, text: rest.into() }),
                "value" => put(events, Event::Result { data: text(), metadata: Map::new() }),
                "display" | "update" => {
                    let transient = object(json!({"display_id": "d"}));
                    put(
                        events,
                        Event::Display { data: text(), metadata: Map::new(), transient, update: word == "update" },
                    );
                }
                "clear" => put(events, Event::ClearOutput { wait: true }),
                "flood" => self.flood(events, rest.parse().unwrap_or(0)),
                "payload" => reply.payloads.push(Payload::Page { bundle: Bundle::default(), start: None }),
                "exit" => reply.leaves = Some(Leave { keep: rest == "keep" }),
                "raise" => return End::Raised(rest.into()),
                "die" => return End::Died,
                "sleep" => self.sleep(rest.parse().unwrap_or(0)),
                "stubborn" => std::thread::sleep(Duration::from_secs(60)),
                "input" | "password" => match self.input(events, rest, word == "password") {
                    Some(InputAnswer::Line(line)) => self.print(events, format!("got {line}\n")),
                    Some(InputAnswer::Eof) => return End::Raised("EOFError".into()),
                    _ => return End::Raised("KeyboardInterrupt".into()),
                },
                _ => {}
            }
            if self.is_interrupted() {
                return End::Raised("KeyboardInterrupt".into());
            }
        }
        End::Fine(reply)
    }

    fn sleep(&self, milliseconds: u64) {
        for _ in 0..milliseconds {
            if self.is_interrupted() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn print(&self, events: &UnboundedSender<Queued>, text: String) {
        let size = u32::try_from(text.len()).unwrap();
        let permit = loop {
            match self.room.clone().try_acquire_many_owned(size) {
                Ok(permit) => break permit,
                Err(_) if self.is_interrupted() => return,
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        };
        let event = Event::Stream { name: StreamName::Stdout, text };
        let _ = events.send(Queued { permit: Some(permit), ..Queued::of(event) });
    }

    fn flood(&self, events: &UnboundedSender<Queued>, bytes: usize) {
        let mut line = 0_u64;
        let mut sent = 0;
        while sent < bytes && !self.is_interrupted() {
            let mut text = String::new();
            while text.len() < 65_000 && sent + text.len() < bytes {
                text.push_str(&format!("{line:015}\n"));
                line += 1;
            }
            sent += text.len();
            self.print(events, text);
        }
    }

    fn input(&self, events: &UnboundedSender<Queued>, prompt: &str, password: bool) -> Option<InputAnswer> {
        let (answer, mut answered) = oneshot::channel();
        put(events, Event::Input { prompt: prompt.into(), password, answer });
        loop {
            match answered.try_recv() {
                Ok(answer) => return Some(answer),
                Err(oneshot::error::TryRecvError::Closed) => return None,
                Err(oneshot::error::TryRecvError::Empty) if self.is_interrupted() => {
                    return None;
                }
                Err(oneshot::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

fn put(events: &UnboundedSender<Queued>, event: Event) {
    let _ = events.send(Queued::of(event));
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Not a test: a kernel that real clients can start. `CELLBLOCK_DUMMY_DELAY` (milliseconds) makes its
/// session late, as a set-up does.
#[test]
#[ignore = "a kernel for real clients, not a test"]
fn serve() {
    let Ok(path) = std::env::var("CELLBLOCK_DUMMY") else {
        return;
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter("debug").init();
    let delay = std::env::var("CELLBLOCK_DUMMY_DELAY").ok().and_then(|delay| delay.parse().ok()).unwrap_or(0);
    let (progress, received) = unbounded_channel();
    let launch = async move {
        for step in 0..delay / 100 {
            let _ = progress.send(format!("setting up {step}\n"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if std::env::var_os("CELLBLOCK_DUMMY_FAILS").is_some() { Err("no space".to_owned()) } else { Ok(session()) }
    };
    let kernel = Kernel {
        connection: ConnectionFile::read(path.as_ref()).unwrap(),
        language: &DUMMY,
        history: crate::jupyter::kernel::history::Kept {
            file: std::env::var_os("CELLBLOCK_DUMMY_HISTORY").map(Into::into),
            outputs: true,
            whose: None,
        },
        parent: Parent::from_env(),
        metrics: Arc::default(),
        launch: Launch::new(launch, received),
    };
    let exit = kernel.run().unwrap();
    tracing::info!(?exit, "ended");
    std::process::exit(0);
}
