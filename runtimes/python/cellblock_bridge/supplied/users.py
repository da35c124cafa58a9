"""Who runs this process: `os.getuid` and its relatives, `os.umask`, `os.chown`, the modules `pwd` and `grp`.

A sandbox has a single user. Its numbers are those that files have here (`st_uid`), its name and home are
made up, and nothing is learned of the host's. Libraries ask when they make temporary directories,
look for a home, write an archive or a log.
"""

from __future__ import annotations

import errno
import operator
import os
import sys
from collections import namedtuple
from types import ModuleType
from typing import Any

_ID = 0
_NAME = "user"
_HOME = "/app"

struct_passwd = namedtuple(
    "struct_passwd",
    ["pw_name", "pw_passwd", "pw_uid", "pw_gid", "pw_gecos", "pw_dir", "pw_shell"],
    module="pwd",
)
struct_group = namedtuple(
    "struct_group", ["gr_name", "gr_passwd", "gr_gid", "gr_mem"], module="grp"
)

_mask = 0o022


def _user() -> Any:
    home = os.environ.get("HOME") or _HOME
    return struct_passwd(_NAME, "x", _ID, _ID, "", home, "/bin/sh")


def _group() -> Any:
    return struct_group(_NAME, "x", _ID, [])


def getpwuid(uid: int, /) -> Any:
    """Return the password database entry for the given numeric user ID."""
    if operator.index(uid) != _ID:
        raise KeyError(f"getpwuid(): uid not found: {uid}")
    return _user()


def getpwnam(name: str, /) -> Any:
    """Return the password database entry for the given user name."""
    if not isinstance(name, str):
        raise TypeError(f"getpwnam() argument must be str, not {type(name).__name__}")
    if name != _NAME:
        raise KeyError(f"getpwnam(): name not found: {name!r}")
    return _user()


def getpwall() -> list[Any]:
    """Return a list of all available password database entries, in arbitrary order."""
    return [_user()]


def getgrgid(id: int) -> Any:
    """Return the group database entry for the given numeric group ID."""
    if operator.index(id) != _ID:
        raise KeyError(f"getgrgid(): gid not found: {id}")
    return _group()


def getgrnam(name: str) -> Any:
    """Return the group database entry for the given group name."""
    if not isinstance(name, str):
        raise TypeError(f"getgrnam() argument 'name' must be str, not {type(name).__name__}")
    if name != _NAME:
        raise KeyError(f"getgrnam(): name not found: {name!r}")
    return _group()


def getgrall() -> list[Any]:
    """Return a list of all available group entries, in arbitrary order."""
    return [_group()]


def umask(mask: int, /) -> int:
    """Set the current numeric umask and return the previous umask. Files have no modes to apply it to."""
    global _mask
    before, _mask = _mask, operator.index(mask) & 0o777
    return before


def chown(path: Any, uid: int, gid: int, *, dir_fd: Any = None, follow_symlinks: bool = True) -> None:
    """Change the owner and group id of path to the numeric uid and gid. There is one owner: it stays or it is refused."""
    os.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    _own(uid, gid, path)


def lchown(path: Any, uid: int, gid: int) -> None:
    """Change the owner and group id of path to the numeric uid and gid, without following links."""
    chown(path, uid, gid, follow_symlinks=False)


def fchown(fd: int, uid: int, gid: int) -> None:
    """Change the owner and group id of the file of a descriptor."""
    os.fstat(fd)
    _own(uid, gid, None)


def _own(uid: int, gid: int, path: Any) -> None:
    # As number 0 this user may seem to be allowed to, and `tarfile` tries.
    if not {operator.index(uid), operator.index(gid)} <= {_ID, -1}:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)


def getuid() -> int:
    """Return the current process's user id."""
    return _ID


def geteuid() -> int:
    """Return the current process's effective user id."""
    return _ID


def getgid() -> int:
    """Return the current process's group id."""
    return _ID


def getegid() -> int:
    """Return the current process's effective group id."""
    return _ID


def getgroups() -> list[int]:
    """Return list of supplemental group IDs for the process."""
    return [_ID]


def install() -> None:
    """Supply what is not there."""
    if sys.platform != "wasi":
        return
    for function in (umask, chown, lchown, fchown, getuid, geteuid, getgid, getegid, getgroups):
        if not hasattr(os, function.__name__):
            function.__module__ = "os"
            setattr(os, function.__name__, function)
            os.__all__.append(function.__name__)
    _supply("pwd", struct_passwd, getpwuid, getpwnam, getpwall)
    _supply("grp", struct_group, getgrgid, getgrnam, getgrall)


def _supply(name: str, *contents: Any) -> None:
    if name in sys.modules:
        return
    module = ModuleType(name, f"The {name} database, of the one that a sandbox has.")
    for member in contents:
        member.__module__ = name
        setattr(module, member.__name__, member)
    sys.modules[name] = module
