//! The values of events, as they go to the log. Much of it is said by a guest: text is bounded, and has nothing in
//! it that could end a line or steer a terminal.

use super::visible::shown;

/// Characters of a text.
const MOST_TEXT: usize = 200;
/// Characters of a path.
pub const MOST_PATH: usize = 140;
/// Characters of a cell's source, where the policy has it logged.
const MOST_SOURCE: usize = 100_000;

/// A value of an event.
pub(super) trait Logged {
    /// What it is, for the documentation.
    const KIND: &'static str;
    /// What goes to the log.
    type Value: tracing::Value;
    /// For the log. Called only where the event is logged at all.
    fn logged(&self) -> Self::Value;
}

/// A path in a workspace.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a>(pub &'a str);

/// A cell's source, its lines and tabs as they are: every form of a log line writes them on one line.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a>(pub &'a str);

impl Logged for &str {
    const KIND: &'static str = "text";
    type Value = String;
    fn logged(&self) -> String {
        shown(self, MOST_TEXT)
    }
}

impl Logged for Path<'_> {
    const KIND: &'static str = "path";
    type Value = String;
    fn logged(&self) -> String {
        shown(self.0, MOST_PATH)
    }
}

impl Logged for Source<'_> {
    const KIND: &'static str = "source";
    type Value = String;
    fn logged(&self) -> String {
        self.0.chars().take(MOST_SOURCE).collect()
    }
}

impl Logged for u64 {
    const KIND: &'static str = "number";
    type Value = Self;
    fn logged(&self) -> Self {
        *self
    }
}

impl Logged for bool {
    const KIND: &'static str = "true or false";
    type Value = Self;
    fn logged(&self) -> Self {
        *self
    }
}

impl<T: Logged> Logged for Option<T> {
    const KIND: &'static str = T::KIND;
    type Value = Option<T::Value>;
    fn logged(&self) -> Self::Value {
        self.as_ref().map(T::logged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_bounded_and_steers_nothing() {
        assert_eq!(shown("a\nb\x1b[2J\u{9b}\u{202e}ü", 100), "a�b�[2J��ü");
        assert_eq!(Path(&"ü".repeat(200)).logged().chars().count(), 140);
        assert_eq!("x".repeat(1_000).as_str().logged().len(), MOST_TEXT);
    }
}
