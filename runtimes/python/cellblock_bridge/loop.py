"""An asyncio event loop for a world without sockets, and how cells run on it.

The stock loop makes a socket pair to wake itself up from other threads. Here there are no other
threads and no descriptors to watch, so waiting is sleeping until the next timer, or until the host has
a comm message for the cell. One loop lives as long as the session: tasks started by one cell go on while
later cells await, and between cells, when the host lets them.
"""

from __future__ import annotations

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.runners
import selectors
import time
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import Context
from typing import Any, TypeVar

from .belonging import belonging, context_of
from .offers import Message, offers
from .restrictions.processes import unavailable

T = TypeVar("T")

_set_running_loop = asyncio.events._set_running_loop
_monotonic = time.monotonic

# With no timer and nothing ready nothing can ever happen but an interrupt.
_FOREVER = 3600.0


#: A loop that is never idle looks for messages after so many rounds …
_ROUNDS = 64
#: … and not more often than this, in seconds.
_LOOK_EVERY = 0.01


class SleepingSelector(selectors.BaseSelector):
    """A selector with nothing to select from: it sleeps, and takes comm messages for its loop."""

    def __init__(self, take: Callable[[Message], None]) -> None:
        #: Whether the last wait was cut short by an exception, which is then nobody's fault.
        self.interrupted = False
        self._take = take
        self._looked_at = 0.0
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0 and not self._wants_to_look():
            return []
        self.interrupted = True
        message = offers.wait(_FOREVER if timeout is None else max(timeout, 0.0))
        self.interrupted = False
        if message is not None:
            self._take(message)
        return []

    def _wants_to_look(self) -> bool:
        self._rounds += 1
        if self._rounds < _ROUNDS:
            return False
        self._rounds, now = 0, _monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return False
        self._looked_at = now
        return True

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        raise NotImplementedError("the sandbox has no descriptors that could be waited for")

    def unregister(self, fileobj: Any) -> Any:
        raise KeyError(fileobj)

    def get_map(self) -> Mapping[Any, Any]:
        return {}


class SandboxEventLoop(asyncio.base_events.BaseEventLoop):
    """The loop that `asyncio.run`, `asyncio.new_event_loop` and top-level `await` use."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = SleepingSelector(self._take_message)
        #: What is running, or was running when the loop was left by an exception.
        self.running_handle: asyncio.Handle | None = None

    def _take_message(self, message: Message) -> None:
        self.call_soon(offers.serve, message, context=context_of(message.request))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """As usual; what is said of a task belongs to the request that started it."""
        about = context.get("task") or context.get("future")
        handle = context.get("handle")
        try:
            whose = about.get_context() if isinstance(about, asyncio.Task) else handle._context
        except AttributeError:
            whose = None
        with belonging.of(whose) if whose is not None else nullcontext():
            super().call_exception_handler(context)

    # What BaseEventLoop asks of its subclasses.

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    # What cannot be had, or only otherwise.

    async def _make_subprocess_transport(self, protocol: Any, args: Any, *_: Any, **__: Any) -> Any:
        raise unavailable(args if isinstance(args, str) else " ".join(map(str, args)))

    def run_in_executor(
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run the function in place: there are no threads, and `to_thread` is still of use."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # a KeyboardInterrupt goes straight up
            future.set_exception(error)
        return future

    # An ambient loop (see `CellRunner.ambient`) is found, but does not run: it is in nobody's way.

    def run_forever(self) -> None:
        with _ambient_withdrawn():
            try:
                super().run_forever()
            finally:
                belonging.belong_to(belonging.here())

    def run_until_complete(self, future: Any) -> Any:
        with _ambient_withdrawn():
            return super().run_until_complete(future)


class InterruptibleCell(Coroutine[Any, Any, T]):
    """A cell's coroutine into which an interrupt can be thrown where it awaits.

    A task can only be cancelled from outside, and the cell would see `CancelledError`. This
    wrapper turns that cancellation into the interrupt itself, so that the traceback has the right
    type and the line of the `await`, after the tasks that it waited for were cancelled in turn.
    """

    def __init__(self, cell: Coroutine[Any, Any, T]) -> None:
        self._cell = cell
        self._stop: BaseException | None = None

    def stop_with(self, stop: BaseException) -> None:
        """Have the next cancellation arrive as this exception."""
        self._stop = stop

    def send(self, value: Any) -> Any:
        return self._cell.send(value)

    def throw(self, error: Any, value: Any = None, tb: Any = None) -> Any:
        if self._stop is not None and isinstance(error, asyncio.CancelledError):
            error, self._stop = self._stop, None
        return self._cell.throw(error)

    def close(self) -> None:
        self._cell.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._cell.__await__()


class Ambient:
    """A span in which a loop is found that does not run."""

    def __init__(self, loop: SandboxEventLoop) -> None:
        self._loop = loop

    def __enter__(self) -> None:
        _set_running_loop(self._loop)

    def __exit__(self, *_: object) -> None:
        _set_running_loop(None)


class CellRunner:
    """Runs asynchronous cells: what IPython calls a loop runner."""

    def __init__(self) -> None:
        self.loop = SandboxEventLoop()

    def __call__(self, cell: Coroutine[Any, Any, T]) -> T:
        coroutine = InterruptibleCell(cell)
        task = self.loop.create_task(coroutine, name="cell")
        while True:
            try:
                return self.loop.run_until_complete(task)
            except KeyboardInterrupt as stop:
                if task.done():
                    raise
                if self.loop._selector.interrupted:
                    stop.__traceback__ = None  # the loop's own frames tell the user nothing
                coroutine.stop_with(stop)
                task.cancel()

    def __str__(self) -> str:
        return "asyncio"

    def ambient(self) -> Ambient:
        """Let synchronous code find the loop, as in a kernel that runs inside of it.

        `asyncio.create_task`, `get_running_loop` and the like work in any cell; the tasks get
        their first step when the cell ends and go on with the next ones.
        """
        return Ambient(self.loop)

    def mend(self) -> bool:
        """Make another loop if a notebook closed this one; whether it had to be."""
        if not self.loop._closed:  # type: ignore[attr-defined]
            return False
        self.loop = SandboxEventLoop()
        return True

    def step(self) -> None:
        """Run what is ready, without waiting for anything."""
        loop = self.loop
        if loop._ready or loop._scheduled:  # type: ignore[attr-defined]
            stop = loop.call_soon(loop.stop)
            try:
                loop.run_forever()
            finally:
                stop.cancel()  # an exception may have come before it, and it would end whatever runs next

    def due_in(self) -> float | None:
        """In how many seconds the loop has something to do; None if nothing will ever be by itself."""
        loop = self.loop
        if loop._ready:  # type: ignore[attr-defined]
            return 0.0
        timers = loop._scheduled  # type: ignore[attr-defined]
        if timers and timers[0]._cancelled:
            timers = sorted(timer for timer in timers if not timer._cancelled)
        return max(0.0, timers[0]._when - loop.time()) if timers else None

    def run_what_is_due(self, seconds: float) -> None:
        """Run what is due, and what that makes due, for so long."""
        loop, until = self.loop, _monotonic() + seconds
        loop.running_handle = None
        if self.due_in() != 0.0:
            return
        looking: asyncio.Handle | None = None

        def look() -> None:
            nonlocal looking
            if self.due_in() == 0.0 and _monotonic() < until:
                looking = loop.call_soon(look)
            else:
                loop.stop()

        looking = loop.call_soon(look)
        try:
            loop.run_forever()
        finally:
            looking.cancel()

    def stop_what_ran(self) -> Context | None:
        """An exception came out of the loop: end what it came from, or, if it came in between, what is ready to run.

        Returns the context of what was ended.
        """
        handle, self.loop.running_handle = self.loop.running_handle, None
        task = _task_of(handle)
        if task is not None and task.done():
            if not task.cancelled():
                task.exception()  # it is shown already, and need not be said again when the task is gone
            return task.get_context()
        tasks = [task, *map(_task_of, self.loop._ready)]  # type: ignore[attr-defined]
        ready = [task for task in tasks if task is not None]
        if handle is not None and not ready:  # a callback
            return handle._context  # type: ignore[attr-defined,no-any-return]
        for task in ready:
            task.cancel()
        return ready[0].get_context() if ready else None


def _task_of(handle: asyncio.Handle | None) -> asyncio.Task[Any] | None:
    """The task of which a handle is a step."""
    task = getattr(getattr(handle, "_callback", None), "__self__", None)
    return task if isinstance(task, asyncio.Task) else None


@contextmanager
def _ambient_withdrawn() -> Iterator[None]:
    """Hide an ambient loop while a loop really runs, and only then."""
    ambient = asyncio.events._get_running_loop()
    if ambient is None or ambient.is_running():
        yield
        return
    asyncio.events._set_running_loop(None)
    try:
        yield
    finally:
        asyncio.events._set_running_loop(ambient)


def install() -> CellRunner:
    """Make the sandbox's loop the one that asyncio makes, and return the cells' runner."""
    asyncio.new_event_loop = asyncio.events.new_event_loop = SandboxEventLoop  # type: ignore[assignment]
    asyncio.SelectorEventLoop = SandboxEventLoop  # type: ignore[assignment,misc]
    if hasattr(asyncio, "EventLoop"):
        asyncio.EventLoop = SandboxEventLoop  # type: ignore[assignment,misc]

    runner_run = asyncio.Runner.run

    def run(self: asyncio.Runner, coro: Any, *, context: Any = None) -> Any:
        with _ambient_withdrawn():
            return runner_run(self, coro, context=context)

    asyncio.Runner.run = run  # type: ignore[method-assign]

    asyncio_run = asyncio.run

    def run_main(main: Any, **options: Any) -> Any:
        with _ambient_withdrawn():
            return asyncio_run(main, **options)

    run_main.__doc__ = asyncio_run.__doc__
    asyncio.run = asyncio.runners.run = run_main  # type: ignore[assignment]
    return CellRunner()
