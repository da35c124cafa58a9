//! The form of log lines: one JSON object a line, and the guard that keeps any line, whatever is in it, from
//! becoming two or steering a terminal.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::{events, metrics, visible};

/// Lines as JSON objects: `timestamp`, `level`, `target`, then `event` (of the table's events) or `message`, and the
/// fields next to them.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let target = event.metadata().target();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), target.into());
        let is_named = matches!(target, events::TARGET | metrics::TARGET);
        let said = if is_named { "event" } else { "message" };
        line.insert(said.to_owned(), Value::Null);
        event.record(&mut Fields { line: &mut line, said, is_metrics: target == metrics::TARGET });
        line.retain(|_, value| !value.is_null());
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Puts an event's fields into a line.
struct Fields<'a> {
    line: &'a mut Map<String, Value>,
    /// What the message is called.
    said: &'static str,
    is_metrics: bool,
}

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        let name = if field.name() == "message" { self.said } else { field.name() };
        self.line.insert(name.to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        // The snapshot is JSON already.
        let nested = if self.is_metrics { serde_json::from_str(&text).ok() } else { None };
        self.put(field, nested.unwrap_or(Value::String(text)));
    }
}

/// Where lines go, with a guard before it.
#[derive(Debug)]
pub struct Guard<W> {
    to: W,
    /// Whether the text form writes colours; it escapes those of others itself.
    colours: bool,
    is_json: fn() -> bool,
}

impl<W> Guard<W> {
    /// A guard before `to`; `is_json` says which escapes the line's form has.
    pub fn new(to: W, colours: bool, is_json: fn() -> bool) -> Self {
        Self { to, colours, is_json }
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Guard<W> {
    type Writer = Guarded<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Guarded { to: self.to.make_writer(), colours: self.colours, is_json: (self.is_json)() }
    }
}

/// Takes one whole line with each write, as `tracing_subscriber` gives them.
#[derive(Debug)]
pub struct Guarded<W> {
    to: W,
    colours: bool,
    is_json: bool,
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (body, end) = text.strip_suffix('\n').map_or((&*text, ""), |body| (body, "\n"));
        let escaped = escape(body, self.colours && !self.is_json, self.is_json);
        self.to.write_all(format!("{escaped}{end}").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A line's text, with what would end it or steer a terminal escaped: so that it is still JSON, if it was.
fn escape(text: &str, colours: bool, is_json: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        // Writing to a string never fails.
        let _ = match char {
            '\x1b' if colours => escaped.write_char(char),
            '\n' => escaped.write_str("\\n"),
            char if visible::is_visible(char) => escaped.write_char(char),
            char if is_json => {
                visible::escape(char, &mut escaped);
                Ok(())
            }
            char => write!(escaped, "{}", char.escape_unicode()),
        };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_makes_a_second_line_or_steers_a_terminal() {
        let hostile = "a\nERROR forged\r\x1b]52;c;x\x07\u{9b}2J\u{2028}\u{202e}b";
        let text = escape(hostile, false, false);
        assert_eq!(text, "a\\nERROR forged\\u{d}\\u{1b}]52;c;x\\u{7}\\u{9b}2J\\u{2028}\\u{202e}b");
        let json = escape(&serde_json::to_string(hostile).unwrap(), false, true);
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn a_line_stays_one_line() {
        let mut lines = Vec::new();
        let mut guarded = Guarded { to: &mut lines, colours: false, is_json: false };
        guarded.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(lines, b"one\\ntwo\n");
    }
}
