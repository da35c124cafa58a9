//! What the cells of a session may use. Set by the host's policy alone; nothing in a notebook changes it.

use std::time::Duration;

use super::output::grouped;
use crate::sandbox::Quota;

/// The limits of a session, and the keys of the policy file that raise them.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// `fuel_budget`: wasm instructions for each cell.
    pub fuel: u64,
    /// `timeout_seconds`: wall-clock time for each cell.
    pub time: Option<Duration>,
    /// `memory_bytes`: guest memory beyond the warm image.
    pub memory: u64,
    /// `stdout_max_bytes` for each cell.
    pub stdout: u64,
    /// `stderr_max_bytes` for each cell.
    pub stderr: u64,
    /// `display_max_bytes`: results, displays and comm messages of each cell.
    pub display: u64,
    /// `output.max_display_bytes`: one display, in all its forms.
    pub one_display: u64,
    /// `output.messages_per_second`: texts, displays and comm messages.
    pub messages_per_second: u64,
    /// `workspace_bytes` and `workspace_files`.
    pub workspace: Quota,
    /// `open_files` at once.
    pub open_files: usize,
    /// `recursion_limit`: nested Python calls.
    pub recursion: u64,
    /// `message_max_bytes`: one message between guest and host, such as a widget's.
    pub message: usize,
    /// `interrupt_grace_seconds`: how long code that was interrupted may go without looking, before the
    /// session is rolled back.
    pub grace: Duration,
}

impl Limits {
    /// What is said of a cell that used up its fuel.
    pub fn fuel_message(&self) -> String {
        format!(
            "the cell used more than its budget of {} units of fuel (wasm instructions); `fuel_budget` in the policy raises it",
            grouped(self.fuel)
        )
    }

    /// What is said of a cell that ran for too long.
    pub fn time_message(&self) -> String {
        let seconds = self.time.unwrap_or_default().as_secs_f64();
        format!("the cell ran longer than {seconds} seconds; `timeout_seconds` in the policy raises the limit")
    }

    /// What is said where the memory limit was met.
    pub fn memory_message(&self) -> String {
        format!(
            "the limit is {} bytes beyond the warm image (`memory_bytes` in the policy raises it)",
            grouped(self.memory)
        )
    }
}

impl Default for Limits {
    /// The `notebook` profile.
    fn default() -> Self {
        Self {
            fuel: 1_000_000_000_000,
            time: None,
            memory: 2 << 30,
            stdout: 50_000_000,
            stderr: 50_000_000,
            display: 200_000_000,
            one_display: 50_000_000,
            messages_per_second: 1000,
            workspace: Quota::default(),
            open_files: 256,
            recursion: 1000,
            message: 128 << 20,
            grace: Duration::from_secs(1),
        }
    }
}
