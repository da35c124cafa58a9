//! Entries about functions of the standard library that need an operating system below it.

use super::Condition::Reason;
use super::{Entry, ErrorType, Example};

pub const ENTRIES: &[Entry] = &[Entry {
    kind: ErrorType::SystemServiceMissing,
    when: &[&[Reason("system")]],
    says: &[
        "`{function}` needs a service of an operating system, or a library of one, that the sandbox has not.",
        "It was in line {line}: `{source}`.",
        "Use instead: {function_instead}.",
        "No setting brings it. Code that runs elsewhere too can ask for it with `hasattr`, which is false here.",
    ],
    docs: &[],
    examples: &[Example {
        before: "{function_before}",
        after: "{function_after}",
        explanation: "What is there instead.",
    }],
}];

/// What to use instead of a function: its name, the words, and code before and after (both empty if none is short enough).
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub instead: &'static str,
    pub before: &'static str,
    pub after: &'static str,
}

const fn of(name: &'static str, instead: &'static str, before: &'static str, after: &'static str) -> Function {
    Function { name, instead, before, after }
}

const DEADLINE: &str =
    "import time\ndeadline = time.monotonic() + 5\nwhile time.monotonic() < deadline:\n    work_a_little()";
const WATCH: &str = "a look at `time.monotonic()` in the loop, `async with asyncio.timeout(5)` around what awaits, or `timeout_seconds` in the policy";
const INTERRUPT: &str = "`KeyboardInterrupt`, which the front end's interrupt raises, or a handler of `signal.SIGINT`";
const SIZES: &str =
    "from pathlib import Path\nsum(file.stat().st_size for file in Path(\"/app\").rglob(\"*\") if file.is_file())";
const OWN_SIZES: &str = "the sizes of the files; what the workspace may hold is in the policy (`workspace_bytes`)";
const ONE_AFTER_ANOTHER: &str = "a plain loop, or asyncio, whose tasks take turns";
const NO_OWNERS: &str = "nothing: files have neither owners nor attributes here, so leave it out";

/// All of which something is known.
pub const FUNCTIONS: &[Function] = &[
    of("signal.alarm", WATCH, "signal.alarm(5)", DEADLINE),
    of("signal.setitimer", WATCH, "signal.setitimer(signal.ITIMER_REAL, 5)", DEADLINE),
    of("signal.getitimer", WATCH, "", ""),
    of("signal.pause", INTERRUPT, "", ""),
    of("signal.sigwait", INTERRUPT, "", ""),
    of("signal.pthread_sigmask", INTERRUPT, "", ""),
    of(
        "time.tzset",
        "`zoneinfo.ZoneInfo`: times of one's own zone are UTC here, whatever `TZ` says",
        "os.environ[\"TZ\"] = \"America/New_York\"\ntime.tzset()\ndatetime.fromtimestamp(t)",
        "from zoneinfo import ZoneInfo\ndatetime.fromtimestamp(t, ZoneInfo(\"America/New_York\"))",
    ),
    of("time.thread_time", "`time.process_time`: there is one thread", "time.thread_time()", "time.process_time()"),
    of("time.clock_gettime", "`time.time` and `time.monotonic`", "", ""),
    of("shutil.disk_usage", OWN_SIZES, "shutil.disk_usage(\"/app\").used", SIZES),
    of("os.statvfs", OWN_SIZES, "os.statvfs(\"/app\")", SIZES),
    of(
        "hashlib.scrypt",
        "`hashlib.pbkdf2_hmac`, which is there",
        "hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1)",
        "hashlib.pbkdf2_hmac(\"sha256\", password, salt, 600_000)",
    ),
    of("os.getloadavg", "`%fuel`, which says what a cell has used; nothing else runs in the sandbox", "", ""),
    of("os.getlogin", "`getpass.getuser`", "os.getlogin()", "import getpass\ngetpass.getuser()"),
    of("os.sched_getaffinity", "`os.cpu_count()`, or 1", "len(os.sched_getaffinity(0))", "os.cpu_count() or 1"),
    of(
        "os.get_terminal_size",
        "`shutil.get_terminal_size`",
        "os.get_terminal_size()",
        "import shutil\nshutil.get_terminal_size()",
    ),
    of(
        "os.dup",
        "`sys.stdout` and `sys.stderr` themselves, or `contextlib.redirect_stdout`",
        "saved = os.dup(1)",
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as text:\n    print(\"caught\")",
    ),
    of(
        "os.dup2",
        "`contextlib.redirect_stdout` and `redirect_stderr`, for what Python code prints; files can be duplicated",
        "os.dup2(file.fileno(), 1)",
        "import contextlib\nwith contextlib.redirect_stdout(file):\n    print(\"to the file\")",
    ),
    of(
        "os.kill",
        "`signal.raise_signal`, for a handler of one's own; `sys.exit()` ends the cell",
        "os.kill(os.getpid(), signal.SIGINT)",
        "signal.raise_signal(signal.SIGINT)",
    ),
    of("os.fork", ONE_AFTER_ANOTHER, "", ""),
    of("os.forkpty", ONE_AFTER_ANOTHER, "", ""),
    of("os.pipe", "`queue.Queue` or `io.BytesIO`: nobody is at the other end", "", ""),
    of("threading.Event.wait", "`event.wait(1.0)`, or `asyncio.Event`", "event.wait()", "event.wait(1.0)"),
    of("threading.Condition.wait", "`condition.wait(1.0)`", "condition.wait()", "condition.wait(1.0)"),
    of(
        "threading.Condition.wait_for",
        "`condition.wait_for(ready, 1.0)`",
        "condition.wait_for(ready)",
        "condition.wait_for(ready, 1.0)",
    ),
    of("threading.Barrier.wait", "`barrier.wait(1.0)`", "barrier.wait()", "barrier.wait(1.0)"),
    of(
        "threading.Semaphore.acquire",
        "`semaphore.acquire(timeout=1.0)`, or release it first",
        "semaphore.acquire()",
        "semaphore.acquire(timeout=1.0)",
    ),
    of("queue.Queue.get", "`queue.get_nowait()`, or a time-out", "queue.get()", "queue.get(timeout=1.0)"),
    of("queue.Queue.put", "`queue.put_nowait(item)`, or a time-out", "queue.put(item)", "queue.put(item, timeout=1.0)"),
    of("queue.SimpleQueue.get", "`queue.get_nowait()`, or a time-out", "queue.get()", "queue.get(timeout=1.0)"),
    of(
        "concurrent.futures.Future.result",
        "`future.result(1.0)`, or `await asyncio.wrap_future(future)`",
        "future.result()",
        "future.result(1.0)",
    ),
    of(
        "threading.Lock.acquire",
        "`lock.acquire(timeout=1.0)`, or an `RLock`, which the thread that holds it may take again",
        "lock = threading.Lock()\nwith lock:\n    with lock:\n        work()",
        "lock = threading.RLock()\nwith lock:\n    with lock:\n        work()",
    ),
    of("os.getrandom", "`os.urandom`", "os.getrandom(16)", "os.urandom(16)"),
    of("os.sendfile", "`shutil.copyfileobj`", "", ""),
    of("os.copy_file_range", "`shutil.copyfileobj`", "", ""),
    of("os.posix_fallocate", "`file.truncate`", "", ""),
    of("os.memfd_create", "`io.BytesIO`", "", ""),
    of("os.mkfifo", "`io.BytesIO`, `queue.Queue` or `asyncio.Queue`", "", ""),
    of("os.lockf", "nothing: no other process can touch the workspace, so no lock is needed", "", ""),
    of("os.sync", "`os.fsync` of the file", "", ""),
    of("os.fchmod", NO_OWNERS, "", ""),
    of("os.setxattr", NO_OWNERS, "", ""),
    of("os.getxattr", NO_OWNERS, "", ""),
    of("os.listxattr", NO_OWNERS, "", ""),
    of("select.epoll", "asyncio, whose loop works here", "", ""),
    of("threading.get_native_id", "`threading.get_ident`", "threading.get_native_id()", "threading.get_ident()"),
];
