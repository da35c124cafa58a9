//! Python's exceptions that the host has to tell apart.

use crate::language::exceptions::GuestLimit::{Memory, OpenFiles, Recursion, WorkspaceNames};
use crate::language::exceptions::NamePattern::{EndsWith, Is};
use crate::language::exceptions::{Exceptions, LimitError};

/// What they mean.
pub const EXCEPTIONS: Exceptions = Exceptions {
    interrupted: "KeyboardInterrupt",
    out_of_memory: "MemoryError",
    misused_magic: "UsageError",
    recursion_limit: "sys.getrecursionlimit()",
    limits: &[
        // numpy has one of its own, `_ArrayMemoryError`.
        LimitError { limit: Memory, name: EndsWith("MemoryError"), begins: None },
        // Calls in native code have a limit of their own, which no setting raises; the advice says that. And what a
        // program raises itself has words of its own.
        LimitError { limit: Recursion, name: Is("RecursionError"), begins: Some("maximum recursion depth exceeded") },
        LimitError { limit: OpenFiles, name: Is("OSError"), begins: None },
        LimitError { limit: WorkspaceNames, name: Is("OSError"), begins: None },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_lead_to_the_limits_that_they_may_come_of() {
        let limits = |name, text| EXCEPTIONS.limits_of(name, text).collect::<Vec<_>>();
        assert_eq!(limits("_ArrayMemoryError", ""), [Memory]);
        assert_eq!(limits("RecursionError", "maximum recursion depth exceeded"), [Recursion]);
        assert_eq!(limits("RecursionError", "Stack overflow (used 4096 kB)"), []);
        assert_eq!(limits("RecursionError", "the user's own"), []);
        assert_eq!(limits("OSError", ""), [OpenFiles, WorkspaceNames]);
        assert_eq!(limits("ValueError", ""), []);
    }
}
