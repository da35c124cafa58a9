//! `--log`, `--log-format`, `--log-file`: what goes to the log, how and where.

use std::fmt;
use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use anyhow::Context;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::observe::{Guard, JsonLines};
use crate::policy::LogFormat;

/// A snapshot of the metrics was asked for, so it is logged whatever the level.
const ALWAYS: &str = "cellblock::metrics=info";

/// The form of lines: the flag's, or else the policy's, which is read when the log has begun. Text until then.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

#[derive(Debug, clap::Args)]
pub(super) struct LogArguments {
    /// What to log: error, warn, info, debug, trace, or a filter such as `warn,cellblock::event=info`
    #[arg(long, global = true, value_name = "LEVEL|FILTER", default_value = "warn", help_heading = "Logging")]
    log: String,
    /// The form of the log's lines: for people, or one JSON object a line [default: the policy's `log.format`]
    #[arg(long, global = true, value_name = "text|json", value_parser = format, help_heading = "Logging")]
    log_format: Option<LogFormat>,
    /// Append the log to a file instead of stderr
    #[arg(long, global = true, value_name = "FILE", help_heading = "Logging")]
    log_file: Option<PathBuf>,
}

impl LogArguments {
    /// Starts logging for this process.
    pub(super) fn start(&self) -> anyhow::Result<()> {
        if let Some(format) = self.log_format {
            use_format(format);
        }
        let filter = EnvFilter::try_new(&self.log).with_context(|| format!("--log {}", self.log))?;
        let filter = filter.add_directive(ALWAYS.parse()?);
        let Some(path) = &self.log_file else {
            start_to(filter, std::io::stderr, std::io::stderr().is_terminal());
            return Ok(());
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot open the log file {}", path.display()))?;
        start_to(filter, Mutex::new(file), false);
        Ok(())
    }
}

/// The form of lines from now on, unless it was said before: a flag goes before the policy.
pub(super) fn use_format(format: LogFormat) {
    let _ = FORMAT.set(format);
}

fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

fn format(word: &str) -> Result<LogFormat, String> {
    LogFormat::from_word(word).ok_or_else(|| format!("it takes {}", LogFormat::WORDS.join(" or ")))
}

fn start_to<W>(filter: EnvFilter, writer: W, colours: bool)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Guard::new(writer, colours, is_json))
        .with_ansi(colours)
        .event_format(Lines { text: Format::default(), json: JsonLines })
        .init();
}

/// Lines in the form that is wanted by now.
struct Lines {
    text: Format,
    json: JsonLines,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if is_json() {
            self.json.format_event(context, writer, event)
        } else {
            self.text.format_event(context, writer, event)
        }
    }
}
