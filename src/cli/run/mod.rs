//! `cellblock run`: executes a notebook's cells in a session and writes the outputs back.
//!
//! Talks to the session directly; Jupyter's messages are not involved.

mod execute;
mod notebook;
mod outputs;
mod report;
mod said;
mod widgets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc::UnboundedReceiver;

use super::metrics_signal::SnapshotRequests;
use super::policy::PolicyArguments;
use super::terminal;
use crate::observe::Metrics;
use crate::session::scratch::Scratch;
use crate::session::{Which, factory};
use crate::setup::progress::Silent;
use execute::{End, Execution};
use notebook::Notebook;

/// The exit code of a run that Ctrl-C ended, as shells count it.
const INTERRUPTED: u8 = 130;

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The notebook (.ipynb)
    notebook: PathBuf,
    /// Where the executed notebook is written; `-` for stdout [default: the notebook itself]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Seconds that each cell may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<f64>,
    /// Go on after cells that fail
    #[arg(long)]
    allow_errors: bool,
    #[command(flatten)]
    policy: PolicyArguments,
}

impl Run {
    pub(super) fn run(self, snapshots: SnapshotRequests) -> anyhow::Result<ExitCode> {
        let mut policy = self.policy.policy()?;
        let metrics = Arc::<Metrics>::default();
        snapshots.answer(metrics.clone())?;
        if self.timeout.is_some() {
            policy.timeout_seconds = self.timeout;
        }
        let mut notebook = Notebook::read(&self.notebook)?;
        let output = self.output.unwrap_or_else(|| self.notebook.clone());
        notebook::can_be_written(&output)?;

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        super::setup::prepared(factory::edition(&policy))?;
        let scratch = Scratch::make().context("cannot make a temporary directory for the session")?;
        let advice = policy.advice.clone();
        let session = super::session::start(policy, Which::Unkept, &scratch, metrics, Box::new(Silent))?;
        let reporter = report::reporter(notebook.code_cells().count());
        let end = runtime.block_on(async {
            let interrupts = interrupts()?;
            let allow_errors = self.allow_errors;
            let execution = Execution { session, allow_errors, advice, reporter: reporter.as_ref(), interrupts };
            anyhow::Ok(execution.run(&mut notebook).await)
        })?;
        reporter.finished();

        notebook.write(&output).context("the notebook was executed, but its outputs are lost")?;
        Ok(match end {
            End::Fine => ExitCode::SUCCESS,
            End::Failed(failure) => {
                terminal::warn(&format!("cellblock: {failure}"));
                ExitCode::FAILURE
            }
            End::Interrupted => {
                terminal::warn("cellblock: interrupted; the outputs so far are written");
                ExitCode::from(INTERRUPTED)
            }
        })
    }
}

/// One item for each SIGINT from now on.
fn interrupts() -> anyhow::Result<UnboundedReceiver<()>> {
    let mut signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move { while signals.recv().await.is_some() && sender.send(()).is_ok() {} });
    Ok(receiver)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=31_536_000.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.001 to 31536000".to_owned()),
    }
}
