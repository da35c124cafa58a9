//! Progress on a terminal: a bar, sizes, time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::progress::Progress;
use crate::observe::shown_lines;

/// Draws one bar on stderr for the stage that runs.
#[derive(Debug, Default)]
pub struct Bar {
    current: Mutex<Option<ProgressBar>>,
    cancelled: AtomicBool,
}

impl Bar {
    /// Makes the set-up stop at the next chance.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn with(&self, act: impl FnOnce(&ProgressBar)) {
        let current = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(bar) = &*current {
            act(bar);
        }
    }
}

/// The template is ours, so a mistake in it shows in the tests and not to a user.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

const WITH_TOTAL: &str = "{prefix} {msg}  [{bar:24}] {bytes}/{total_bytes}  {elapsed}";
const WITHOUT_TOTAL: &str = "{prefix} {msg}  {spinner} {bytes}  {elapsed}";
const WITHOUT_BYTES: &str = "{prefix} {msg}  {spinner} {elapsed}";

impl Progress for Bar {
    fn stage_started(&self, index: usize, count: usize, title: &str) {
        let bar = ProgressBar::no_length().with_style(style(WITHOUT_BYTES));
        bar.set_prefix(format!("[{index}/{count}]"));
        bar.set_message(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(bar);
    }

    fn bytes(&self, done: u64, total: u64) {
        self.with(|bar| {
            if total > 0 && bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(style(WITH_TOTAL));
            } else if total == 0 && bar.position() == 0 {
                bar.set_style(style(WITHOUT_TOTAL));
            }
            bar.set_position(if total > 0 { done.min(total) } else { done });
        });
    }

    fn message(&self, text: &str) {
        let current = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*current {
            Some(bar) => bar.println(format!("      {}", shown_lines(text))),
            None => {
                // Before the first stage there is no bar to print above of.
                let line = ProgressBar::no_length();
                line.println(&*shown_lines(text));
            }
        }
    }

    fn stage_finished(&self, title: &str, took: Duration) {
        let bar = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(bar) = bar {
            let prefix = bar.prefix();
            bar.println(format!("{prefix} {title}  {:.1} s", took.as_secs_f64()));
            bar.finish_and_clear();
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_right() {
        for template in [WITH_TOTAL, WITHOUT_TOTAL, WITHOUT_BYTES] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
