//! What the guest can call, and what each call costs it, in fuel. The one table of both: the linker is filled by it,
//! `docs/host-calls.md` is written from it.
//!
//! A price is what the work takes at most, in time, on a machine that computes 10 units of fuel in a nanosecond. So a
//! cell's fuel bounds its time whatever it does, and not only what it does in the guest.

/// A call that looks at nothing but what is in memory.
pub const CALL: u64 = 5_000;
/// Text for the front end.
pub const TEXT: u64 = 15_000;
/// A call on an open file.
pub const FILE: u64 = 30_000;
/// Writing to a file, or setting its times: the file system keeps account of it, and so does the workspace.
pub const WRITE: u64 = 300_000;
/// A call that takes a path, which is resolved up to three times.
pub const PATH: u64 = 80_000;
/// Opening a file, or renaming or removing it.
pub const CHANGE: u64 = 150_000;
/// Making a file or a directory, or removing or renaming a directory: the dearest that a file system does.
pub const MADE: u64 = 1_000_000;
/// Changing a file's length.
pub const RESIZE: u64 = 150_000;
/// Asking the system for randomness.
pub const RANDOM: u64 = 12_000;
/// Going through the door.
pub const DOOR: u64 = 20_000;

/// A name in a path.
pub const NAME: u64 = 3_000;
/// A file that is open already, where all of them are gone through.
pub const OPEN: u64 = 100;
/// A directory on the way up to the mount's top.
pub const STEP: u64 = 20_000;
/// A file or directory that is looked at to count what is used.
pub const COUNTED: u64 = 20_000;
/// A path that a rename changes, of which the workspace keeps account.
pub const MOVED: u64 = 140_000;
/// An entry that is read from a directory and put in order.
pub const LISTED: u64 = 10_000;
/// An entry of a listing that is given to the guest.
pub const GIVEN: u64 = 2_000;
/// A byte read from a file.
pub const READ_BYTE: u64 = 1;
/// A byte written to one.
pub const WRITTEN_BYTE: u64 = 4;
/// A byte of a file of somebody else's that is put away before the guest changes it: read, written and hashed.
pub const PUT_BYTE: u64 = 12;
/// A byte of text, on fd 1 or 2.
pub const TEXT_BYTE: u64 = 10;
/// A byte of randomness.
pub const RANDOM_BYTE: u64 = 30;
/// A byte of a frame, in either direction.
pub const DOOR_BYTE: u64 = 30;
/// A byte of memory that the lists, objects, texts and buffers of a frame take besides what is in them.
pub const STRUCTURE_BYTE: u64 = 12;
/// A byte of the arguments or the environment.
pub const ENVIRONMENT_BYTE: u64 = 2;
/// A subscription of a `poll_oneoff`.
pub const SUBSCRIPTION: u64 = 500;

/// Bytes that are moved, or made, between two looks of the polling loop.
pub const CHUNK: usize = 1 << 20;
/// Entries that are gone through between two of them.
pub const BATCH: usize = 128;

/// The module of WASI's calls.
pub const WASI: &str = "wasi_snapshot_preview1";

/// A call that the guest can make.
#[derive(Debug)]
pub struct HostCall {
    pub module: &'static str,
    pub name: &'static str,
    /// Fuel for the call itself.
    pub call: u64,
    /// Fuel for each unit of its work, and what the unit is.
    pub work: &'static [(u64, &'static str)],
    /// How much one call can take of the host.
    pub bound: &'static str,
    /// How it comes to an end when the cell is interrupted.
    pub interrupt: &'static str,
}

const SHORT: &str = "nothing to interrupt";
const REFUSED: &str = "refused, whatever the arguments (EPERM)";
const OWN: &str = "what it writes is a few bytes";
const ONE_FILE: &str = "one system call on an open file";
const ONE_PATH: &str = "a path of 4,096 bytes";

const IN_PATH: (u64, &str) = (NAME, "name in a path");
const IS_OPEN: (u64, &str) = (OPEN, "open file");
const IS_COUNTED: (u64, &str) = (COUNTED, "file counted");
const UP: (u64, &str) = (STEP, "directory up to the mount");
const READ: (u64, &str) = (READ_BYTE, "byte read");
const PUT: (u64, &str) = (PUT_BYTE, "byte put away before it is changed");
const WRITTEN: (u64, &str) = (WRITTEN_BYTE, "byte written");

const COUNTS: &str = "a path of 4,096 bytes; files are counted up to the quota, when it seems to be used up and at the \
                      first change of an instance";
const COUNTING: &str = "while more than 4,096 files are counted: EINTR";
const MOVES: &str = "the bytes that the guest's memory has; 1 MiB at a time";
const PART: &str = "after each MiB: what was moved so far is answered";
const PART_COUNTING: &str =
    "after each MiB: what was moved so far is answered; while more than 4,096 files are counted: EINTR";

const fn wasi(
    name: &'static str,
    call: u64,
    work: &'static [(u64, &'static str)],
    bound: &'static str,
    interrupt: &'static str,
) -> HostCall {
    HostCall { module: WASI, name, call, work, bound, interrupt }
}

/// Everything that a guest can import, by name.
pub const CALLS: &[HostCall] = &[
    HostCall {
        module: "host",
        name: "call",
        call: DOOR,
        work: &[
            (DOOR_BYTE, "byte of the frame and of the answer"),
            (STRUCTURE_BYTE, "byte of memory that its lists, objects, texts and buffers take besides what is in them"),
        ],
        bound: "`message_max_bytes` (policy) each way; the ops are below",
        interrupt: "while it waits: the answer is `{\"error\": \"interrupted\"}`",
    },
    wasi("args_get", CALL, &[(ENVIRONMENT_BYTE, "byte")], "the arguments, which are the host's own", SHORT),
    wasi("args_sizes_get", CALL, &[(ENVIRONMENT_BYTE, "byte")], "the arguments, which are the host's own", SHORT),
    wasi("clock_res_get", CALL, &[], OWN, SHORT),
    wasi("clock_time_get", CALL, &[], OWN, SHORT),
    wasi("environ_get", CALL, &[(ENVIRONMENT_BYTE, "byte")], "the environment, which is the policy's", SHORT),
    wasi("environ_sizes_get", CALL, &[(ENVIRONMENT_BYTE, "byte")], "the environment, which is the policy's", SHORT),
    wasi("fd_advise", FILE, &[], "nothing is done", SHORT),
    wasi("fd_allocate", CALL, &[], "refused (ENOTSUP)", SHORT),
    wasi("fd_close", FILE, &[], ONE_FILE, SHORT),
    wasi("fd_datasync", FILE, &[], "nothing is done: files are kept by the commit after the cell", SHORT),
    wasi("fd_fdstat_get", FILE, &[], OWN, SHORT),
    wasi("fd_fdstat_set_flags", CALL, &[], OWN, SHORT),
    wasi("fd_fdstat_set_rights", CALL, &[], "refused (ENOTSUP)", SHORT),
    wasi("fd_filestat_get", FILE, &[], ONE_FILE, SHORT),
    wasi(
        "fd_filestat_set_size",
        RESIZE,
        &[IS_COUNTED, IS_OPEN, PUT],
        "the quota, by length: holes count; what is cut off was paid for when it was written",
        COUNTING,
    ),
    wasi("fd_filestat_set_times", WRITE, &[PUT], ONE_FILE, SHORT),
    wasi("fd_pread", FILE, &[READ], MOVES, PART),
    wasi("fd_prestat_dir_name", CALL, &[], "the name of a mount", SHORT),
    wasi("fd_prestat_get", CALL, &[], OWN, SHORT),
    wasi("fd_pwrite", WRITE, &[WRITTEN, IS_COUNTED, IS_OPEN, PUT], MOVES, PART_COUNTING),
    wasi("fd_read", FILE, &[READ], MOVES, PART),
    wasi(
        "fd_readdir",
        FILE,
        &[(LISTED, "entry read, once for each listing and cell"), (GIVEN, "entry given")],
        "64 MiB for all listings that are not at their end, 8 MiB between cells; a larger directory is EOVERFLOW",
        "a long one (256 KiB), after each 128 entries: EINTR",
    ),
    wasi("fd_renumber", CALL, &[], REFUSED, SHORT),
    wasi("fd_seek", FILE, &[], ONE_FILE, SHORT),
    wasi("fd_sync", FILE, &[], "nothing is done: files are kept by the commit after the cell", SHORT),
    wasi("fd_tell", CALL, &[], OWN, SHORT),
    wasi(
        "fd_write",
        TEXT,
        &[(WRITE, "call that writes to a file"), WRITTEN, IS_COUNTED, IS_OPEN, (TEXT_BYTE, "byte of text"), PUT],
        "the bytes that the guest's memory has, 1 MiB at a time; text: 1 MiB, and the limits of output",
        "as `fd_pwrite`; text, while the front end is behind: EINTR",
    ),
    wasi("path_create_directory", MADE, &[IN_PATH, IS_OPEN, IS_COUNTED, UP], COUNTS, COUNTING),
    wasi("path_filestat_get", PATH, &[IN_PATH], ONE_PATH, SHORT),
    wasi("path_filestat_set_times", PATH + WRITE, &[IN_PATH, PUT], ONE_PATH, SHORT),
    wasi("path_link", CALL, &[], REFUSED, SHORT),
    wasi("path_open", CHANGE, &[IN_PATH, IS_OPEN, IS_COUNTED, (MADE, "file made"), PUT], COUNTS, COUNTING),
    wasi("path_readlink", PATH, &[IN_PATH], "a path and a link's text, 4,096 bytes each", SHORT),
    wasi("path_remove_directory", MADE, &[IN_PATH, IS_OPEN], ONE_PATH, SHORT),
    wasi(
        "path_rename",
        CHANGE,
        &[
            (MADE, "directory renamed"),
            (MOVED, "path changed by it, before and after, those of the same cell's that are gone included"),
            IN_PATH,
            IS_OPEN,
            UP,
            (LISTED, "entry below a directory that goes deeper"),
            PUT,
        ],
        "two paths of 4,096 bytes; a directory that goes deeper is looked through, up to 63 levels",
        "while it is looked through, after each 128 entries: EINTR",
    ),
    wasi("path_symlink", CALL, &[], REFUSED, SHORT),
    wasi("path_unlink_file", CHANGE, &[IN_PATH, IS_OPEN, PUT], ONE_PATH, SHORT),
    wasi("poll_oneoff", FILE, &[(SUBSCRIPTION, "subscription")], "1,024 subscriptions", "while it waits: at once"),
    wasi("proc_exit", CALL, &[], "ends the guest", SHORT),
    wasi("proc_raise", CALL, &[], "refused (ENOTSUP)", SHORT),
    wasi("random_get", RANDOM, &[(RANDOM_BYTE, "byte")], "16 MiB, 64 KiB at a time", "after each 64 KiB: EINTR"),
    wasi("sched_yield", FILE, &[], "nothing is done", SHORT),
    wasi(
        "sock_accept",
        FILE,
        &[IS_OPEN],
        "refused (EPERM), but where it stands for duplicating an open file: another number among `open_files` (policy)",
        SHORT,
    ),
    wasi("sock_recv", CALL, &[], REFUSED, SHORT),
    wasi("sock_send", CALL, &[], REFUSED, SHORT),
    wasi("sock_shutdown", CALL, &[], REFUSED, SHORT),
];

/// The entry of a call.
pub(super) fn of(module: &str, name: &str) -> Option<&'static HostCall> {
    CALLS.iter().find(|call| (call.module, call.name) == (module, name))
}

/// Fuel for the names in a path.
pub(super) fn path(path: &str) -> u64 {
    NAME * path.bytes().filter(|byte| *byte == b'/').count() as u64 + NAME
}

/// Fuel for so many units.
pub(super) fn each(price: u64, units: usize) -> u64 {
    price.saturating_mul(units as u64)
}
