//! What was run, in this kernel and in those before it: one sqlite file, served by a thread of its own
//! so that a slow disk delays no cell. If the file cannot be used, the kernel goes on with a history in
//! memory.

mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::jupyter::wire::contents::history::{Access, Entry, HistoryRequest};
use crate::session::Recall;
use store::Store;

/// Outputs longer than this are not kept, …
const MAX_OUTPUT_BYTES: usize = 64 * 1024;
/// … nor sources longer than this.
const MAX_SOURCE_BYTES: usize = 1024 * 1024;
/// Bytes that may wait for the thread; what comes then is not kept.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// What is kept on disk.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The file with the sources; without one the history lasts as long as the kernel.
    pub file: Option<PathBuf>,
    /// Whether results go into it, too: those of a session that is not kept do not.
    pub outputs: bool,
    /// What the kernels of one session have in common: its code may see what they ran. Without it, only what this one ran.
    pub whose: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A client: the user, who may see whatever was run.
    User,
    /// The session's own code, which may see what its own kernels ran.
    Guest,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// The number of this kernel's session.
    pub(super) session: i64,
}

/// The way to the history's thread; cheap to clone.
#[derive(Clone)]
pub struct History {
    orders: UnboundedSender<Order>,
    waiting: Arc<AtomicUsize>,
}

enum Order {
    Input { line: u32, source: String },
    Output { line: u32, text: String },
    Query { request: HistoryRequest, asker: Asker, found: oneshot::Sender<Found> },
    Close { closed: oneshot::Sender<()> },
}

impl History {
    /// Begins a session in a file, or in memory.
    pub fn open(kept: Kept) -> Self {
        let (orders, received) = unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        let taken = waiting.clone();
        let thread = std::thread::Builder::new().name("history".to_owned());
        // Without the thread every order fails, and queries find nothing.
        if let Err(error) = thread.spawn(move || serve(kept, received, &taken)) {
            tracing::warn!(%error, "the history is not kept: its thread cannot be started");
        }
        Self { orders, waiting }
    }

    /// Records a cell's source.
    pub fn record_input(&self, line: u32, source: &str) {
        if source.len() <= MAX_SOURCE_BYTES && self.has_room(source) {
            self.order(Order::Input { line, source: source.to_owned() });
        }
    }

    /// Whether the text of a result is not too long to be kept.
    pub fn keeps(text: &str) -> bool {
        text.len() <= MAX_OUTPUT_BYTES
    }

    /// Records the text of a cell's result.
    pub fn record_output(&self, line: u32, text: String) {
        if Self::keeps(&text) && self.has_room(&text) {
            self.order(Order::Output { line, text });
        }
    }

    fn has_room(&self, text: &str) -> bool {
        let before = self.waiting.fetch_add(text.len(), Ordering::AcqRel);
        let has_room = before.saturating_add(text.len()) <= MAX_WAITING;
        if !has_room {
            self.waiting.fetch_sub(text.len(), Ordering::AcqRel);
        }
        has_room
    }

    /// What was asked for; nothing if the history cannot be read.
    pub async fn query(&self, request: HistoryRequest) -> Vec<Entry> {
        self.ask(request, Asker::User).await.entries
    }

    async fn ask(&self, request: HistoryRequest, asker: Asker) -> Found {
        let (found, answer) = oneshot::channel();
        self.order(Order::Query { request, asker, found });
        answer.await.unwrap_or_default()
    }

    /// Ends the session; everything recorded before is in the file then.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        self.order(Order::Close { closed });
        let _ = done.await;
    }

    fn order(&self, order: Order) {
        // The thread is gone only if it could not start or has closed the session.
        let _ = self.orders.send(order);
    }
}

impl Recall for History {
    fn recall(&self, asked: Map<String, Value>) -> BoxFuture<'_, Value> {
        async move {
            // Patterns are the guest's own affair: of some the work has no bound.
            let Ok(request) = serde_json::from_value::<HistoryRequest>(Value::Object(asked)) else {
                return json!({"error": "this cannot be asked of the history"});
            };
            if request.hist_access_type == Access::Search {
                return json!({"error": "the history is not searched for the guest"});
            }
            let Found { entries, session } = self.ask(request, Asker::Guest).await;
            json!({"history": entries, "session": session})
        }
        .boxed()
    }
}

fn serve(kept: Kept, mut orders: UnboundedReceiver<Order>, waiting: &AtomicUsize) {
    let Some(mut store) = open(kept) else { return };
    let mut warned = false;
    while let Some(order) = orders.blocking_recv() {
        if let Order::Input { source: text, .. } | Order::Output { text, .. } = &order {
            waiting.fetch_sub(text.len(), Ordering::AcqRel);
        }
        let result = match order {
            Order::Input { line, source } => store.record_input(line, &source),
            Order::Output { line, text } => store.record_output(line, &text),
            Order::Query { request, asker, found } => store
                .query(&request, asker)
                .map(|entries| drop(found.send(Found { entries, session: store.session() }))),
            Order::Close { closed } => {
                let ended = store.end();
                drop(store);
                let _ = closed.send(());
                return log_once(ended, &mut warned);
            }
        };
        log_once(result, &mut warned);
    }
}

fn open(kept: Kept) -> Option<Store> {
    let in_file = kept.file.map(|path| Store::in_file(&path, kept.outputs, kept.whose.as_deref()));
    match in_file {
        Some(Ok(store)) => return Some(store),
        Some(Err(error)) => {
            tracing::warn!(%error, "the history file cannot be used; this session's history is not kept")
        }
        None => {}
    }
    Store::in_memory().inspect_err(|error| tracing::warn!(%error, "there is no history in this session")).ok()
}

/// One warning is enough: a disk that is full stays full.
fn log_once(result: rusqlite::Result<()>, warned: &mut bool) {
    if let Err(error) = result
        && !std::mem::replace(warned, true)
    {
        tracing::warn!(%error, "the history could not be read or written");
    }
}
