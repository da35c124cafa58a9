//! How a set-up tells what it is doing, to whoever is watching.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

/// Is told what a set-up does. Called from several threads, one call at a time for one stage.
pub trait Progress: Send + Sync {
    /// A stage begins: `index` of `count`, from 1.
    fn stage_started(&self, index: usize, count: usize, title: &str);
    /// How far the stage is, in bytes; `total` is 0 where it is not known.
    fn bytes(&self, done: u64, total: u64);
    /// Something worth a line, such as waiting for another set-up.
    fn message(&self, text: &str);
    /// The stage goes on; called about every second, for stages that cannot count.
    fn still_working(&self, _elapsed: Duration) {}
    /// The stage has ended.
    fn stage_finished(&self, title: &str, took: Duration);
    /// Whether the user wants to stop; asked a few times a second where it can be.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage_started(&self, _: usize, _: usize, _: &str) {}
    fn bytes(&self, _: u64, _: u64) {}
    fn message(&self, _: &str) {}
    fn stage_finished(&self, _: &str, _: Duration) {}
}

/// Plain lines, for logs and for cells that wait: one line when a stage begins and ends, and one every few
/// seconds between.
pub struct Lines<W> {
    every: Duration,
    state: Mutex<LinesState<W>>,
}

struct LinesState<W> {
    out: W,
    title: String,
    last: Instant,
}

impl<W: Write + Send> Lines<W> {
    /// Lines to `out`.
    pub fn new(out: W) -> Self {
        let state = LinesState { out, title: String::new(), last: Instant::now() };
        Self { every: Duration::from_secs(5), state: Mutex::new(state) }
    }

    fn with(&self, act: impl FnOnce(&mut LinesState<W>) -> std::io::Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Nobody may be reading any more; the set-up goes on all the same.
        let _ = act(&mut state).and_then(|()| state.out.flush());
    }

    /// One line now and then, however often it is called.
    fn now_and_then(&self, line: impl FnOnce(&str) -> String) {
        self.with(|state| {
            if state.last.elapsed() < self.every {
                return Ok(());
            }
            state.last = Instant::now();
            let line = line(&state.title);
            writeln!(state.out, "{line}")
        });
    }
}

impl<W: Write + Send> Progress for Lines<W> {
    fn stage_started(&self, index: usize, count: usize, title: &str) {
        self.with(|state| {
            title.clone_into(&mut state.title);
            state.last = Instant::now();
            writeln!(state.out, "[{index}/{count}] {title} …")
        });
    }

    fn bytes(&self, done: u64, total: u64) {
        self.now_and_then(|title| match total {
            0 => format!("      {title}: {}", size(done)),
            _ => format!("      {title}: {} of {}", size(done), size(total)),
        });
    }

    fn message(&self, text: &str) {
        self.with(|state| writeln!(state.out, "      {text}"));
    }

    fn still_working(&self, elapsed: Duration) {
        self.now_and_then(|title| format!("      {title}: {} s", elapsed.as_secs()));
    }

    fn stage_finished(&self, title: &str, took: Duration) {
        self.with(|state| writeln!(state.out, "      {title}: done in {:.1} s", took.as_secs_f64()));
    }
}

/// Text for a cell that waits for the set-up: what [`Lines`] writes, sent through a channel.
pub fn to_channel(sender: UnboundedSender<String>) -> impl Progress {
    Lines::new(ChannelWriter(sender))
}

struct ChannelWriter(UnboundedSender<String>);

impl Write for ChannelWriter {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let sent = self.0.send(String::from_utf8_lossy(text).into_owned());
        sent.map(|()| text.len()).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_when_a_stage_begins_and_ends() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let progress = to_channel(sender);
        progress.stage_started(1, 3, "Fetching");
        progress.bytes(5, 10);
        progress.message("pip retries");
        progress.stage_finished("Fetching", Duration::from_millis(1500));
        drop(progress);
        let text: String = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        assert_eq!(text, "[1/3] Fetching …\n      pip retries\n      Fetching: done in 1.5 s\n");
    }

    #[test]
    fn a_reader_that_is_gone_stops_nothing() {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        drop(receiver);
        to_channel(sender).message("nobody listens");
    }
}
