//! What WASI has no word for: the permissions of files, and the time that a program has computed for.

use wasm_encoder::ValType::I32;
use wasm_encoder::{BlockType, Instruction as I};

use super::ints;
use crate::language::patch::op::{ADD, AND, ELSE, END, EQ, EQZ, IF, OR, Op, SELECT, at, get, int, load, long, store};
use crate::language::patch::{Change, Patch, Theme};

/// Where `struct stat` has the mode, and what of it says which kind of file it is and who may do what.
const MODE: u64 = 24;
const KIND: i32 = 0o170_000;
const DIRECTORY: i32 = 0o040_000;
const PERMISSIONS: i32 = 0o777;

/// The address of wasi-libc's `_CLOCK_MONOTONIC`, and where `clock` keeps what that was at the start.
const CLOCK_MONOTONIC: i32 = 25_903_844;
const START_SECONDS: u64 = 27_563_080;
const START_NANOSECONDS: u64 = 27_563_088;
/// WASI's number of the clock of a process' computing time.
const COMPUTING_TIME: i32 = 2;
/// `F_DUPFD_CLOEXEC`, and what the host takes for it as `flags` of `sock_accept`.
const DUPLICATE_FD: i32 = 6;
const DUPLICATE: i32 = 0x647570;
/// Where in the function's frame there is room behind its `struct timespec`.
const ROOM: u64 = 12;

const CLOCK: &str = "tests/kernel/test_clocks.py::test_computing_time_does_not_pass_in_sleep";

pub const THEME: Theme = Theme {
    title: "Files and clocks",
    about: "WASI has no permissions of files, so all of them seem to be forbidden to everybody, and archives made of them cannot be \
            read elsewhere; nor has its C library a clock of computing time, for which it takes the one that also goes on in sleep.",
    patches: &[&[
        Patch {
            function: "_pystat_fromstructstat",
            change: Change::WrapMade {
                params: ints(2),
                results: ints(1),
                locals: &[],
                about: "if nobody may do anything, everybody may read and the owner may write; of directories, also enter",
                body: mode,
            },
            reason: "`os.stat`, and by it `tarfile`, `zipfile`, `shutil.make_archive`.",
            test: "tests/kernel/test_files.py::test_archives_can_be_read_elsewhere",
        },
        Patch {
            function: "_Py_dup",
            change: Change::Edit {
                expected: &[get(0), int(DUPLICATE_FD), get(1), Op::Call("__wrap_fcntl")],
                times: 1,
                replacement: &[
                    get(0),
                    int(DUPLICATE),
                    get(1),
                    Op::Call("__wasi_sock_accept"),
                    Op::Plain(I::If(BlockType::Result(I32))),
                    get(0),
                    int(DUPLICATE_FD),
                    get(1),
                    Op::Call("__wrap_fcntl"),
                    ELSE,
                    get(1),
                    load(0),
                    END,
                ],
            },
            reason: "`os.dup`, and by it `np.fromfile` and `tofile`: the host gives another number of the same open file, in the answer to \
                     a call that is of no use without sockets; if it does not, C's `fcntl` says why.",
            test: "tests/kernel/test_files.py::test_a_duplicate_shares_the_offset",
        },
        Patch {
            function: "__clock",
            change: Change::Edit {
                expected: &[int(CLOCK_MONOTONIC), get(0), Op::Call("__clock_gettime")],
                times: 1,
                replacement: &[
                    get(0),
                    int(COMPUTING_TIME),
                    store(ROOM),
                    get(0),
                    int(ROOM as i32),
                    ADD,
                    get(0),
                    Op::Call("__clock_gettime"),
                ],
            },
            reason: "`time.process_time` takes the clock of computing time, which the host has.",
            test: CLOCK,
        },
        Patch {
            function: "__clock",
            change: Change::Edit {
                expected: &[int(0), Op::Plain(I::I64Load(at(START_SECONDS, 3)))],
                times: 1,
                replacement: &[long(0)],
            },
            reason: "It begins at zero.",
            test: CLOCK,
        },
        Patch {
            function: "__clock",
            change: Change::Edit { expected: &[int(0), load(START_NANOSECONDS)], times: 1, replacement: &[int(0)] },
            reason: "The same.",
            test: CLOCK,
        },
    ]],
};

/// `_pystat_fromstructstat(module, stat)`
fn mode() -> Vec<Op> {
    let stat = 1;
    let mut ops = vec![get(stat), load(MODE), int(PERMISSIONS), AND, EQZ, IF];
    ops.extend([get(stat), get(stat), load(MODE), int(0o755), int(0o644)]);
    ops.extend([get(stat), load(MODE), int(KIND), AND, int(DIRECTORY), EQ, SELECT, OR, store(MODE), END]);
    ops.extend([get(0), get(stat), Op::Original]);
    ops
}
