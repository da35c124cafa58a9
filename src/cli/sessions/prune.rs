//! `cellblock sessions prune`.

use std::process::ExitCode;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::arguments::Place;
use super::states::count;
use super::{age, table};
use crate::observe::{PruneCompleted, PruneDeleted, PruneFailed, PruneSkipped, PruneStarted};
use crate::session::working_copy;
use crate::store::catalog::Pruned;

#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// The sessions in which nothing has happened for so long, such as 30d or 12h
    #[arg(long, value_name = "AGE", value_parser = age::parse)]
    older_than: TimeDelta,
    /// Only say which they are
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

impl Prune {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, backend) = self.place.open()?;
        let older_than_hours = u64::try_from(self.older_than.num_hours()).unwrap_or_default();
        PruneStarted { older_than_hours, dry_run: self.dry_run }.log();
        let pruned = working_copy::prune_sessions(&backend, self.older_than, self.dry_run)?;
        self.note(&pruned);
        self.place.answer(&self.as_json(&pruned), &self.as_text(&pruned));
        Ok(if pruned.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn note(&self, pruned: &Pruned) {
        let dry_run = self.dry_run;
        for session in &pruned.deleted_sessions {
            PruneDeleted { session, dry_run }.log();
        }
        for skipped in &pruned.skipped_sessions {
            PruneSkipped { session: &skipped.session_id, reason: skipped.reason }.log();
        }
        for (session, error) in &pruned.errors {
            PruneFailed { session, error }.log();
        }
        let (deleted, bytes) = (pruned.deleted_sessions.len() as u64, pruned.reclaimed_bytes);
        PruneCompleted { deleted, bytes, dry_run }.log();
    }

    fn as_json(&self, pruned: &Pruned) -> Value {
        json!({
            "deleted_sessions": pruned.deleted_sessions,
            "skipped_sessions": pruned.skipped_sessions,
            "reclaimed_bytes": pruned.reclaimed_bytes,
            "errors": pruned.errors,
            "dry_run": self.dry_run,
        })
    }

    fn as_text(&self, pruned: &Pruned) -> String {
        let done = if self.dry_run { "would be deleted" } else { "deleted" };
        let mut lines: Vec<String> = pruned.deleted_sessions.iter().map(|id| format!("{id}: {done}")).collect();
        for skipped in &pruned.skipped_sessions {
            let (id, detail) = (table::plain(&skipped.session_id), table::plain(&skipped.detail));
            lines.push(format!("{id}: left alone ({}): {detail}", skipped.reason));
        }
        for (id, error) in &pruned.errors {
            lines.push(format!("{}: failed: {}", table::plain(id), table::plain(error)));
        }
        let sessions = count(pruned.deleted_sessions.len() as u64, "session");
        lines.push(format!("{sessions} {done}, {}", table::size(pruned.reclaimed_bytes)));
        lines.join("\n")
    }
}
