"""An asyncio event loop for a world without sockets, and how cells run on it.

The stock loop makes a socket pair to wake itself up from other threads. Here there are no other
threads and no descriptors to watch, so waiting is sleeping until the next timer. One loop lives
as long as the session: tasks started by one cell go on whenever a later cell awaits.
"""

from __future__ import annotations

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.runners
import selectors
import time
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from .restrictions.processes import unavailable

T = TypeVar("T")

_set_running_loop = asyncio.events._set_running_loop

# With no timer and nothing ready nothing can ever happen but an interrupt.
_FOREVER = 3600.0


class SleepingSelector(selectors.BaseSelector):
    """A selector with nothing to select from: it sleeps."""

    def __init__(self) -> None:
        #: Whether the last wait was cut short by an exception, which is then nobody's fault.
        self.interrupted = False

    def select(self, timeout: float | None = None) -> list[Any]:
        self.interrupted = True
        if timeout is None:
            time.sleep(_FOREVER)
        elif timeout > 0:
            time.sleep(timeout)
        self.interrupted = False
        return []

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
        self._selector = SleepingSelector()

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
            super().run_forever()

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
            loop.call_soon(loop.stop)
            loop.run_forever()


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
