//! Entries about paths: what lies outside of what the sandbox sees, and what may not be written.

use super::Condition::{Happened, Leads, Reason, Source, Type};
use super::{Entry, ErrorType, Example, Place};

const FILE: super::Condition = Happened("builtins.OSError");
const REFUSED: super::Condition = Happened("builtins.PermissionError");

const OWN_LINE: Example =
    Example { before: "{line_at_fault}", after: "{line_fixed}", explanation: "The same file within the workspace." };
const ANY_LINE: Example = Example {
    before: "open({path_literal})",
    after: "open({inside_literal})",
    explanation: "The same file within the workspace.",
};

pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: ErrorType::InvalidPath,
        when: &[&[FILE, Leads(&[Place::Climbing])], &[Reason("path")]],
        says: &[
            "`{path}` leads out of the workspace.",
            "There is nothing above `/app` that a cell may see, neither with `..` nor otherwise.",
            "Put the file into the workspace, and call it `{inside}`, or have the policy mount its directory at `/data` (`mount_data_dir`).",
        ],
        docs: &["docs/policy.md"],
        examples: &[OWN_LINE, ANY_LINE],
    },
    Entry {
        kind: ErrorType::PathRestriction,
        when: &[&[FILE, Leads(&[Place::NotGranted])]],
        says: &[
            "The policy has mounted nothing where `{path}` is looked for.",
            "`mount_data_dir` in the policy makes a directory of the host's visible at `/data`, `mounts` others below `/data` and `/mnt`, `external_files` single files at `/external`, all read-only.",
            "Or put the file into the workspace, and call it `{inside}`.",
        ],
        docs: &["docs/policy.md"],
        examples: &[OWN_LINE, ANY_LINE],
    },
    Entry {
        kind: ErrorType::PathRestriction,
        when: &[&[REFUSED, Leads(&[Place::ReadOnly])]],
        says: &[
            "`{path}` is read-only for cells.",
            "Cells write to the workspace, `/app`, and to `/tmp`.",
            "Write to `{inside}` instead.",
        ],
        docs: &["docs/policy.md"],
        examples: &[OWN_LINE, ANY_LINE],
    },
    Entry {
        kind: ErrorType::PathRestriction,
        when: &[&[FILE, Leads(&[Place::Outside])], &[Type("sqlite3.OperationalError"), Leads(&[Place::Outside])]],
        says: &[
            "`{path}` is outside of what the sandbox sees, which is `/app` (the workspace, where relative paths begin), `/tmp`, `/data` and `/external`.",
            "Use `{inside}`: files in the notebook's workspace are at `/app`.",
            "A directory of the host's is seen, read-only, at `/data` if the policy names it (`mount_data_dir`).",
        ],
        docs: &["docs/policy.md"],
        examples: &[OWN_LINE, ANY_LINE],
    },
    Entry {
        kind: ErrorType::PathRestriction,
        when: &[&[REFUSED, Source("symlink")], &[REFUSED, Source("hardlink")], &[REFUSED, Source("os.link")]],
        says: &[
            "The sandbox makes no links, so none to `{path}`: they could lead out of it.",
            "Copy the file instead.",
        ],
        docs: &[],
        examples: &[Example {
            before: "os.symlink(\"/app/a.csv\", \"/app/b.csv\")",
            after: "import shutil\nshutil.copy(\"/app/a.csv\", \"/app/b.csv\")",
            explanation: "A copy instead of a link.",
        }],
    },
];
