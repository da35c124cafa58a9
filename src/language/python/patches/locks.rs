//! Waiting for a lock in the one thread that there is.

use crate::language::patch::op::{ADD, DROP, EQZ, LONG_GE_S, Op, get, int, load, long, set};
use crate::language::patch::{Change, Patch, Theme};

/// Where the pointer to `PythonFinalizationError` is.
const FINALIZATION_ERROR: u64 = 26_079_280;
/// Where the pointer to `RuntimeError` is.
const RUNTIME_ERROR: u64 = 26_079_272;
/// The address of wasi-libc's `_CLOCK_REALTIME`, which is what `CLOCK_REALTIME` is a pointer to.
const CLOCK_REALTIME: i32 = 25_903_848;
/// `TIMER_ABSTIME`.
const ABSOLUTE: i32 = 1;

pub const THEME: Theme = Theme {
    title: "Locks",
    about: "There is one thread, so a lock that is held is never released while somebody waits for it, and WASI's C library traps \
            where it would wait. A wait with a time-out sleeps until then, in a host call that an interrupt ends; one without raises `RuntimeError`, \
            as nothing could ever end it.",
    patches: &[&[
        Patch {
            function: "_PyMutex_LockTimed",
            change: Change::Edit {
                expected: &[Op::Call("Py_IsFinalizing"), EQZ],
                times: 1,
                replacement: &[get(1), long(0), LONG_GE_S],
            },
            reason: "Where Python's own locks refuse to wait because the interpreter ends, they refuse any wait that has no time-out.",
            test: "tests/kernel/test_locks.py::test_a_wait_without_a_time_out_is_an_error",
        },
        Patch {
            function: "_PyMutex_LockTimed",
            change: Change::Edit {
                expected: &[int(0), load(FINALIZATION_ERROR)],
                times: 1,
                replacement: &[int(0), load(RUNTIME_ERROR)],
            },
            reason: "The exception of that refusal is the one of threads that cannot be started.",
            test: "tests/kernel/test_locks.py::test_a_wait_without_a_time_out_is_an_error",
        },
        Patch {
            function: "_PyMutex_LockTimed",
            change: Change::Text {
                address: 17_287_428,
                expected: "cannot acquire lock at interpreter finalization",
                replacement: "deadlock: no other thread can release this lock",
            },
            reason: "Its message says what is the matter.",
            test: "tests/kernel/test_locks.py::test_a_wait_without_a_time_out_is_an_error",
        },
        Patch {
            function: "_PySemaphore_Wait",
            change: Change::Edit {
                expected: &[
                    get(0),
                    int(24),
                    ADD,
                    get(0),
                    get(2),
                    int(16),
                    ADD,
                    Op::Call("__pthread_cond_timedwait"),
                    set(3),
                ],
                times: 1,
                // The time is on the stack already. Zero is "interrupted": whoever waits looks for signals and at its
                // own time-out, and waits on if neither has come.
                replacement: &[
                    int(CLOCK_REALTIME),
                    int(ABSOLUTE),
                    get(2),
                    int(16),
                    ADD,
                    int(0),
                    Op::Call("clock_nanosleep"),
                    DROP,
                    int(0),
                    set(3),
                ],
            },
            reason: "A wait with a time-out sleeps instead of trapping.",
            test: "tests/kernel/test_locks.py::test_a_wait_with_a_time_out_times_out",
        },
    ]],
};
