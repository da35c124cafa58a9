//! Tells on stderr how a run goes: a line that changes on a terminal, one line for each cell elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::said::indented;
use crate::cli::terminal;
use crate::observe::{is_visible, shown_lines};

/// Is told of each cell.
pub(super) trait Report {
    /// A cell begins.
    fn started(&self, source: &str);
    /// It has ended.
    fn ended(&self, failed: bool, took: Duration);
    /// What there is to say about the cell that has ended, of whole lines; may be empty.
    fn note(&self, _text: &str) {}
    /// The run is over.
    fn finished(&self) {}
}

/// The fitting one for stderr.
pub(super) fn reporter(cells: usize) -> Box<dyn Report> {
    if std::io::stderr().is_terminal() { Box::new(OnTerminal::new(cells)) } else { Box::new(InLines::new(cells)) }
}

struct OnTerminal {
    bar: ProgressBar,
}

impl OnTerminal {
    fn new(cells: usize) -> Self {
        let style = ProgressStyle::with_template("{spinner} cell {pos}/{len}  {elapsed}  {wide_msg}");
        let bar = ProgressBar::new(cells as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }
}

impl Report for OnTerminal {
    fn started(&self, source: &str) {
        self.bar.inc(1);
        self.bar.set_message(first_line(source));
    }

    fn ended(&self, _failed: bool, _took: Duration) {}

    fn note(&self, text: &str) {
        if !text.is_empty() {
            self.bar.println(&*shown_lines(indented(text).trim_end()));
        }
    }

    fn finished(&self) {
        self.bar.finish_and_clear();
    }
}

struct InLines {
    cells: usize,
    now: std::cell::Cell<usize>,
}

impl InLines {
    fn new(cells: usize) -> Self {
        Self { cells, now: std::cell::Cell::new(0) }
    }
}

impl Report for InLines {
    fn started(&self, source: &str) {
        self.now.set(self.now.get() + 1);
        terminal::warn_part(&format!("[{}/{}] {}: ", self.now.get(), self.cells, first_line(source)));
    }

    fn ended(&self, failed: bool, took: Duration) {
        terminal::warn(&format!("{} {:.2} s", if failed { "FAILED" } else { "ok" }, took.as_secs_f64()));
    }

    fn note(&self, text: &str) {
        terminal::warn_part(&indented(text));
    }
}

/// The first line that says something, cut and of visible characters alone: a terminal is not to be written to by a
/// notebook.
pub(super) fn first_line(source: &str) -> String {
    first_line_of(source, 60)
}

/// The same with another length.
pub(super) fn first_line_of(source: &str, longest: usize) -> String {
    let line = source.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown: String = line.chars().filter(|char| is_visible(*char)).take(longest + 1).collect();
    if shown.chars().count() > longest {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_cut_and_harmless() {
        assert_eq!(first_line("\n  import a\nb"), "import a");
        assert_eq!(first_line("\u{1b}]52;c;x\u{7}\u{9b}2J\u{202e}"), "]52;c;x2J");
        assert_eq!(first_line(&"x".repeat(100)).chars().count(), 61);
    }

    #[test]
    fn the_template_is_right() {
        OnTerminal::new(3).finished();
        ProgressStyle::with_template("{spinner} cell {pos}/{len}  {elapsed}  {wide_msg}").unwrap();
    }
}
