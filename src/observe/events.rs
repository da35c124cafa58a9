//! The table of logged events: each is a struct that names its fields, and its entry in `docs/logging.md`. An event
//! that is not here cannot be logged, nor one with other fields.

use super::field::{Logged, Path, Source};

/// The `target` of every event in this table; `--log cellblock::event=info` has these and nothing else.
pub const TARGET: &str = "cellblock::event";

/// What is documented of an event.
#[derive(Debug)]
pub struct EventDoc {
    pub name: &'static str,
    pub level: &'static str,
    pub doc: &'static str,
    /// Name, kind, and meaning.
    pub fields: &'static [(&'static str, &'static str, &'static str)],
}

macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $level:ident $event:ident $(<$life:lifetime>)? = $name:literal {
            $($(#[doc = $about:literal])+ $field:ident: $type:ty,)+
        }
    )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $event $(<$life>)? {
                $($(#[doc = $about])+ pub $field: $type,)+
            }

            impl $(<$life>)? $event $(<$life>)? {
                const DOC: EventDoc = EventDoc {
                    name: $name,
                    level: stringify!($level),
                    doc: concat!($($doc),+),
                    fields: &[$((stringify!($field), <$type as Logged>::KIND, concat!($($about),+))),+],
                };

                /// Logs it.
                pub fn log(&self) {
                    tracing::$level!(target: TARGET, $($field = Logged::logged(&self.$field),)+ $name);
                }
            }
        )*

        /// All events, in the order of the documentation.
        pub const EVENTS: &[EventDoc] = &[$($event::DOC),*];
    };
}

events! {
    /// A cell begins to run.
    info ExecutionStart<'a> = "execution.start" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the cell's source.
        code: &'a str,
        /// The cell's number, as in `[3]`; not there for silent cells.
        number: Option<u64>,
        /// The length of the source.
        bytes: u64,
        /// The source itself, at most 100,000 characters of it; only with `log.code = true`.
        source: Option<Source<'a>>,
    }
    /// A cell has ended.
    info ExecutionComplete<'a> = "execution.complete" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the cell's source.
        code: &'a str,
        /// The cell's number; not there for silent cells.
        number: Option<u64>,
        /// `ok` or `error`.
        status: &'a str,
        /// The name of the exception; `other` if it is no name, or too long for one.
        error: Option<&'a str>,
        /// Why the cell was ended before its own end, as in the reply's metadata.
        trap_reason: Option<&'a str>,
        /// What became of the session: `kept`, `rolled_back` or `lost`.
        state: &'a str,
        /// WebAssembly instructions, as wasmtime counts them.
        fuel: u64,
        /// Wall-clock milliseconds.
        duration_ms: u64,
        /// The guest's memory after the cell.
        memory_bytes: u64,
        /// Files of the workspace that were made, changed and deleted; counted are those that the reply's metadata names, at most a thousand of each.
        files_created: u64,
        /// As above.
        files_modified: u64,
        /// As above.
        files_deleted: u64,
    }

    /// A limit of the policy was reached. Once for each key in a cell, with how often.
    info LimitReached<'a> = "security.limit_reached" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell that did it; not there if it was no cell.
        code: Option<&'a str>,
        /// The policy's key.
        key: &'a str,
        /// How often.
        times: u64,
    }
    /// The guest called something that does not exist in the sandbox, or that it may not do.
    info CallRefused<'a> = "security.call_refused" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell that did it; not there if it was no cell.
        code: Option<&'a str>,
        /// The WASI call: `path_symlink`, `path_link`, `fd_renumber`, `sock`, or `path` for one on a file that is read-only
        /// or not the guest's.
        call: &'a str,
        /// How often.
        times: u64,
    }
    /// Messages from the guest to the host made no sense, and were answered with an error.
    info FrameRefused<'a> = "security.frame_refused" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell that did it; not there if it was no cell.
        code: Option<&'a str>,
        /// How often.
        times: u64,
    }
    /// The guest failed in native code, ended itself, or did not end when it was asked to: its instance was dropped.
    info GuestStopped<'a> = "security.guest_stopped" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell that did it; not there if it was no cell.
        code: Option<&'a str>,
        /// Why, as `trap_reason` in the reply's metadata.
        reason: &'a str,
        /// The trap in wasmtime's words.
        detail: Option<&'a str>,
    }
    /// The output firewall took something out of a cell's outputs.
    info OutputRemoved<'a> = "security.output_removed" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell that did it; not there if it was no cell.
        code: Option<&'a str>,
        /// What: the names are those in the reply's metadata, under `outputs_removed`.
        kind: &'a str,
        /// How often.
        times: u64,
    }

    /// A session has a state to be stored for the first time: after its first cell.
    info SessionCreated<'a> = "session.created" {
        /// The session's id.
        session: &'a str,
    }
    /// What a cell did is the session's state.
    info SessionCommitted<'a> = "session.committed" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell whose state this is; not there before the first.
        code: Option<&'a str>,
        /// Fuel of that cell.
        fuel: u64,
        /// Wall-clock milliseconds of that cell.
        duration_ms: u64,
        /// Pages of memory that were written, of 4 KiB.
        pages: u64,
        /// Bytes that were put into the session's committed memory.
        bytes: u64,
        /// Microseconds that it took.
        commit_us: u64,
    }
    /// The session went back to its last commit, because an instance had to be dropped.
    info SessionRolledBack<'a> = "session.rolled_back" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell that is as if it had not been run; not there if it was no cell.
        code: Option<&'a str>,
        /// The SHA-256 of the source of the cell after which the session is now; not there before the first.
        to: Option<&'a str>,
    }
    /// `%session undo`.
    info SessionUndone<'a> = "session.undone" {
        /// The session's id.
        session: &'a str,
        /// Steps.
        steps: u64,
        /// The SHA-256 of the source of the cell after which the session is now; not there before the first.
        to: Option<&'a str>,
    }
    /// `%session redo`.
    info SessionRedone<'a> = "session.redone" {
        /// The session's id.
        session: &'a str,
        /// Steps.
        steps: u64,
        /// The SHA-256 of the source of the cell after which the session is now; not there before the first.
        to: Option<&'a str>,
    }
    /// A stored session goes on.
    info SessionResumed<'a> = "session.resumed" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell after which the session is now; not there before the first.
        to: Option<&'a str>,
        /// Whether only what was pickled of it could be had.
        portable: bool,
    }
    /// `%session save`.
    info SessionSaved<'a> = "session.saved" {
        /// The session's id.
        session: &'a str,
        /// The name of the state.
        name: &'a str,
    }
    /// `%session restore`.
    info SessionRestored<'a> = "session.restored" {
        /// The session's id.
        session: &'a str,
        /// The SHA-256 of the source of the cell after which the session is now; not there before the first.
        to: Option<&'a str>,
    }
    /// `%session reset`.
    info SessionReset<'a> = "session.reset" {
        /// The session's id.
        session: &'a str,
    }
    /// Another session begins where this one is.
    info SessionForked<'a> = "session.forked" {
        /// The session's id.
        session: &'a str,
        /// The other session's id.
        fork: &'a str,
    }
    /// An idle session gave its memory back.
    info SessionEvicted<'a> = "session.evicted" {
        /// The session's id.
        session: &'a str,
    }
    /// A stored session was deleted.
    info SessionDeleted<'a> = "session.deleted" {
        /// The session's id.
        session: &'a str,
        /// What it took in the store.
        bytes: u64,
    }
    /// A stored session was written to a file.
    info SessionExported<'a> = "session.exported" {
        /// The session's id.
        session: &'a str,
        /// The length of the file.
        bytes: u64,
    }
    /// A session was made of a file.
    info SessionImported<'a> = "session.imported" {
        /// The session's id.
        session: &'a str,
    }
    /// `cellblock sessions resume`: the next kernel is to go on with the session.
    info ResumeWanted<'a> = "session.resume.wanted" {
        /// The session's id.
        session: &'a str,
        /// The number of the state.
        state: u64,
        /// Whether something damaged was dropped.
        salvaged: bool,
    }

    /// `cellblock sessions files ID list`.
    info FileListed<'a> = "session.file.listed" {
        /// The session's id.
        session: &'a str,
        /// How many files.
        files: u64,
    }
    /// `cellblock sessions files ID get`.
    info FileRead<'a> = "session.file.read" {
        /// The session's id.
        session: &'a str,
        /// In the workspace, at most 140 characters of it.
        path: Path<'a>,
        /// Bytes.
        size: u64,
    }
    /// `cellblock sessions files ID put`.
    info FileWritten<'a> = "session.file.written" {
        /// The session's id.
        session: &'a str,
        /// In the workspace, at most 140 characters of it.
        path: Path<'a>,
        /// Bytes.
        size: u64,
    }
    /// `cellblock sessions files ID delete`.
    info FileDeleted<'a> = "session.file.deleted" {
        /// The session's id.
        session: &'a str,
        /// In the workspace, at most 140 characters of it.
        path: Path<'a>,
        /// How many files.
        files: u64,
        /// Their bytes.
        bytes: u64,
    }

    /// `cellblock sessions prune` begins.
    info PruneStarted = "session.prune.started" {
        /// How long nothing has happened in the sessions that are meant.
        older_than_hours: u64,
        /// Whether it is only said which they are.
        dry_run: bool,
    }
    /// A session is deleted.
    info PruneDeleted<'a> = "session.prune.deleted" {
        /// The session's id.
        session: &'a str,
        /// Whether it is only said.
        dry_run: bool,
    }
    /// A session is left alone.
    info PruneSkipped<'a> = "session.prune.skipped" {
        /// The session's id.
        session: &'a str,
        /// Why.
        reason: &'a str,
    }
    /// A session could not be deleted.
    warn PruneFailed<'a> = "session.prune.failed" {
        /// The session's id.
        session: &'a str,
        /// Why.
        error: &'a str,
    }
    /// `cellblock sessions prune` has ended.
    info PruneCompleted = "session.prune.completed" {
        /// How many sessions.
        deleted: u64,
        /// What they took in the store.
        bytes: u64,
        /// Whether it is only said.
        dry_run: bool,
    }
}
