"""`input()` and `getpass.getpass()`: questions to whoever sits at the front end."""

from __future__ import annotations

import builtins
import getpass
from typing import Any

from IPython.core.error import StdinNotImplementedError

from . import streams
from .door import door


# As ipykernel says it.
_INTERRUPTED = "Interrupted by user"


class Asker:
    """Asks the front end, if the request that is being served allows it."""

    def __init__(self) -> None:
        self.allowed = False

    def input(self, prompt: object = "", /) -> str:
        """Read a line from the front end. The trailing newline is not part of it."""
        return self._ask("input()", prompt, password=False)

    def getpass(self, prompt: str = "Password: ", stream: Any = None, **_: Any) -> str:
        """Read a line from the front end without showing it."""
        return self._ask("getpass()", prompt, password=True)

    def _ask(self, function: str, prompt: object, *, password: bool) -> str:
        if not self.allowed:
            raise _unavailable(
                f"{function} was called, but this frontend does not support input requests."
            )
        streams.flush()
        text = str(prompt)
        try:
            answer, _ = door.ask("input", prompt=text, password=password)
        except KeyboardInterrupt as stop:
            if type(stop) is not KeyboardInterrupt:  # a limit's, which says which
                raise
            raise KeyboardInterrupt(_INTERRUPTED) from None
        error = answer.get("error")
        if error is None:
            return str(answer.get("value", ""))
        if error == "eof":
            raise EOFError
        if error == "interrupted":
            raise KeyboardInterrupt(_INTERRUPTED)
        raise _unavailable(f"the frontend did not answer an input request: {error}")


def _unavailable(text: str) -> StdinNotImplementedError:
    error = StdinNotImplementedError(text)
    error.cellblock_reason = "stdin"  # type: ignore[attr-defined]
    return error


asker = Asker()


def install() -> None:
    """Put both functions where user code finds them."""
    builtins.input = asker.input
    getpass.getpass = asker.getpass
