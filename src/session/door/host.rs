//! The host's side of the door: serves the guest's calls while a request runs (`docs/door.md`).
//! Everything that comes in is hostile; only the ops below are known.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::asking::Why;
use super::contact::Contact;
use super::current::{Current, Whose};
use super::event::{event, object, refusal, text, weight, work};
use super::ops::Op;
use super::reply::{Expected, Reply};
use super::served::{Served, Task};
use crate::firewall::{Firewall, Removals};
use crate::language::Language;
use crate::observe::shown;
use crate::sandbox::{Frame, Gauges, GuestHost, HostCall, Reason, RefusalClass};
use crate::session::advise::Wish;
use crate::session::answer::{Answer, Failure};
use crate::session::event::{Event, InputAnswer, Queued, StreamName};
use crate::session::journal::Journal;
use crate::session::limits::Limits;
use crate::session::output::checks::Checks;
use crate::session::output::filter::SessionFilter;
use crate::session::output::{Output, OutputBudget};

/// Characters of a line of the guest's own for the log.
const MOST_LOGGED: usize = 1_000;

/// Text of one write that goes out at once.
const PIECE: usize = 1 << 20;
/// Cells whose numbers are known by their requests' ids.
const CELLS_MAX: usize = 256;
/// Lines of the guest's own for the log, of one request.
const MOST_LINES: u32 = 1_000;
/// What a message takes on its way, however little there is in it.
const LEAST: usize = 1_024;
/// Displays of at least this size are checked on a thread of their own, so that an interrupt does not wait for it.
const LARGE: usize = 64 << 10;

/// Bytes of a request's id.
const MOST_ID: usize = 256;
/// Seconds that the guest's event loop waits at most without asking again.
const LONGEST_WAIT: f64 = 86_400.0;

/// What a deterministic guest knows in place of its request's id.
pub const STAND_IN: &str = "cellblock-request";

/// Serves one session's guest, request by request.
#[derive(Debug)]
pub struct DoorHost {
    pub(super) language: &'static Language,
    pub(super) limits: Limits,
    /// Bytes of the warm image, which the memory limit does not count.
    pub(super) image: usize,
    /// What `%session` speaks of, and where that is kept.
    pub(super) journal: Arc<Journal>,
    /// Whether a fork's id has to be a UUID.
    pub(super) only_uuids: bool,
    /// Whether `%session resume` takes what is portable of another image's session.
    pub(super) portable: AtomicBool,
    /// What the notebook asked for with `%fuel`, and the last cell's analysis.
    pub(super) fuel: Mutex<(Wish, Map<String, Value>)>,
    pub(super) room: OutputBudget,
    pub(super) session_filter: SessionFilter,
    pub(super) checks: Checks,
    pub(super) contact: Contact,
    /// Whether the guest is told nothing of what is around it: neither how long it waits nor what was run before.
    pub(super) is_deterministic: bool,
    /// The request, and above it one of the host's own that is served on its way.
    pub(super) current: Mutex<Vec<Current>>,
    /// What goes out between requests has one cell's limits until the next cell.
    pub(super) between: Mutex<Option<Output>>,
    /// The last cells: their requests' ids, and their numbers.
    pub(super) cells: Mutex<VecDeque<(String, u64)>>,
}

impl DoorHost {
    /// A host that serves nothing yet.
    pub fn new(
        language: &'static Language,
        limits: Limits,
        firewall: Firewall,
        image: usize,
        journal: Arc<Journal>,
    ) -> Self {
        Self {
            language,
            contact: Contact::default(),
            is_deterministic: false,
            between: Mutex::default(),
            session_filter: SessionFilter::new(firewall),
            limits,
            image,
            journal,
            only_uuids: false,
            portable: AtomicBool::new(false),
            fuel: Mutex::default(),
            room: OutputBudget::new(),
            checks: Checks::new(),
            current: Mutex::new(Vec::new()),
            cells: Mutex::default(),
        }
    }

    /// The same, with forks that have UUIDs as their ids and nothing else.
    pub fn with_uuids_only(self, only_uuids: bool) -> Self {
        Self { only_uuids, ..self }
    }

    /// The same with what its session shares with a face.
    pub fn with_contact(self, contact: Contact) -> Self {
        Self { contact, ..self }
    }

    /// The same for a guest that is told nothing of what is around it.
    pub fn of_deterministic(self, is_deterministic: bool) -> Self {
        Self { is_deterministic, ..self }
    }

    /// Says whether `%session resume` is about another image's session.
    pub fn offer_portable(&self, offered: bool) {
        self.portable.store(offered, Ordering::Release);
    }

    /// What the notebook asked for with `%fuel`.
    pub fn fuel_wish(&self) -> Wish {
        self.fuel.lock().0
    }

    /// Keeps the analysis of a cell for `%fuel`.
    pub fn remember_fuel(&self, bundle: Map<String, Value>) {
        self.fuel.lock().1 = bundle;
    }

    /// Takes a request to be served; the guest asks for it.
    pub fn begin(&self, request: Frame, events: UnboundedSender<Queued>, allow_stdin: bool) {
        let expected = Expected::of(request.op());
        let output = Output::new(events, &self.limits, self.session_filter.clone());
        let is_cell = request.op() == "execute";
        if is_cell {
            *self.between.lock() = None;
            self.remember(&request.json);
        }
        self.put(Current::new(request, expected, output, allow_stdin, Whose::Face { is_cell }));
    }

    /// Puts the host's own request to let the guest's event loop go on.
    pub fn begin_between(&self, request: Frame) {
        let kept = self.between.lock().take();
        let output =
            kept.unwrap_or_else(|| Output::new(self.contact.between(), &self.limits, self.session_filter.clone()));
        self.put(Current::new(request, Expected::Nothing, output, false, Whose::Between));
    }

    fn remember(&self, cell: &Map<String, Value>) {
        let mut cells = self.cells.lock();
        cells.truncate(CELLS_MAX - 1);
        cells.push_front((
            cell.get("msg_id").and_then(Value::as_str).unwrap_or_default().to_owned(),
            cell.get("execution_count").and_then(Value::as_u64).unwrap_or_default(),
        ));
    }

    /// What ran when the guest came to an end, if it is none of the request that is served.
    fn task(&self, request: Option<Arc<str>>, whose: &Whose) -> Option<Task> {
        let cells = self.cells.lock();
        let is_between = matches!(whose, Whose::Between);
        if !is_between && request.is_none() {
            return None;
        }
        let cell = cells.iter().find(|(id, _)| request.as_deref() == Some(id)).map(|(_, count)| *count);
        Some(Task { request, cell, is_between })
    }

    fn put(&self, current: Current) {
        self.current.lock().push(current);
    }

    /// Has widgets that capture the request's output do so by its id, which the guest does not know.
    pub fn stand_in(&self, parent: String) {
        self.with(|current| current.parent = Some(parent));
    }

    /// Hands over the gauges of the guest that will serve the request.
    pub fn watch(&self, gauges: Gauges) {
        let before = gauges.refused();
        self.with(|current| current.gauges = Some((gauges, before)));
    }

    /// Sends an event of the host's own, after all that the guest has sent.
    pub fn say(&self, event: Event) {
        self.with(|current| current.output.event(event, None));
    }

    /// Says it to the cell that started what it is about.
    pub fn say_of(&self, task: &Task, event: Event) {
        self.with(|current| {
            current.output.belong_to(task.request.clone());
            current.output.event(event, None);
            current.output.belong_to(None);
        });
    }

    /// Shows a failure of the guest's that it has not shown itself: as one that it shows, and cut as one.
    pub fn show_failure(&self, failure: &Failure) {
        let mut failure = failure.clone();
        self.with(|current| {
            if current.output.count_error(&mut failure).is_some() {
                current.output.event(Event::Error(failure), None);
            }
        });
    }

    /// Whether why the request failed has been shown.
    pub fn has_shown_error(&self) -> bool {
        self.with(|current| current.output.has_shown_error()) == Some(true)
    }

    /// Sends what text is still held, and takes what the guest left.
    pub fn collect(&self) -> Served {
        let (served, reply) = self.collect_unread();
        let expected = self.with(|current| current.expected).unwrap_or(Expected::Nothing);
        let reply = reply.map(|frame| {
            let mut reply = Reply::read(frame.json, expected);
            if let Some(failure) = &mut reply.failure {
                self.note_limit(failure);
            }
            reply
        });
        Served { reply, ..served }
    }

    /// The same of a request of the host's own, whose reply is its own business: its content, and buffers.
    pub fn collect_unread(&self) -> (Served, Option<Frame>) {
        self.with(|current| {
            current.end_taken();
            let task = self.task(current.output.belong_to(None), &current.whose);
            let mut denials = std::mem::take(&mut current.denials);
            if let Some((gauges, before)) = &current.gauges {
                denials.extend(gauges.refused().since(before));
            }
            let cut = current.output.cut();
            let taken = current.request.is_none();
            let served = Served { reply: None, command: current.command.take(), taken, cut, denials, task };
            (served, current.reply.take())
        })
        .unwrap_or_default()
    }

    /// Checks what the request is answered. Answers what the firewall has removed since the request began, and the limit,
    /// and its key, to which the answer was cut.
    pub fn check_answer(
        &self,
        failure: &mut Option<Failure>,
        answer: &mut Answer,
    ) -> (Removals, Option<(u64, &'static str)>) {
        self.with(|current| {
            let cut = current.output.check_answer(failure, answer);
            (current.output.removed().clone(), cut)
        })
        .unwrap_or_default()
    }

    /// Ends the request.
    pub fn end(&self) {
        let ended = self.current.lock().pop();
        if let Some(Current { output, whose: Whose::Between, .. }) = ended {
            *self.between.lock() = Some(output);
        }
    }

    /// Notes that the guest was refused something here.
    fn deny(&self, class: RefusalClass, name: &'static str) {
        self.with(|current| match current.denials.iter_mut().find(|(_, known, _)| *known == name) {
            Some((_, _, times)) => *times = times.saturating_add(1),
            None => current.denials.push((class, name, 1)),
        });
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Current) -> T) -> Option<T> {
        self.current.lock().last_mut().map(work)
    }

    fn next(&self) -> Frame {
        self.with(|current| current.request.take()).flatten().unwrap_or_else(|| refusal("there is no request"))
    }

    /// What the guest's interrupt handler asks, to raise the right exception.
    fn why(&self) -> Frame {
        Frame::of(match self.with(Current::why) {
            Some(Why::Told) => json!({"reason": "none"}),
            None | Some(Why::Itself | Why::Asked(Reason::Interrupt, _)) => json!({"reason": "interrupt"}),
            Some(Why::Asked(Reason::Sample, _)) => json!({"reason": "sample"}),
            Some(Why::Asked(Reason::Fuel, used)) => json!({
                "reason": "fuel", "key": "fuel_budget", "limit": self.limits.fuel, "used": used,
                "message": self.limits.fuel_message(),
            }),
            Some(Why::Asked(Reason::Time, _)) => {
                let limit = self.limits.time.unwrap_or_default().as_secs_f64();
                json!({
                    "reason": "timeout", "key": "timeout_seconds", "limit": limit, "used": limit,
                    "message": self.limits.time_message(),
                })
            }
        })
    }

    /// Waits while the session sends more messages than it may.
    async fn paced(&self) {
        poll_fn(|_| match self.with(|current| current.output.due()).flatten() {
            // Polled again when `tick` said.
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        })
        .await;
    }

    async fn display(&self, frame: Frame) -> Frame {
        self.paced().await;
        let mut size = weight(&frame);
        // Errors are cut and not refused.
        let is_error = frame.op() == "error";
        let counted = if is_error { None } else { self.with(|current| current.output.count_display(size)) };
        if let Some(Err(refused)) = counted {
            let one = size as u64 > self.limits.one_display;
            self.deny(RefusalClass::Limit, if one { "output.max_display_bytes" } else { "display_max_bytes" });
            return refusal(&refused);
        }
        let mut event = match event(frame) {
            Ok(event) => event,
            Err(refused) => {
                self.deny(RefusalClass::Frame, "frame");
                return refusal(refused);
            }
        };
        if let Event::Error(failure) = &mut event {
            let counted = self.with(|current| current.output.count_error(failure)).flatten();
            let Some((bytes, cut)) = counted else {
                self.deny(RefusalClass::Limit, "display_max_bytes");
                return refusal("this cell has shown as many errors as it may (`display_max_bytes` in the policy)");
            };
            size = bytes;
            if let Some(key) = cut {
                self.deny(RefusalClass::Limit, key);
            }
            self.note_limit(failure);
        }
        let permit = self.room.take(size.max(LEAST)).await;
        let large = size >= LARGE;
        // A comm's message waits for one that is being checked, whatever its own size: they are told apart by order.
        let turn = match large || matches!(event, Event::Comm { .. }) {
            true => self.checks.turn().await,
            false => None,
        };
        let check = self.with(|current| {
            if let (Event::Comm { content, .. }, Some(parent)) = (&mut event, &current.parent) {
                name_parent(content, parent);
            }
            current.output.check(event)
        });
        let Some(check) = check else { return Frame::default() };
        let checked = if large { self.checks.run(turn, check).await } else { Some(check.run()) };
        if let Some(checked) = checked {
            self.with(|current| current.output.checked(checked, permit));
        }
        Frame::default()
    }

    async fn input(&self, mut frame: Frame) -> Frame {
        let prompt = text(&mut frame.json, "prompt");
        let password = frame.json.get("password").and_then(Value::as_bool).unwrap_or_default();
        if let Some(Err(refused)) = self.with(|current| current.output.count_display(prompt.len())) {
            return refusal(&refused);
        }
        let (answer, receiver) = oneshot::channel();
        let asked = self.with(|current| {
            if current.allow_stdin {
                current.output.event(Event::Input { prompt, password, answer }, None);
            }
            current.allow_stdin
        });
        if asked != Some(true) {
            return refusal("unavailable");
        }
        self.with(|current| current.asks = true);
        let answered = receiver.await;
        self.with(|current| current.asks = false);
        match answered {
            Ok(InputAnswer::Line(value)) => Frame::of(json!({"value": value})),
            Ok(InputAnswer::Eof) => refusal("eof"),
            Ok(InputAnswer::Interrupted) | Err(_) => refusal("interrupted"),
        }
    }

    /// What is shown from now on belongs to the request of this id.
    fn parent(&self, json: &mut Map<String, Value>) -> Frame {
        let id = text(json, "msg_id");
        let is_id = !id.is_empty() && id.len() <= MOST_ID;
        self.with(|current| {
            // A deterministic guest knows no ids. What belongs to the request itself belongs to no other.
            let is_other = is_id && current.parent.is_none() && current.id.as_deref() != Some(&*id);
            current.output.belong_to(is_other.then(|| id.into()));
        });
        Frame::default()
    }

    /// Waits for the guest's event loop, until a comm message comes for the cell.
    async fn wait(&self, json: &Map<String, Value>) -> Frame {
        if self.is_deterministic {
            return refusal("this guest has a clock of its own");
        }
        let seconds = json.get("seconds").and_then(Value::as_f64).unwrap_or_default();
        let until = Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST_WAIT)).unwrap_or_default();
        let until = Instant::now() + until;
        let takes = self.with(|current| {
            current.end_taken();
            current.output.flush();
            current.wakes = Some(until);
            current.whose == Whose::Face { is_cell: true }
        });
        let mut next = std::pin::pin!(self.contact.mailbox().next());
        let offer = poll_fn(|context| {
            // What comes for the next cell is not for a task that waits between two.
            if takes == Some(true)
                && let Poll::Ready(offer) = next.as_mut().poll(context)
            {
                return Poll::Ready(Some(offer));
            }
            if Instant::now() >= until { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        self.with(|current| {
            current.wakes = None;
            let Some(offer) = offer else { return Frame::default() };
            current.take(&offer.id);
            offer.frame
        })
        .unwrap_or_default()
    }

    async fn serve(&self, mut frame: Frame) -> Frame {
        match Op::of(frame.op()) {
            Some(Op::Next) => self.next(),
            Some(Op::Reply) => {
                let json = object(&mut frame.json, "content");
                self.with(|current| current.reply = Some(Frame { json, buffers: frame.buffers }));
                Frame::default()
            }
            Some(Op::Why) => self.why(),
            Some(Op::Input) => self.input(frame).await,
            Some(Op::Fuel) => {
                let fuel = self.with(|current| current.gauges.as_ref().map(|(gauges, _)| gauges.fuel())).flatten();
                Frame::of(json!({"fuel": fuel}))
            }
            Some(Op::Parent) => self.parent(&mut frame.json),
            Some(Op::Wait) => self.wait(&frame.json).await,
            Some(Op::FuelDisplay) => self.fuel_display(&frame.json),
            Some(Op::Session) => self.session(&frame.json).await,
            Some(Op::History) => self.history(frame.json).await,
            Some(Op::Log) => {
                let lines = self.with(|current| {
                    current.logged = current.logged.saturating_add(1);
                    current.logged
                });
                if lines.is_some_and(|lines| lines <= MOST_LINES) {
                    let text = shown(&text(&mut frame.json, "message"), MOST_LOGGED);
                    tracing::debug!(text, "guest log");
                }
                Frame::default()
            }
            // One that is not known is refused there.
            Some(Op::Display | Op::Result | Op::Error | Op::ClearOutput | Op::Comm) | None => self.display(frame).await,
        }
    }
}

impl GuestHost for DoorHost {
    fn call(&self, frame: Frame) -> HostCall<'_, Frame> {
        Box::pin(self.serve(frame))
    }

    fn work(&self, frame: &Frame) -> u64 {
        work(frame)
    }

    fn text<'a>(&'a self, error: bool, bytes: &'a [u8]) -> HostCall<'a, ()> {
        let name = if error { StreamName::Stderr } else { StreamName::Stdout };
        Box::pin(async move {
            // A write of any size goes out piece by piece, so that it takes no more of the host than its room.
            for piece in bytes.chunks(PIECE) {
                self.paced().await;
                let permit = self.room.take(piece.len()).await;
                self.with(|current| current.output.text(name, piece, permit));
            }
        })
    }

    fn asks(&self) -> bool {
        self.with(|current| current.asks) == Some(true)
    }

    fn tick(&self, now: Instant) -> Option<Instant> {
        self.with(|current| {
            let wakes = current.wakes.filter(|wakes| *wakes > now);
            [current.output.tick(now), current.output.due(), wakes].into_iter().flatten().min()
        })
        .flatten()
    }
}

/// Puts the request's id where an output widget says that it captures.
fn name_parent(content: &mut Map<String, Value>, parent: &str) {
    let state = content.get_mut("data").and_then(|data| data.get_mut("state"));
    if let Some(id) = state.and_then(|state| state.get_mut("msg_id"))
        && id == STAND_IN
    {
        *id = parent.into();
    }
}
