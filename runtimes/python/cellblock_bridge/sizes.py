"""Whether an expression asks for a size that 64 bits do not hold either: then nothing of it is the sandbox's doing."""

from __future__ import annotations

import ast
from types import TracebackType
from typing import Any

# What Linux on 64 bits takes for a length, a position or a count.
_LARGEST = 2**63 - 1
_MOST_TEXT = 2_000
# So many bits at most of what is computed here: enough to see that it is too large.
_MOST_BITS = 256


def is_too_large_anywhere(expression: str, tb: TracebackType | None) -> bool:
    """Whether a number in an expression, or behind a name in it, is larger than any size on Linux.

    No function of the expression's is called: only plain numbers, and the ends of plain ranges, are looked at.
    """
    if not expression or len(expression) > _MOST_TEXT or tb is None:
        return False
    frame = tb.tb_frame
    scopes: tuple[Any, ...] = (frame.f_locals, frame.f_globals)
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        return any(_is_too_large(_value(node, scopes)) for node in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_too_large(value: Any) -> bool:
    if type(value) is range:
        return _is_too_large(value.start) or _is_too_large(value.stop)
    return type(value) is int and abs(value) > _LARGEST


def _value(node: ast.AST, scopes: tuple[Any, ...]) -> Any:
    """The number that a part of an expression is, if that is plain."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return next((scope[node.id] for scope in scopes if node.id in scope), None)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, scopes)
        return -value if type(value) is int else None
    if isinstance(node, ast.BinOp):
        return _computed(node.op, _value(node.left, scopes), _value(node.right, scopes))
    return None


def _computed(op: ast.operator, left: Any, right: Any) -> int | None:
    if type(left) is not int or type(right) is not int or max(left.bit_length(), right.bit_length()) > _MOST_BITS:
        return None
    if isinstance(op, ast.Pow):
        if right < 0 or left.bit_length() * right > _MOST_BITS * 4:
            return _LARGEST + 1 if right > 0 and abs(left) > 1 else None
        return left**right
    if isinstance(op, ast.LShift):
        return left << right if 0 <= right <= _MOST_BITS else None
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    return None
