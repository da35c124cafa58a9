//! Entries about sessions and how cells end that do not end by themselves.

use super::Condition::{Ended as By, Lost, Reason};
use super::{Entry, ErrorType, Example};
use crate::advice::facts::Ended;

pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: ErrorType::InvalidSessionState,
        when: &[&[Lost]],
        says: &[
            "The session could not be brought back, and a new one has begun: no variable of an earlier cell is there.",
            "Run the notebook's cells again from the top. Files in the workspace `/app` may still be there.",
        ],
        docs: &[],
        examples: &[],
    },
    Entry {
        kind: ErrorType::InvalidSessionState,
        when: &[&[By(Ended::HostError)]],
        says: &[
            "The sandbox could not finish this cell: the interpreter in it gave no answer.",
            "The session was rolled back to where it was before the cell, so the next cell can be run as usual.",
            "If the next one ends like this too, an earlier cell has broken the interpreter: `%session undo`, alone in a cell, goes back to before it, and works even then.",
            "If the cell replaces or deletes parts of `cellblock_bridge`, `IPython`, `sys.modules` or `builtins`, leave that out.",
        ],
        docs: &[],
        examples: &[],
    },
    Entry {
        kind: ErrorType::InvalidSessionState,
        when: &[&[Reason("session")]],
        says: &[
            "The session cannot do that in the state in which it is: there is no such saved state, or nothing to go back to.",
            "`%session log` lists the states that there are, and `%session` says which one this is.",
        ],
        docs: &[],
        examples: &[Example {
            before: "%session restore before-cleanup",
            after: "%session save before-cleanup\n# ... later\n%session restore before-cleanup",
            explanation: "A state has to be saved under a name before it can be restored by it.",
        }],
    },
    Entry {
        kind: ErrorType::Interrupted,
        when: &[&[By(Ended::Interrupted)]],
        says: &[
            "The cell was interrupted after {seconds_used} s.",
            "What it had done until then is kept, unless it says otherwise here.",
            "It was in line {line}: `{source}`.",
        ],
        docs: &[],
        examples: &[],
    },
    Entry {
        kind: ErrorType::GuestExited,
        when: &[&[By(Ended::Exited)]],
        says: &[
            "The whole Python process was ended, with status {exit_code}.",
            "The session needs that process, so it was rolled back to where it was before the cell.",
            "Leave out `os._exit()`. To end only the cell, raise an exception; `sys.exit()` does that too.",
        ],
        docs: &[],
        examples: &[Example {
            before: "if not rows:\n    os._exit(1)",
            after: "if not rows:\n    raise SystemExit(\"no rows\")",
            explanation: "`SystemExit` ends the cell and keeps the session.",
        }],
    },
    Entry {
        kind: ErrorType::StateRolledBack,
        when: &[&[By(Ended::Trap)]],
        says: &[
            "Native code in the sandbox crashed (or called `os.abort()`), so the session was rolled back: variables and files are as they were before this cell.",
            "Run the cell in parts to find the call that crashes, and try that call with smaller or simpler input.",
        ],
        docs: &[],
        examples: &[],
    },
];
