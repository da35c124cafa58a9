"""The frames of a traceback as IPython shows them, found and coloured without looking everywhere.

IPython's own search asks for each frame which of all loaded modules it might belong to, and builds
its lexer and style anew for each frame: in the sandbox, where touched memory is what costs, that is
most of what an error takes. Here repeated frames are folded first, so a deep recursion costs as
much as a shallow one, and a cell's lines are shown whole, with the comments behind them.
"""

from __future__ import annotations

import functools
import linecache
import types
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import stack_data
from IPython.core.tbtools import FrameInfo
from IPython.core.ultratb import FAST_THRESHOLD, AutoFormattedTB
from IPython.utils.PyColorize import theme_table
from pygments import highlight
from pygments.formatters.terminal256 import Terminal256Formatter
from pygments.lexers.python import Python3Lexer
from pygments.token import Token
from stack_data.utils import cached_property, collapse_repeated

from .tracebacks import MOST_TEXT, shortened

Range = tuple[int, int]

# Of the text of an exception, so that there is room for the frames before it.
_MOST_OF_TEXT = MOST_TEXT // 2


class SandboxTraceback(AutoFormattedTB):
    """IPython's formatter, with its frames from here."""

    def get_records(self, etb: TracebackType, context: int, tb_offset: int) -> list[FrameInfo]:
        after = (context - 1) // 2
        options = stack_data.Options(
            before=context - 1 - after,
            after=after,
            pygments_formatter=self._formatter() if self.has_colors else None,
        )
        return list(
            collapse_repeated(
                [tb for tb in _entries(etb) if not _is_ipython(tb)],
                mapper=lambda tb: _record(tb, options, context),
                collapser=lambda tbs, keys: FrameInfo._from_stack_data_FrameInfo(
                    _RepeatedFrames(tbs, keys)
                ),
                key=lambda tb: (tb.tb_frame.f_code, tb.tb_lineno),
            )
        )

    def format_exception(self, etype: Any, evalue: Any) -> Any:
        """As IPython's, of no more of the exception's text than anybody is shown."""
        return super().format_exception(etype, _within_bounds(evalue))

    def _formatter(self) -> Terminal256Formatter:
        return _formatter_of(self._theme_name, self.tb_highlight)


class _Short:
    """What stands for an exception whose text is too long to be rendered."""

    def __init__(self, text: str, notes: Any) -> None:
        self._text = text
        if isinstance(notes, list):
            self.__notes__ = [shortened(note) if isinstance(note, str) else note for note in notes]

    def __str__(self) -> str:
        return self._text


def _within_bounds(evalue: Any) -> Any:
    try:
        text = str(evalue)
    except Exception:  # noqa: BLE001 - the user's own __str__, for which IPython has words
        return evalue
    if len(text) <= _MOST_OF_TEXT:
        return evalue
    return _Short(shortened(text, _MOST_OF_TEXT), getattr(evalue, "__notes__", None))


def _record(tb: TracebackType, options: stack_data.Options, context: int) -> FrameInfo:
    frame = tb.tb_frame
    code = frame.f_code
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    if not lines:
        return _FrameWithoutSource(code.co_filename, tb.tb_lineno, frame, code)
    if len(lines) > FAST_THRESHOLD:
        return FrameInfo("Raw frame", code.co_filename, tb.tb_lineno, frame, code, context=context)
    return FrameInfo._from_stack_data_FrameInfo(_Frame(tb, options))


class _FrameWithoutSource(FrameInfo):
    """A frame of a module that is there as bytecode only, such as the standard library's."""

    def __init__(self, filename: str, lineno: int, frame: Any, code: types.CodeType) -> None:
        self.description = "Raw frame"
        self.filename = filename
        self.lineno = lineno
        self.frame = frame
        self.code = code
        self.context = 0
        self.raw_lines: list[str] = []
        self._sd = None


class _RepeatedFrames(stack_data.RepeatedFrames):
    """Frames that are not shown, described without their sources."""

    @cached_property
    def description(self) -> str:
        counts = Counter(self.frame_keys).most_common()
        return ", ".join(
            f"{code.co_qualname} at line {lineno} ({count} times)"
            for (code, lineno), count in counts
        )


class _Frame(stack_data.FrameInfo):
    """A frame whose scope is coloured in whole lines, not from its first to its last token."""

    @cached_property
    def _pygmented_scope_lines(self) -> tuple[int, list[str]]:
        scope, node = self.scope, self.executing.node
        start, end = self.source.line_range(scope)
        code = "\n".join(self.source.lines[start - 1 : end - 1]) + "\n"
        ranges: list[Range] = []
        if node is not None:
            text = self.source.asttext()
            at = text._line_numbers.line_to_offset(start, 0)
            first, last = text.get_text_range(node)
            ranges.append((first - at, last - at))
        return start, _coloured(code, ranges, self.options.pygments_formatter)


class _Lexer(Python3Lexer):
    """Python, with what was being executed marked."""

    marked: list[Range] = []

    def get_tokens(self, text: str, *args: Any, **kwargs: Any) -> Iterator[tuple[Any, str]]:
        at = 0
        for kind, value in super().get_tokens(text, *args, **kwargs):
            if any(start <= at < end for start, end in self.marked):
                kind = kind.ExecutingNode
            at += len(value)
            yield kind, value


# Making one compiles its table of regular expressions.
_lexer = _Lexer(stripnl=False)


def _coloured(code: str, ranges: list[Range], formatter: Any) -> list[str]:
    _lexer.marked = ranges
    try:
        return highlight(code, _lexer, formatter).splitlines()
    except Exception:  # noqa: BLE001 - lines without colours are better than none
        return code.splitlines()


@functools.lru_cache(8)
def _formatter_of(theme_name: str, default_highlight: str) -> Terminal256Formatter:
    theme = theme_table[theme_name]
    marked = theme.extra_style.get(Token.TbHighlight, default_highlight)
    style = stack_data.style_with_executing_node(theme.as_pygments_style(), marked)
    return Terminal256Formatter(style=style)


def _entries(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next


def _is_ipython(tb: TracebackType) -> bool:
    name = tb.tb_frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] == "IPython"
