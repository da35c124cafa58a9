"""Whether the sandbox is the cause of an error: by what it is, and what it came of."""

from __future__ import annotations

from collections.abc import Iterator

# Errors that a chain is followed through; longer ones are loops, or nobody's.
_CHAIN_MAX = 20

# What code raises by mistake. That it happened while something else was handled says nothing of it.
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    SyntaxError,
    TypeError,
    ValueError,
)

# What numpy and Python say, in full, of a size that 32 bits do not address. It has no type of its own.
_ADDRESS_SPACE = (
    "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
    "Maximum allowed dimension exceeded",
    "Python int too large to convert to C ssize_t",
    "cannot fit 'int' into an index-sized integer",
)


def cause_of(error: BaseException) -> tuple[BaseException, str | None]:
    """What of the sandbox caused `error` (see `docs/door.md`), and which error of its chain that was."""
    for link in _chain(error):
        reason = getattr(link, "cellblock_reason", None)
        if isinstance(reason, str):
            return link, reason
    if type(error) in (ValueError, OverflowError) and error.args[:1] in [(text,) for text in _ADDRESS_SPACE]:
        return error, "address_space"
    return error, None


def missing_module(error: BaseException) -> str | None:
    """The module that was not found, if `error` is, or was raised from, that."""
    if isinstance(error, ImportError):
        for link in _chain(error):
            if isinstance(link, ModuleNotFoundError) and isinstance(link.name, str):
                return link.name
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came of, from the last to the first."""
    link: BaseException | None = error
    for _ in range(_CHAIN_MAX):
        if link is None:
            return
        yield link
        link = _before(link)


def _before(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return error.exceptions[0]
    by_mistake = type(error).__module__ == "builtins" and isinstance(error, _MISTAKES)
    return None if error.__suppress_context__ or by_mistake else error.__context__
