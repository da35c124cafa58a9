"""Functions of the standard library that this build has not, because there is no operating system below it.

They stay absent, so that `hasattr(os, "fork")` and the like stay false; looking one up says why. The
error is of the class that it would be, and so is that of `from os import fork`.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, NamedTuple

from ..after_import import after_import


class FunctionMissing(AttributeError):
    """A function was looked up that needs what the sandbox has not."""

    cellblock_reason = "system"
    #: Its whole name, such as `os.fork`.
    cellblock_function: str


class _Kind(NamedTuple):
    reason: str
    why: str


_PROCESSES = _Kind("subprocess", "cells run in a sandbox that cannot start processes")
_NETWORK = _Kind("network", "the sandbox has no network, and this build of Python no TLS")
_SERVICES = _Kind("system", "it needs an operating system's services, which the sandbox has not")
_OPENSSL = _Kind("system", "it needs OpenSSL, which the sandbox has not")
_FREETYPE = _Kind("picture", "it needs a library that Pillow has not in the sandbox")

# Names by module, one pattern for each kind.
_ABSENT: dict[str, list[tuple[_Kind, str]]] = {
    "os": [
        (
            _PROCESSES,
            "fork forkpty execv execve execvp execvpe execl execle execlp execlpe spawnl spawnle "
            "spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe posix_spawn posix_spawnp kill killpg "
            "wait waitpid waitid waitid_result wait3 wait4 waitstatus_to_exitcode startfile pipe "
            "pipe2 openpty login_tty getppid getpgid getpgrp getsid setpgid setpgrp setsid "
            "pidfd_open register_at_fork nice getpriority setpriority tcgetpgrp tcsetpgrp "
            "W[A-Z]+ P_[A-Z]+ PRIO_[A-Z]+ POSIX_SPAWN_[A-Z0-9]+ CLD_[A-Z]+ PIDFD_[A-Z]+",
        ),
        (
            _SERVICES,
            "chroot copy_file_range ctermid eventfd eventfd_read eventfd_write "
            "fchdir fchmod fstatvfs statvfs fwalk get_terminal_size getgrouplist getloadavg getlogin "
            "getrandom getresgid getresuid getxattr setxattr listxattr removexattr initgroups lockf "
            "major minor makedev memfd_create mkfifo mknod posix_fallocate posix_fadvise preadv "
            "pwritev readv writev sched_[a-z_]+ sendfile setegid seteuid setgid setgroups setregid "
            "setresgid setresuid setreuid setuid splice sync ttyname unshare setns timerfd_[a-z_]+ "
            "dup dup2 EFD_[A-Z]+ GRND_[A-Z]+ MFD_[A-Z0-9_]+ O_[A-Z]+ RTLD_[A-Z]+ RWF_[A-Z]+ SCHED_[A-Z_]+ "
            "SEEK_[A-Z]+ SPLICE_[A-Z_]+ ST_[A-Z]+ TMP_MAX XATTR_[A-Z_]+ F_[A-Z]+",
        ),
    ],
    "signal": [
        (_PROCESSES, "pidfd_send_signal pthread_kill"),
        (
            _SERVICES,
            "alarm getitimer setitimer ITIMER_[A-Z]+ ItimerError pause pthread_sigmask siginterrupt "
            "sigpending sigtimedwait sigwait sigwaitinfo struct_siginfo valid_signals Sigmasks "
            "SIG_[A-Z]+ SIG[A-Z0-9]+ set_wakeup_fd",
        ),
    ],
    "time": [(_SERVICES, "tzset clock_settime clock_settime_ns thread_time thread_time_ns CLOCK_[A-Z_]+")],
    "shutil": [(_SERVICES, "disk_usage")],
    "hashlib": [(_OPENSSL, "scrypt")],
    "hmac": [(_OPENSSL, "scrypt")],
    "select": [(_SERVICES, "epoll EPOLL[A-Z_]* POLL[A-Z]+ kqueue kevent devpoll")],
    "selectors": [(_SERVICES, "EpollSelector KqueueSelector DevpollSelector")],
    "socket": [
        (
            _NETWORK,
            "[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]+ getprotobyname getservbyname getservbyport if_[a-z]+ recv_fds send_fds "
            "sethostname gethostname socketpair fromshare",
        )
    ],
    "socketserver": [
        (_PROCESSES, "Forking[A-Za-z]+"),
        (_NETWORK, "(?:Threading)?Unix[A-Za-z]+"),
    ],
    "http.client": [(_NETWORK, "HTTPSConnection")],
    "http.server": [(_NETWORK, "HTTPSServer ThreadingHTTPSServer")],
    "urllib.request": [(_NETWORK, "HTTPSHandler")],
    "smtplib": [(_NETWORK, "SMTP_SSL")],
    "ftplib": [(_NETWORK, "FTP_TLS")],
    "imaplib": [(_NETWORK, "IMAP4_SSL")],
    "poplib": [(_NETWORK, "POP3_SSL")],
    "asyncio": [
        (_NETWORK, "open_unix_connection start_unix_server"),
        (_PROCESSES, "[A-Za-z]*ChildWatcher get_child_watcher set_child_watcher"),
    ],
    "multiprocessing.managers": [(_PROCESSES, "SharedMemoryManager SharedMemoryServer")],
    "threading": [(_SERVICES, "get_native_id")],
    "_thread": [(_SERVICES, "get_native_id")],
    "PIL": [(_FREETYPE, "_imagingft _webp _avif _imagingcms _imagingtk")],
}
_ABSENT["posix"] = _ABSENT["os"]

_patterns = {
    module: [(kind, re.compile("|".join(names.split()))) for kind, names in kinds]
    for module, kinds in _ABSENT.items()
}


def reason_of(module: str | None, name: str | None) -> str | None:
    """Why a module has no such name; none if that is not the sandbox's doing."""
    kind = _kind_of(module, name)
    return None if kind is None else kind.reason


def _kind_of(module: str | None, name: str | None) -> _Kind | None:
    for kind, pattern in _patterns.get(module or "", ()):
        if pattern.fullmatch(name or ""):
            return kind
    return None


def _explain(module: ModuleType) -> None:
    """Have a module say why it has not what is looked up."""
    own: Any = vars(module).get("__getattr__")
    called = module.__name__

    def missing(name: str) -> Any:
        message = f"module {called!r} has no attribute {name!r}"
        kind = _kind_of(called, name)
        if kind is None:
            if own is not None:
                return own(name)
            raise AttributeError(message, name=name, obj=module)
        error = FunctionMissing(f"{message}: {kind.why}", name=name, obj=module)
        error.cellblock_reason = kind.reason
        error.cellblock_function = f"{called}.{name}"
        raise error

    missing.__name__ = missing.__qualname__ = "__getattr__"
    module.__getattr__ = missing  # type: ignore[method-assign]


def install() -> None:
    """Have the modules say so, now or when they are imported."""
    for name in _ABSENT:
        if name not in ("PIL",):  # which has a part of that name missing, and is asked by `from` only
            after_import(name, _explain)
