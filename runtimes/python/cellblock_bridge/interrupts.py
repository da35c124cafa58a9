"""SIGINT in the guest: the host's way of asking a cell to stop, and why; and the span in which user code runs.

The host sets the interpreter's own "a signal has arrived" flags, so the handler runs at the next
bytecode. It asks the host `why` and raises the exception for that reason, but only while user
code is running: an interrupt that lands in the bridge itself waits until user code runs again in
the same turn, and dies with the turn otherwise. The host may also only want to know where the
cell is: then nothing is raised.

What a notebook does to the interpreter as a whole (trace functions, the recursion limit, builtins)
holds in that span, and not in the bridge's own work.
"""

from __future__ import annotations

import _signal
import signal
import sys
from builtins import KeyboardInterrupt, filter, len, str, type, vars
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from cellblock import FuelExhausted, LimitReached, TimeLimitExceeded

from . import builtin_names
from .door import door
from .sampling import samples

T = TypeVar("T")

_LIMITS: dict[str, type[LimitReached]] = {
    "fuel": FuelExhausted,
    "timeout": TimeLimitExceeded,
}

# Bound here, because a notebook can break what they are bound to.
_getsignal, _setsignal, _SIGINT = _signal.getsignal, _signal.signal, int(signal.SIGINT)
_settrace, _setprofile = sys.settrace, sys.setprofile
_gettrace, _getprofile = sys.gettrace, sys.getprofile
_get_recursion_limit, _set_recursion_limit = sys.getrecursionlimit, sys.setrecursionlimit
_monitoring: Any = getattr(sys, "monitoring", None)
_MONITORS = range(6)  # those that are for tools

#: Calls must nest so deep at least, or IPython cannot run a cell and show what came of it.
LEAST_DEPTH = 200


class Gate:
    """Whether an interrupt may be raised right now, and whose interpreter it is."""

    def __init__(self) -> None:
        self._open = False
        self._pending = False
        self._traced: tuple[Any, Any] = (None, None)
        #: The recursion limit of the bridge's own work, and the notebook's if it is another.
        self._depth = _get_recursion_limit()
        self._users_depth: int | None = None
        #: A limit of the notebook's that was too low, until it has been said.
        self.too_shallow: int | None = None

    def begin_turn(self) -> None:
        """The bridge begins to work, however the last turn ended."""
        _mend(self)
        _settrace(None)
        _setprofile(None)
        self._open = self._pending = False
        builtin_names.take_away()
        self._take_depth()

    def end_turn(self) -> None:
        """Forget an interrupt that came too late to interrupt anything."""
        self._pending = False

    def run(self, work: Callable[[], T], *, users: bool = True) -> T:
        """Do work in which interrupts are raised: the user's, or some of the bridge's own that may run user code."""
        _install_if_replaced()
        if users:
            builtin_names.give_back()
            if self._users_depth is not None:
                _set_recursion_limit(self._users_depth)
        self._open = True
        try:
            if self._pending:
                self.heed(None)
            if users and self._traced != (None, None):
                _setprofile(self._traced[1])
                _settrace(self._traced[0])
            return work()
        finally:
            # What the notebook left is called for every call, of C too, until it is taken away.
            trace, profile = _gettrace(), None
            try:
                profile = _getprofile()
                _setprofile(None)
            except BaseException:  # noqa: BLE001 - from the profile function, which is gone by that
                pass
            _settrace(None)
            self._open = False
            builtin_names.take_away()
            if users:
                self._traced = (trace, profile)
                self._take_depth()
                _stop_monitors()

    def set_depth(self, depth: int) -> None:
        """The recursion limit that the host wants."""
        self._depth, self._users_depth = depth, None
        _set_recursion_limit(depth)

    @property
    def depth_of_cells(self) -> int:
        """The recursion limit that the last cell ran with."""
        if self.too_shallow is not None:
            return self.too_shallow
        return self._depth if self._users_depth is None else self._users_depth

    def _take_depth(self) -> None:
        """Have the recursion limit of the session for the bridge's own work."""
        found = _get_recursion_limit()
        if found == self._depth:
            return
        if found < LEAST_DEPTH and found < self._depth:
            self.too_shallow = found
            found = LEAST_DEPTH if LEAST_DEPTH < self._depth else self._depth
        self._users_depth = found
        _set_recursion_limit(self._depth)

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self._open:
            self.heed(frame)
        else:
            self._pending = True

    def heed(self, frame: FrameType | None) -> None:
        """Ask the host why it interrupts, and raise that; or note where we are, if that is all."""
        self._pending = False
        answer = door.ask("why")[0]
        reason = answer.get("reason")
        if reason == "none":  # told before
            return
        if reason == "sample":
            samples.take(frame)
            return
        raise exception_for(answer)


_KINDS: dict[str, tuple[type, ...]] = {
    "_open": (bool,),
    "_pending": (bool,),
    "_traced": (tuple,),
    "_depth": (int,),
    "_users_depth": (int, type(None)),
    "too_shallow": (int, type(None)),
}

gate = Gate()
_fresh = dict(vars(gate))


def _mend(own_gate: Gate) -> None:
    """Take away what a notebook has set on the gate: it would stand in front of what the bridge calls."""
    own = vars(own_gate)
    for name in own.keys() - _fresh.keys():
        del own[name]
    for name, value in _fresh.items():
        if type(own.get(name)) not in _KINDS[name]:
            own[name] = value
    if own["_depth"] <= 0:
        own["_depth"] = _fresh["_depth"]
    if len(own["_traced"]) != 2:
        own["_traced"] = (None, None)


_handler = gate.handle


def exception_for(answer: dict[str, Any]) -> KeyboardInterrupt:
    """The exception that tells the user what the host's answer to `why` says."""
    reason = answer.get("reason", "interrupt")
    if reason == "interrupt":
        return KeyboardInterrupt(*filter(None, [answer.get("message")]))
    kind = _LIMITS.get(reason, LimitReached)
    return kind(
        _limit_text(reason, answer),
        key=answer.get("key"),
        limit=answer.get("limit"),
        used=answer.get("used"),
    )


def _limit_text(reason: str, answer: dict[str, Any]) -> str:
    text = answer.get("message") or f"the cell reached a limit of the sandbox ({reason})"
    limit, used, key = answer.get("limit"), answer.get("used"), answer.get("key")
    if limit is not None and used is not None and str(used) not in text:
        text += f": used {used:,} of {limit:,}"
    if key and key not in text:
        text += f"; the policy key that raises the limit is `{key}`"
    return text


def _install_if_replaced() -> None:
    """Take the signal back if a notebook put its own handler there: it must stay interruptible."""
    if _getsignal(_SIGINT) is not _handler:
        _setsignal(_SIGINT, _handler)


def _stop_monitors() -> None:
    """End `sys.monitoring`, which would call a notebook's functions in the bridge too."""
    if _monitoring is None:
        return
    for tool in _MONITORS:
        if _monitoring.get_tool(tool) is not None and _monitoring.get_events(tool):
            _monitoring.set_events(tool, 0)
