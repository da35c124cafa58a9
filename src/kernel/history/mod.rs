//! What was run, in this kernel and in those before it: one sqlite file, served by a thread of its own
//! so that a slow disk delays no cell. If the file cannot be used, the kernel goes on with a history in
//! memory.

mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::wire::contents::history::{Entry, HistoryRequest};
use store::Store;

/// Outputs longer than this are not kept.
const MAX_OUTPUT_BYTES: usize = 1024 * 1024;

/// Sources longer than this are not kept either.
const MAX_SOURCE_BYTES: usize = 8 * 1024 * 1024;
/// What may wait for a slow disk; what is more is not kept.
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// The way to the history's thread; cheap to clone.
#[derive(Clone)]
pub struct History {
    orders: UnboundedSender<Order>,
    waiting: Arc<AtomicUsize>,
}

enum Order {
    Input { line: u32, source: String },
    Output { line: u32, text: String },
    Query { request: HistoryRequest, found: oneshot::Sender<Vec<Entry>> },
    Close { closed: oneshot::Sender<()> },
}

impl History {
    /// Begins a session in this file, or in memory.
    pub fn open(path: Option<PathBuf>) -> Self {
        let (orders, received) = unbounded_channel();
        let thread = std::thread::Builder::new().name("history".to_owned());
        // Without the thread every order fails, and queries find nothing.
        let waiting = Arc::new(AtomicUsize::new(0));
        let written = waiting.clone();
        if let Err(error) = thread.spawn(move || serve(path, received, &written)) {
            tracing::warn!(%error, "the history is not kept: its thread cannot be started");
        }
        Self { orders, waiting }
    }

    /// Records a cell's source.
    pub fn record_input(&self, line: u32, source: &str) {
        if source.len() <= MAX_SOURCE_BYTES && self.has_room(source.len()) {
            self.order(Order::Input { line, source: source.to_owned() });
        }
    }

    /// Whether the text of a result is not too long to be kept.
    pub fn keeps(text: &str) -> bool {
        text.len() <= MAX_OUTPUT_BYTES
    }

    /// Records the text of a cell's result.
    pub fn record_output(&self, line: u32, text: String) {
        if Self::keeps(&text) && self.has_room(text.len()) {
            self.order(Order::Output { line, text });
        }
    }

    /// What was asked for; nothing if the history cannot be read.
    pub async fn query(&self, request: HistoryRequest) -> Vec<Entry> {
        let (found, answer) = oneshot::channel();
        self.order(Order::Query { request, found });
        answer.await.unwrap_or_default()
    }

    /// Ends the session; everything recorded before is in the file then.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        self.order(Order::Close { closed });
        let _ = done.await;
    }

    fn has_room(&self, bytes: usize) -> bool {
        let has_room = self.waiting.load(Ordering::Acquire) <= WAITING_BYTES;
        if has_room {
            self.waiting.fetch_add(bytes, Ordering::AcqRel);
        }
        has_room
    }

    fn order(&self, order: Order) {
        // The thread is gone only if it could not start or has closed the session.
        let _ = self.orders.send(order);
    }
}

fn serve(path: Option<PathBuf>, mut orders: UnboundedReceiver<Order>, waiting: &AtomicUsize) {
    let Some(mut store) = open(path) else { return };
    let mut warned = false;
    while let Some(order) = orders.blocking_recv() {
        let result = match order {
            Order::Input { line, source } => {
                waiting.fetch_sub(source.len(), Ordering::AcqRel);
                store.record_input(line, &source)
            }
            Order::Output { line, text } => {
                waiting.fetch_sub(text.len(), Ordering::AcqRel);
                store.record_output(line, &text)
            }
            Order::Query { request, found } => store.query(&request).map(|entries| drop(found.send(entries))),
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

fn open(path: Option<PathBuf>) -> Option<Store> {
    let in_file = path.map(|path| Store::in_file(&path));
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
