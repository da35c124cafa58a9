//! The keys of the policy file: names, documentation, what is allowed, and the defaults of each profile.
//! Everything else that is said of them, `config/policy.toml` and `docs/policy.md` included, is made from or
//! tested against this table.

use std::time::Duration;

use super::key::{Default, Key};
use super::kind::{Kind, Setting};
use super::sections::{Durability, FuelAdvice, Heal, Ids, LogFormat, Persist, Resume, Store};

/// The key of this whole name.
pub fn find_key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

const B: u64 = 1_000_000_000;
const MB: u64 = 1_000_000;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const YEAR: f64 = 31_536_000.0;

/// Sets a field from a setting of one kind; the reader has made sure of the kind.
macro_rules! set {
    ($($field:ident).+, $kind:ident) => {
        |policy, setting| {
            if let Setting::$kind(value) = setting {
                policy.$($field).+ = value;
            }
        }
    };
}

/// The same for a field that may be unset.
macro_rules! set_or_none {
    ($($field:ident).+, $kind:ident) => {
        |policy, setting| {
            policy.$($field).+ = match setting {
                Setting::$kind(value) => Some(value),
                _ => None,
            }
        }
    };
}

/// The same for a field whose type has words.
macro_rules! set_word {
    ($($field:ident).+, $words:ty) => {
        |policy, setting| {
            if let Setting::Word(word) = setting
                && let Some(value) = <$words>::from_word(word)
            {
                policy.$($field).+ = value;
            }
        }
    };
}

const fn counts(notebook: u64, agent: u64, strict: u64) -> [Default; 3] {
    [Default::Count(notebook), Default::Count(agent), Default::Count(strict)]
}

const fn all(default: Default) -> [Default; 3] {
    [default, default, default]
}

const NO: [Default; 3] = all(Default::Flag(false));
const UNSET: [Default; 3] = all(Default::None);

/// All keys, in the order of the documentation: those of the top level first, then table by table.
pub const KEYS: &[Key] = &[
    Key {
        name: "fuel_budget",
        doc: "Wasm instructions (fuel) that one cell may use. 10 billion are about a second of computing.",
        kind: Kind::Count(MB, 1_000_000 * B),
        defaults: counts(1_000 * B, 50 * B, 2 * B),
        example: "",
        set: set!(fuel_budget, Count),
    },
    Key {
        name: "timeout_seconds",
        doc: "Wall-clock seconds that one cell may take, waiting included. Not set: no limit.",
        kind: Kind::Seconds(0.001, YEAR),
        defaults: UNSET,
        example: "60",
        set: set_or_none!(timeout_seconds, Seconds),
    },
    Key {
        name: "interrupt_grace_seconds",
        doc: "Seconds that a cell has to end after an interrupt. Then it is stopped and the session is restored to the state before the cell.",
        kind: Kind::Seconds(0.0, 3_600.0),
        defaults: [Default::Seconds(2.0), Default::Seconds(2.0), Default::Seconds(1.0)],
        example: "",
        set: set!(interrupt_grace_seconds, Seconds),
    },
    Key {
        name: "memory_bytes",
        doc: "Bytes of memory that the guest may have beyond the warm image (about 150 MB). Past it Python raises MemoryError.",
        kind: Kind::Size(16 * MIB, 4 * GIB),
        defaults: counts(2 * GIB, 512 * MIB, 128 * MIB),
        example: "",
        set: set!(memory_bytes, Count),
    },
    Key {
        name: "stdout_max_bytes",
        doc: "Bytes that one cell may write to stdout; the rest is cut, and that is said.",
        kind: Kind::Size(0, 100 * GIB),
        defaults: counts(50 * MB, 2 * MB, 2 * MB),
        example: "",
        set: set!(stdout_max_bytes, Count),
    },
    Key {
        name: "stderr_max_bytes",
        doc: "Bytes that one cell may write to stderr; the rest is cut, and that is said.",
        kind: Kind::Size(0, 100 * GIB),
        defaults: counts(50 * MB, MB, MB),
        example: "",
        set: set!(stderr_max_bytes, Count),
    },
    Key {
        name: "display_max_bytes",
        doc: "Bytes of figures, tables and other displays of one cell, widgets' messages and errors included. Its reply (what `?` shows, the values that a front end asks for, the error once more) may have as much of its own. Errors are cut and say so.",
        kind: Kind::Size(0, 100 * GIB),
        defaults: counts(200 * MB, 20 * MB, 20 * MB),
        example: "",
        set: set!(display_max_bytes, Count),
    },
    Key {
        name: "message_max_bytes",
        doc: "Bytes of one message between guest and host, such as one display or one widget's update. Its lists and objects may take half as much memory besides their text, and at least 64 MiB.",
        kind: Kind::Size(64 << 10, GIB),
        defaults: counts(128 * MIB, 32 * MIB, 16 * MIB),
        example: "",
        set: set!(message_max_bytes, Count),
    },
    Key {
        name: "open_files",
        doc: "Files that the guest may have open at once.",
        kind: Kind::Count(8, 65_536),
        defaults: counts(512, 128, 64),
        example: "",
        set: set!(open_files, Count),
    },
    Key {
        name: "recursion_limit",
        doc: "Depth of Python calls at which RecursionError is raised. `sys.setrecursionlimit` goes before it; memory, fuel and a C stack of 4 MiB, which nothing in a cell can raise, bound what comes of that.",
        kind: Kind::Count(100, 20_000),
        defaults: counts(1_000, 1_000, 1_000),
        example: "",
        set: set!(recursion_limit, Count),
    },
    Key {
        name: "deterministic",
        doc: "Whether every run of a notebook shows the same and takes the same fuel, also if it is killed, evicted, undone or rolled back on the way: a clock that goes on with the fuel, fixed randomness and hash seed, sorted directory listings, one NaN. Code and images for it are made on first use, which takes minutes; numpy is slower. docs/deterministic.md says more.",
        kind: Kind::Flag,
        defaults: NO,
        example: "",
        set: set!(deterministic, Flag),
    },
    Key {
        name: "workspace",
        doc: "The directory of the host that the guest sees as /app and may write to. Not set: a temporary one, gone with the session.",
        kind: Kind::NewDirectory,
        defaults: UNSET,
        example: "\"/path/to/a/directory\"",
        set: set_or_none!(workspace, Path),
    },
    Key {
        name: "workspace_bytes",
        doc: "Bytes of all files in /app and /tmp. Past it writing raises OSError.",
        kind: Kind::Size(0, 16 * TIB),
        defaults: counts(10 * GIB, GIB, 100 * MIB),
        example: "",
        set: set!(workspace_bytes, Count),
    },
    Key {
        name: "workspace_files",
        doc: "Files and directories in /app and /tmp. Past it making one raises OSError.",
        kind: Kind::Count(0, 100_000_000),
        defaults: counts(100_000, 10_000, 1_000),
        example: "",
        set: set!(workspace_files, Count),
    },
    Key {
        name: "mount_data_dir",
        doc: "A directory of the host that the guest sees, read-only, as /data (its site-packages, if it has any, is hidden by Cellblock's).",
        kind: Kind::Directory,
        defaults: UNSET,
        example: "\"/path/to/data\"",
        set: set_or_none!(mount_data_dir, Path),
    },
    Key {
        name: "external_files",
        doc: "Files of the host that the guest sees, read-only, in /external: copies, made when the session starts.",
        kind: Kind::Files,
        defaults: all(Default::NoPaths),
        example: "[\"/path/to/a/file.csv\"]",
        set: set!(external_files, Paths),
    },
    Key {
        name: "external_max_bytes",
        doc: "Bytes that one of the external files may have.",
        kind: Kind::Size(MB, 500 * MB),
        defaults: counts(50 * MB, 50 * MB, 50 * MB),
        example: "",
        set: set!(external_max_bytes, Count),
    },
    Key {
        name: "env",
        doc: "Environment variables for the guest. Nothing of the host's own environment is seen.",
        kind: Kind::Env,
        defaults: all(Default::NoTexts),
        example: "MY_VARIABLE = \"value\"",
        set: set!(env, Texts),
    },
    Key {
        name: "mounts",
        doc: "Further directories of the host that the guest sees, read-only. Guest paths are below /data or /mnt; within another directory of the host's, only where that has a directory.",
        kind: Kind::Mounts,
        defaults: all(Default::NoMounts),
        example: "\"/mnt/models\" = \"/path/to/models\"",
        set: set!(mounts, Mounts),
    },
    Key {
        name: "output.messages_per_second",
        doc: "Messages (texts, displays, widgets' updates) that a session may send in a second. Past it texts are joined and the cell waits.",
        kind: Kind::Count(1, MB),
        defaults: counts(1_000, 500, 100),
        example: "",
        set: set!(output.messages_per_second, Count),
    },
    Key {
        name: "output.max_display_bytes",
        doc: "Bytes of one display: one figure or table, in all its forms. An error and a reply are held to it, too.",
        kind: Kind::Size(0, GIB),
        defaults: counts(50 * MB, 10 * MB, 5 * MB),
        example: "",
        set: set!(output.max_display_bytes, Count),
    },
    Key {
        name: "output.active_content",
        doc: "Whether outputs may run in the reader's page: scripts, event handlers, frames, forms, widgets with code. Such an output can drive the whole Jupyter server.",
        kind: Kind::Flag,
        defaults: NO,
        example: "",
        set: set!(output.active_content, Flag),
    },
    Key {
        name: "output.remote_resources",
        doc: "Whether outputs may load images, styles and fonts from elsewhere. Such a reference can carry data out of the sandbox.",
        kind: Kind::Flag,
        defaults: NO,
        example: "",
        set: set!(output.remote_resources, Flag),
    },
    Key {
        name: "output.terminal",
        doc: "Whether texts may carry terminal escapes other than colours and cursor basics, such as those that set the title or the clipboard.",
        kind: Kind::Flag,
        defaults: NO,
        example: "",
        set: set!(output.terminal, Flag),
    },
    Key {
        name: "output.comm_targets",
        doc: "Comm targets of front-end extensions that cells may open, besides the widgets'. What an extension does with a message is its own affair.",
        kind: Kind::Targets,
        defaults: all(Default::NoNames),
        example: "[\"my-extension\"]",
        set: set!(output.comm_targets, Names),
    },
    Key {
        name: "session.persist",
        doc: "What of a session outlives its process: nothing (off), or every cell.",
        kind: Kind::Choice(Persist::WORDS),
        defaults: [Default::Word("cells"), Default::Word("off"), Default::Word("off")],
        example: "",
        set: set_word!(session.persist, Persist),
    },
    Key {
        name: "session.durability",
        doc: "When a cell is answered: at once, and written to disk right after (relaxed), or once it is on disk (sync).",
        kind: Kind::Choice(Durability::WORDS),
        defaults: all(Default::Word("relaxed")),
        example: "",
        set: set_word!(session.durability, Durability),
    },
    Key {
        name: "session.resume",
        doc: "When a notebook has a saved session: say so and wait for `%session resume` (ask), take it (always), or begin anew (never).",
        kind: Kind::Choice(Resume::WORDS),
        defaults: all(Default::Word("ask")),
        example: "",
        set: set_word!(session.resume, Resume),
    },
    Key {
        name: "session.heal",
        doc: "When cells have broken the interpreter so that a second request in a row gets no answer: say how to go back with `%session undo`, which needs nothing of the interpreter (offer), or undo the last cell, and say so (undo).",
        kind: Kind::Choice(Heal::WORDS),
        defaults: all(Default::Word("offer")),
        example: "",
        set: set_word!(session.heal, Heal),
    },
    Key {
        name: "session.idle_evict",
        doc: "Seconds after which an idle session gives its memory back; the next request brings it back. 0: never.",
        kind: Kind::Seconds(0.0, YEAR),
        defaults: all(Default::Seconds(900.0)),
        example: "",
        set: |policy, setting| {
            policy.session.idle_evict = match setting {
                Setting::Seconds(seconds) if seconds > 0.0 => Duration::try_from_secs_f64(seconds).ok(),
                _ => None,
            }
        },
    },
    Key {
        name: "session.undo",
        doc: "Cells that `%session undo` can go back.",
        kind: Kind::Count(0, 1_000),
        defaults: counts(20, 20, 20),
        example: "",
        set: set!(session.undo, Count),
    },
    Key {
        name: "session.undo_bytes",
        doc: "Bytes that the states for undo may take; the oldest go first.",
        kind: Kind::Size(0, 16 * TIB),
        defaults: counts(GIB, 256 * MIB, 64 * MIB),
        example: "",
        set: set!(session.undo_bytes, Count),
    },
    Key {
        name: "session.max_bytes",
        doc: "Bytes that one stored session may take, files and history included.",
        kind: Kind::Size(MIB, 16 * TIB),
        defaults: counts(8 * GIB, 2 * GIB, 512 * MIB),
        example: "",
        set: set!(session.max_bytes, Count),
    },
    Key {
        name: "session.store",
        doc: "Where sessions are kept. Not set: in the user's data directory.",
        kind: Kind::Store,
        defaults: UNSET,
        example: "\"s3://bucket/prefix\"",
        set: |policy, setting| {
            policy.session.store = match setting {
                Setting::Path(path) => Some(Store::Directory(path)),
                Setting::Text(url) => Some(Store::Url(url)),
                _ => None,
            }
        },
    },
    Key {
        name: "session.ids",
        doc: "Which names sessions may have: any, or UUIDs only.",
        kind: Kind::Choice(Ids::WORDS),
        defaults: all(Default::Word("any")),
        example: "",
        set: set_word!(session.ids, Ids),
    },
    Key {
        name: "packages.install",
        doc: "Whether pure-Python packages may be installed into a session. Nothing in this version installs any, whatever this says.",
        kind: Kind::Flag,
        defaults: NO,
        example: "",
        set: set!(packages.install, Flag),
    },
    Key {
        name: "packages.allowed",
        doc: "The packages that may be installed where `packages.install` is true. Not set: all.",
        kind: Kind::Packages,
        defaults: UNSET,
        example: "[\"tabulate\"]",
        set: set_or_none!(packages.allowed, Names),
    },
    Key {
        name: "advice.fuel",
        doc: "When the analysis of a cell's fuel is displayed: when much of the budget was used (warnings), always, or never. `%fuel` shows it at any time.",
        kind: Kind::Choice(FuelAdvice::WORDS),
        defaults: all(Default::Word("warnings")),
        example: "",
        set: set_word!(advice.fuel, FuelAdvice),
    },
    Key {
        name: "advice.errors",
        doc: "Whether guidance is displayed after an error that the sandbox caused.",
        kind: Kind::Flag,
        defaults: all(Default::Flag(true)),
        example: "",
        set: set!(advice.errors, Flag),
    },
    Key {
        name: "log.code",
        doc: "Whether the log carries the code of cells itself, and not its hash alone.",
        kind: Kind::Flag,
        defaults: NO,
        example: "",
        set: set!(log.code, Flag),
    },
    Key {
        name: "log.format",
        doc: "The form of log lines: for people (text), or one JSON object a line (json). `--log-format` goes before it.",
        kind: Kind::Choice(LogFormat::WORDS),
        defaults: all(Default::Word("text")),
        example: "",
        set: set_word!(log.format, LogFormat),
    },
];
