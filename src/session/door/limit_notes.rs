//! What is added to an error of the guest's that comes of a limit of the host's: which limit that is, and how it is raised.

use super::host::DoorHost;
use crate::language::exceptions::GuestLimit;
use crate::sandbox::Refusal;
use crate::session::answer::Failure;
use crate::session::output::grouped;

impl DoorHost {
    /// Adds to the traceback of a failure of the guest's that comes of a limit which one that is.
    pub(super) fn note_limit(&self, failure: &mut Failure) {
        let note = self.limit_note(&failure.name, &failure.text);
        failure.traceback.extend(note);
    }

    fn limit_note(&self, ename: &str, evalue: &str) -> Option<String> {
        let (gauges, before) = self.with(|current| current.gauges.clone()).flatten()?;
        let now = gauges.refused();
        let met = |refusal| now.of(refusal) > before.of(refusal);
        let text = self.language.exceptions.limits_of(ename, evalue).find_map(|limit| match limit {
            GuestLimit::Memory if met(Refusal::Memory) => {
                let used = gauges.memory().saturating_sub(self.image) as u64;
                Some(format!(
                    "the session holds {} bytes beyond the warm image and asked for more; {}",
                    grouped(used),
                    self.limits.memory_message()
                ))
            }
            GuestLimit::Recursion => Some(format!(
                "calls nest no deeper than `{}`, which begins at {}; `recursion_limit` in the policy raises that",
                self.language.exceptions.recursion_limit,
                grouped(self.limits.recursion)
            )),
            GuestLimit::OpenFiles if met(Refusal::OpenFile) => Some(format!(
                "{} files are open, which is the limit; `open_files` in the policy raises it",
                grouped(self.limits.open_files as u64)
            )),
            GuestLimit::WorkspaceNames if met(Refusal::WorkspaceNames) => Some(
                "the names of the workspace's files, and what is recorded of each, are more than the 32 MiB that a state \
                 of a session can hold: use fewer files or shorter paths; no setting raises this"
                    .to_owned(),
            ),
            _ => None,
        })?;
        Some(format!("[cellblock] {text}"))
    }
}
