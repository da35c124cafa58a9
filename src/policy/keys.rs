//! The keys of the policy file: names, documentation, what is allowed, and the defaults of each profile.
//! Everything else that is said of them, `config/policy.toml` included, is tested against this table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Policy;

/// A set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Profile {
    /// A person at a notebook.
    #[default]
    Notebook,
    /// Code that an agent wrote.
    Agent,
    /// Code that nobody trusts.
    Strict,
}

impl Profile {
    /// All of them, in the order of the defaults in the table.
    pub const ALL: [Self; 3] = [Self::Notebook, Self::Agent, Self::Strict];

    /// Its name in flags and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notebook => "notebook",
            Self::Agent => "agent",
            Self::Strict => "strict",
        }
    }
}

/// The value of a key, once it has been found to be of the right kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// Not set; only for keys that may be.
    None,
    Count(u64),
    Seconds(f64),
    Text(String),
    Map(BTreeMap<String, String>),
}

/// What kind of value a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number between these.
    Count(u64, u64),
    /// Seconds, between these.
    Seconds(f64, f64),
    /// The path of a directory.
    Directory,
    /// A table of names and texts.
    Env,
}

impl Kind {
    /// What is allowed, for messages.
    pub fn allowed(self) -> String {
        match self {
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Seconds(least, most) => format!("seconds from {least} to {most}"),
            Self::Directory => "the path of a directory, as text".to_owned(),
            Self::Env => "a table of variable names and texts".to_owned(),
        }
    }
}

/// A default, in a form that a table can hold.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    None,
    Count(u64),
    Seconds(f64),
    Empty,
}

impl Default {
    fn setting(self) -> Setting {
        match self {
            Self::None => Setting::None,
            Self::Count(count) => Setting::Count(count),
            Self::Seconds(seconds) => Setting::Seconds(seconds),
            Self::Empty => Setting::Map(BTreeMap::new()),
        }
    }
}

/// One key.
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// For `notebook`, `agent` and `strict`.
    pub defaults: [Default; 3],
    set: fn(&mut Policy, Setting),
}

impl Key {
    /// Puts a value of this key's kind into a policy.
    pub(super) fn set(&self, policy: &mut Policy, setting: Setting) {
        (self.set)(policy, setting);
    }
}

const B: u64 = 1_000_000_000;
const MB: u64 = 1_000_000;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Sets a field from a setting of one kind; the loader has made sure of the kind.
macro_rules! set {
    ($field:ident, $kind:ident) => {
        |policy, setting| {
            if let Setting::$kind(value) = setting {
                policy.$field = value;
            }
        }
    };
}

const fn counts(notebook: u64, agent: u64, strict: u64) -> [Default; 3] {
    [Default::Count(notebook), Default::Count(agent), Default::Count(strict)]
}

/// All keys, in the order of the documentation.
pub const KEYS: &[Key] = &[
    Key {
        name: "fuel_budget",
        doc: "Wasm instructions (fuel) that one cell may use. 10 billion are about a second of computing.",
        kind: Kind::Count(MB, 1_000_000 * B),
        defaults: counts(1_000 * B, 50 * B, 2 * B),
        set: set!(fuel_budget, Count),
    },
    Key {
        name: "timeout_seconds",
        doc: "Wall-clock seconds that one cell may take, waiting included. Not set: no limit.",
        kind: Kind::Seconds(0.001, 31_536_000.0),
        defaults: [Default::None, Default::None, Default::None],
        set: |policy, setting| {
            policy.timeout_seconds = match setting {
                Setting::Seconds(seconds) => Some(seconds),
                _ => None,
            }
        },
    },
    Key {
        name: "interrupt_grace_seconds",
        doc: "Seconds that a cell has to end after an interrupt. Then it is stopped and the session is restored to the state before the cell.",
        kind: Kind::Seconds(0.0, 3_600.0),
        defaults: [Default::Seconds(2.0), Default::Seconds(2.0), Default::Seconds(1.0)],
        set: set!(interrupt_grace_seconds, Seconds),
    },
    Key {
        name: "memory_bytes",
        doc: "Bytes of memory that the guest may have beyond the warm image (about 150 MB). Past it Python raises MemoryError.",
        kind: Kind::Count(16 * MIB, 4 * GIB),
        defaults: counts(2 * GIB, 512 * MIB, 128 * MIB),
        set: set!(memory_bytes, Count),
    },
    Key {
        name: "stdout_max_bytes",
        doc: "Bytes that one cell may write to stdout; the rest is cut, and that is said.",
        kind: Kind::Count(0, 100 * GIB),
        defaults: counts(50 * MB, 2 * MB, 2 * MB),
        set: set!(stdout_max_bytes, Count),
    },
    Key {
        name: "stderr_max_bytes",
        doc: "Bytes that one cell may write to stderr; the rest is cut, and that is said.",
        kind: Kind::Count(0, 100 * GIB),
        defaults: counts(50 * MB, MB, MB),
        set: set!(stderr_max_bytes, Count),
    },
    Key {
        name: "display_max_bytes",
        doc: "Bytes of figures, tables and other displays of one cell.",
        kind: Kind::Count(0, 100 * GIB),
        defaults: counts(200 * MB, 20 * MB, 20 * MB),
        set: set!(display_max_bytes, Count),
    },
    Key {
        name: "message_max_bytes",
        doc: "Bytes of one message between guest and host, such as one display or one widget's update.",
        kind: Kind::Count(64 << 10, GIB),
        defaults: counts(128 * MIB, 32 * MIB, 16 * MIB),
        set: set!(message_max_bytes, Count),
    },
    Key {
        name: "open_files",
        doc: "Files that the guest may have open at once.",
        kind: Kind::Count(8, 65_536),
        defaults: counts(512, 128, 64),
        set: set!(open_files, Count),
    },
    Key {
        name: "recursion_limit",
        doc: "Depth of Python calls at which RecursionError is raised.",
        kind: Kind::Count(100, 20_000),
        defaults: counts(1_000, 1_000, 1_000),
        set: set!(recursion_limit, Count),
    },
    Key {
        name: "workspace",
        doc: "The directory of the host that the guest sees as /app and may write to. Not set: a temporary one, gone with the session.",
        kind: Kind::Directory,
        defaults: [Default::None, Default::None, Default::None],
        set: |policy, setting| {
            policy.workspace = match setting {
                Setting::Text(path) => Some(PathBuf::from(path)),
                _ => None,
            }
        },
    },
    Key {
        name: "env",
        doc: "Environment variables for the guest. Nothing of the host's own environment is seen.",
        kind: Kind::Env,
        defaults: [Default::Empty, Default::Empty, Default::Empty],
        set: set!(env, Map),
    },
];

impl Policy {
    /// The defaults of a profile.
    pub fn for_profile(profile: Profile) -> Self {
        let mut policy = Self {
            profile,
            fuel_budget: 0,
            timeout_seconds: None,
            interrupt_grace_seconds: 0.0,
            memory_bytes: 0,
            stdout_max_bytes: 0,
            stderr_max_bytes: 0,
            display_max_bytes: 0,
            message_max_bytes: 0,
            open_files: 0,
            recursion_limit: 0,
            workspace: None,
            env: BTreeMap::new(),
        };
        let column = Profile::ALL.iter().position(|known| *known == profile).unwrap_or_default();
        for key in KEYS {
            if let Some(default) = key.defaults.get(column) {
                key.set(&mut policy, default.setting());
            }
        }
        policy
    }
}

impl std::default::Default for Policy {
    fn default() -> Self {
        Self::for_profile(Profile::default())
    }
}

/// A commented policy file with the defaults of `notebook`: what `config/policy.toml` is.
pub fn reference() -> String {
    let mut text = String::from(
        "# A policy for Cellblock: what a session may use and see. Every key is optional; what is here are the\n\
         # defaults of the profile `notebook`. Give it with `--policy FILE`. Nothing in a notebook can change it.\n\
         \n\
         # The defaults that the other keys change: notebook, agent or strict.\n\
         profile = \"notebook\"\n",
    );
    for key in KEYS {
        let [notebook, agent, strict] = key.defaults;
        let _ = write!(text, "\n# {}\n# Takes {}.", key.doc, key.kind.allowed());
        if let (Some(agent), Some(strict)) = (shown(agent), shown(strict)) {
            let _ = write!(text, " agent: {agent}, strict: {strict}.");
        }
        let _ = match shown(notebook) {
            Some(value) => writeln!(text, "\n{} = {value}", key.name),
            None if key.kind == Kind::Env => writeln!(text, "\n[{}]\n# MY_VARIABLE = \"value\"", key.name),
            None if key.kind == Kind::Directory => writeln!(text, "\n# {} = \"/path/to/a/directory\"", key.name),
            None => writeln!(text, "\n# {} = 60", key.name),
        };
    }
    text
}

fn shown(default: Default) -> Option<String> {
    match default {
        Default::Count(count) => Some(grouped(count)),
        Default::Seconds(seconds) => Some(format!("{seconds:?}")),
        Default::None | Default::Empty => None,
    }
}

/// With TOML's underscores between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
