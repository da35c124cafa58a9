//! `--log`, `--log-format`, `--log-file`: what goes to the log, how and where.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The form of a log line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// For people
    Pretty,
    /// One JSON object a line
    Json,
}

#[derive(Debug, clap::Args)]
pub(super) struct LogArguments {
    /// What to log: error, warn, info, debug, trace, or a filter such as `cellblock::wire=debug`
    #[arg(long, global = true, value_name = "LEVEL|FILTER", default_value = "warn", help_heading = "Logging")]
    log: String,
    /// The form of the log's lines
    #[arg(long, global = true, value_enum, default_value = "pretty", help_heading = "Logging")]
    log_format: LogFormat,
    /// Append the log to a file instead of stderr
    #[arg(long, global = true, value_name = "FILE", help_heading = "Logging")]
    log_file: Option<PathBuf>,
}

impl LogArguments {
    /// Starts logging for this process.
    pub(super) fn start(&self) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(&self.log).with_context(|| format!("--log {}", self.log))?;
        let Some(path) = &self.log_file else {
            self.start_to(filter, std::io::stderr, std::io::stderr().is_terminal());
            return Ok(());
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot open the log file {}", path.display()))?;
        self.start_to(filter, Mutex::new(file), false);
        Ok(())
    }

    fn start_to<W>(&self, filter: EnvFilter, writer: W, colours: bool)
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
        match self.log_format {
            LogFormat::Pretty => log.init(),
            LogFormat::Json => log.json().init(),
        }
    }
}
