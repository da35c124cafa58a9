//! A request's way out: one ordered queue of events, bounded in bytes, with text coalesced and capped.

pub(super) mod checks;
pub(super) mod filter;
pub(super) mod rate_limit;
pub(super) mod reply_cut;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::filter::{Check, Checked, RequestFilter, SessionFilter};
use self::rate_limit::Pace;
use self::reply_cut::Allowance;
use super::answer::{Answer, Failure};
use super::event::{Event, Queued, StreamName};
use super::limits::Limits;
use crate::firewall::Removals;

/// Bytes of output that may be on their way to the clients; past it the guest waits.
const ROOM: usize = 16 << 20;
/// What the errors of a request may have whatever its displays took, together; and what a reply may have whatever the
/// policy says. Why a cell failed is always said.
const ERRORS: usize = 64 << 10;
/// What one error may have of it.
const ERROR: usize = 16 << 10;
/// Text is sent when this much has come together …
const CHUNK: usize = 64 << 10;
/// … or when the first of it is this old.
const DELAY: Duration = Duration::from_millis(40);

/// The room that a session's undelivered output may take.
#[derive(Debug, Clone)]
pub struct OutputBudget(Arc<Semaphore>);

impl OutputBudget {
    /// An empty room of 16 MiB.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }

    /// Waits until `bytes` fit. What is larger than the whole room waits for all of it.
    pub async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.clamp(1, ROOM)).unwrap_or(u32::MAX);
        match self.0.clone().try_acquire_many_owned(permits) {
            Ok(permit) => Some(permit),
            Err(_) => self.0.clone().acquire_many_owned(permits).await.ok(),
        }
    }
}

impl Default for OutputBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// The output of one request.
#[derive(Debug)]
pub struct Output {
    events: UnboundedSender<Queued>,
    /// The request to which what comes now belongs, if that is another one.
    parent: Option<Arc<str>>,
    pending: Option<Pending>,
    stdout: Capped,
    stderr: Capped,
    displays: u64,
    displays_limit: u64,
    display_limit: u64,
    /// What errors may have when displays may have no more.
    errors_left: usize,
    pace: Pace,
    outgoing: RequestFilter,
    /// Whether an error of the request's own went out.
    has_shown_error: bool,
}

#[derive(Debug)]
struct Pending {
    name: StreamName,
    text: Vec<u8>,
    permit: Option<OwnedSemaphorePermit>,
    since: Instant,
}

/// A byte count with a cap.
#[derive(Debug)]
struct Capped {
    left: u64,
    limit: u64,
    cut: bool,
}

impl Capped {
    fn new(limit: u64) -> Self {
        Self { left: limit, limit, cut: false }
    }

    /// How many of `bytes` may pass, and whether the cap was reached just now.
    fn pass(&mut self, bytes: usize) -> (usize, bool) {
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes);
        self.left -= allowed as u64;
        let cut = allowed < bytes && !self.cut;
        self.cut |= cut;
        (allowed, cut)
    }
}

impl Output {
    /// The output of a request whose events go to `events`, as far as the firewall lets them.
    pub fn new(events: UnboundedSender<Queued>, limits: &Limits, session_filter: SessionFilter) -> Self {
        Self {
            events,
            parent: None,
            pending: None,
            stdout: Capped::new(limits.stdout),
            stderr: Capped::new(limits.stderr),
            displays: 0,
            displays_limit: limits.display,
            display_limit: limits.one_display,
            errors_left: ERRORS,
            pace: Pace::new(limits.messages_per_second, Instant::now()),
            outgoing: RequestFilter::new(session_filter),
            has_shown_error: false,
        }
    }

    /// What comes from now on belongs to another request, or again to the one that is being served.
    /// Answers to which it was until now.
    pub fn belong_to(&mut self, parent: Option<Arc<str>>) -> Option<Arc<str>> {
        self.flush();
        std::mem::replace(&mut self.parent, parent)
    }

    /// Takes text, for which `permit` has made room.
    pub fn text(&mut self, name: StreamName, bytes: &[u8], permit: Option<OwnedSemaphorePermit>) {
        let (key, capped) = match name {
            StreamName::Stdout => ("stdout_max_bytes", &mut self.stdout),
            StreamName::Stderr => ("stderr_max_bytes", &mut self.stderr),
        };
        let limit = capped.limit;
        let (allowed, cut) = capped.pass(bytes.len());
        if let Some(bytes) = bytes.get(..allowed).filter(|bytes| !bytes.is_empty()) {
            self.append(name, bytes, permit);
        }
        if cut {
            let note = format!(
                "\n[cellblock] {} of this cell was cut at {} bytes; the rest is not shown. `{key}` in the policy raises the limit.\n",
                name.as_str(),
                grouped(limit)
            );
            self.append(StreamName::Stderr, note.as_bytes(), None);
        }
    }

    fn append(&mut self, name: StreamName, bytes: &[u8], permit: Option<OwnedSemaphorePermit>) {
        if self.pending.as_ref().is_some_and(|pending| pending.name != name) {
            self.flush();
        }
        let pending =
            self.pending.get_or_insert_with(|| Pending { name, text: Vec::new(), permit: None, since: Instant::now() });
        pending.text.extend_from_slice(bytes);
        match (&mut pending.permit, permit) {
            (Some(held), Some(new)) => held.merge(new),
            (held @ None, Some(new)) => *held = Some(new),
            (_, None) => {}
        }
        if pending.text.len() >= CHUNK {
            self.send_text(false);
        }
    }

    /// Sends what was held for long enough; says when to come back.
    pub fn tick(&mut self, now: Instant) -> Option<Instant> {
        let due = self.pending.as_ref()?.since + DELAY;
        if now < due {
            return Some(due);
        }
        self.send_text(false);
        self.pending.as_ref().map(|pending| pending.since + DELAY)
    }

    /// Sends all text that is held.
    pub fn flush(&mut self) {
        self.send_text(true);
    }

    /// Sends the held text; a character whose bytes have not all come is kept back, unless `all`.
    fn send_text(&mut self, all: bool) {
        let Some(mut pending) = self.pending.take() else { return };
        let rest = if all { Vec::new() } else { pending.text.split_off(whole(&pending.text)) };
        if !pending.text.is_empty() {
            let text = String::from_utf8(pending.text)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            self.put(Event::Stream { name: pending.name, text }, pending.permit.take());
        }
        if !rest.is_empty() {
            let since = Instant::now();
            self.pending = Some(Pending { name: pending.name, text: rest, permit: pending.permit, since });
        }
    }

    /// Sends an event after all text that came before it.
    pub fn event(&mut self, event: Event, permit: Option<OwnedSemaphorePermit>) {
        self.flush();
        self.put(event, permit);
    }

    /// An event whose check takes its time, to be done elsewhere …
    pub fn check(&mut self, event: Event) -> Check {
        self.outgoing.check(event)
    }

    /// … and sent when it is done, after all text that came before it.
    pub fn checked(&mut self, checked: Checked, permit: Option<OwnedSemaphorePermit>) {
        self.flush();
        if let Some(event) = self.outgoing.done(checked) {
            self.send(event, permit);
        }
    }

    /// When the next message may be sent, if not now: it would be more than the policy allows in a second.
    pub fn due(&mut self) -> Option<Instant> {
        self.pace.due(Instant::now())
    }

    /// Counts the bytes of a display; past the limit, what to tell the guest.
    ///
    /// # Errors
    /// The text of the refusal.
    pub fn count_display(&mut self, bytes: usize) -> Result<(), String> {
        if bytes as u64 > self.display_limit {
            return Err(format!(
                "a display of {} bytes is over the limit of {} (`output.max_display_bytes` in the policy raises it)",
                grouped(bytes as u64),
                grouped(self.display_limit)
            ));
        }
        let total = self.displays.saturating_add(bytes as u64);
        if total > self.displays_limit {
            return Err(format!(
                "displays of this cell would come to {} bytes, over the limit of {} (`display_max_bytes` in the policy raises it)",
                grouped(total),
                grouped(self.displays_limit)
            ));
        }
        self.displays = total;
        Ok(())
    }

    /// Cuts the texts of an error to what may be displayed, and counts them. Answers what they are now, in bytes, and the
    /// key of the limit if they were cut; nothing if there may be no more errors.
    pub fn count_error(&mut self, failure: &mut Failure) -> Option<(usize, Option<&'static str>)> {
        let mut allowance = self.allowance(self.displays);
        let reserve = self.errors_left.min(ERROR);
        let is_reserve = allowance.bytes < reserve;
        if is_reserve {
            allowance.bytes = reserve;
        }
        if allowance.bytes == 0 {
            return None;
        }
        let (bytes, cut) = reply_cut::error(failure, allowance);
        if is_reserve {
            self.errors_left = self.errors_left.saturating_sub(bytes);
        }
        self.displays = self.displays.saturating_add(bytes as u64).min(self.displays_limit);
        Some((bytes, cut.then_some(allowance.key)))
    }

    /// What a display may have after so many bytes of them.
    fn allowance(&self, taken: u64) -> Allowance {
        let left = self.displays_limit.saturating_sub(taken);
        let (bytes, limit, key) = if self.display_limit < left {
            (self.display_limit, self.display_limit, "output.max_display_bytes")
        } else {
            (left, self.displays_limit, "display_max_bytes")
        };
        Allowance { bytes: usize::try_from(bytes).unwrap_or(usize::MAX), limit, key }
    }

    /// Whether stdout and stderr were cut.
    pub fn cut(&self) -> (bool, bool) {
        (self.stdout.cut, self.stderr.cut)
    }

    /// Checks what the request is answered, in place. It may have what one display of a cell may have that shows nothing
    /// else. Answers the limit, and its key, if something was cut.
    pub fn check_answer(&mut self, failure: &mut Option<Failure>, answer: &mut Answer) -> Option<(u64, &'static str)> {
        let mut allowance = self.allowance(0);
        allowance.bytes = allowance.bytes.max(ERROR);
        let cut = reply_cut::answer(failure, answer, allowance);
        self.outgoing.answer(failure, answer);
        cut.then_some((allowance.limit, allowance.key))
    }

    /// Whether why the request failed has been shown.
    pub fn has_shown_error(&self) -> bool {
        self.has_shown_error
    }

    /// What the firewall has removed until now.
    pub fn removed(&self) -> &Removals {
        self.outgoing.removed()
    }

    fn put(&mut self, event: Event, permit: Option<OwnedSemaphorePermit>) {
        if let Some(event) = self.outgoing.event(event) {
            self.send(event, permit);
        }
    }

    fn send(&mut self, event: Event, permit: Option<OwnedSemaphorePermit>) {
        self.has_shown_error |= matches!(event, Event::Error(_)) && self.parent.is_none();
        self.pace.spend(Instant::now());
        // Nobody listens any more: the face is gone, and the cell runs to its end for the state's sake.
        let _ = self.events.send(Queued { event, permit, parent: self.parent.clone() });
    }
}

/// The length of `bytes` without an incomplete character at its end.
fn whole(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let Some(byte) = bytes.get(at) else { break };
        let length = match byte {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            0x80..=0xBF => continue,
            _ => 1,
        };
        return if length > back { at } else { bytes.len() };
    }
    bytes.len()
}

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn texts(receiver: &mut UnboundedReceiver<Queued>) -> Vec<(StreamName, String)> {
        std::iter::from_fn(|| receiver.try_recv().ok())
            .map(|queued| match queued.event {
                Event::Stream { name, text } => (name, text),
                other => panic!("not text: {other:?}"),
            })
            .collect()
    }

    #[test]
    fn text_is_coalesced_until_the_other_stream_speaks() {
        let (sender, mut receiver) = unbounded_channel();
        let mut output = Output::new(sender, &Limits::default(), SessionFilter::default());
        output.text(StreamName::Stdout, b"a", None);
        output.text(StreamName::Stdout, b"b", None);
        assert!(texts(&mut receiver).is_empty());
        output.text(StreamName::Stderr, b"c", None);
        output.flush();
        assert_eq!(texts(&mut receiver), [(StreamName::Stdout, "ab".into()), (StreamName::Stderr, "c".into())]);
    }

    #[test]
    fn a_character_is_not_torn() {
        let (sender, mut receiver) = unbounded_channel();
        let mut output = Output::new(sender, &Limits::default(), SessionFilter::default());
        let (first, second) = "€".as_bytes().split_at(1);
        output.text(StreamName::Stdout, &[b"x", first].concat(), None);
        output.tick(Instant::now() + DELAY);
        output.text(StreamName::Stdout, second, None);
        output.flush();
        let texts: String = texts(&mut receiver).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, "x€");
    }

    #[test]
    fn what_is_cut_is_said_once() {
        let (sender, mut receiver) = unbounded_channel();
        let limits = Limits { stdout: 3, ..Limits::default() };
        let mut output = Output::new(sender, &limits, SessionFilter::default());
        for _ in 0..4 {
            output.text(StreamName::Stdout, b"ab", None);
        }
        output.flush();
        let texts = texts(&mut receiver);
        assert_eq!(texts[0], (StreamName::Stdout, "aba".into()));
        assert_eq!(texts.len(), 2);
        assert!(texts[1].1.contains("stdout_max_bytes"), "{texts:?}");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1234567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
