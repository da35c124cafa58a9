"""What a notebook may import of Cellblock: the exceptions that a limit raises in a cell.

They derive from `KeyboardInterrupt` because that is what they are, the host's own Ctrl-C:
`except Exception` does not swallow them, and asyncio, IPython and the libraries that tidy up
after an interrupt do so after a limit as well.
"""

from __future__ import annotations

__all__ = ["FuelExhausted", "LimitReached", "TimeLimitExceeded"]


class LimitReached(KeyboardInterrupt):
    """The host stopped the cell because it reached a limit of the session's policy.

    Attributes:
        key: The policy key that raises the limit, such as `fuel_budget`.
        limit: What the policy allows.
        used: What the cell had used when it was stopped.
    """

    #: What the host classifies the failure by.
    cellblock_reason = "limit"

    def __init__(
        self,
        message: str = "",
        *,
        key: str | None = None,
        limit: int | float | None = None,
        used: int | float | None = None,
    ) -> None:
        super().__init__(message)
        self.key = key
        self.limit = limit
        self.used = used


class FuelExhausted(LimitReached):
    """The cell computed more than its fuel budget allows."""

    cellblock_reason = "fuel"


class TimeLimitExceeded(LimitReached):
    """The cell ran for longer than its wall-clock limit allows."""

    cellblock_reason = "timeout"
