"""One cell: run it, and say how it ended."""

from __future__ import annotations

from typing import Any

from IPython.core.error import InputRejected

from . import streams
from .cell_files import is_cell_file
from .departure import Departure
from .facts import facts
from .imports import imports
from .interrupts import gate
from .sampling import samples
from .session import Session
from .shell import ZMQInteractiveShell, text_of
from .stdin import asker
from .supplied import mapped_files

Request = dict[str, Any]
Reply = dict[str, Any]

_MOST_NAMES = 20

# Bound here, because a notebook may put something in the place of either.
_showtraceback = ZMQInteractiveShell.showtraceback
_begin_request = ZMQInteractiveShell.begin_request


def execute(session: Session, request: Request) -> Reply:
    """Serve an `execute` request: the content of its reply."""
    shell = session.shell
    silent = bool(request.get("silent", False))
    store_history = bool(request.get("store_history", True)) and not silent
    _count_as_the_host(shell, request.get("execution_count"), store_history)
    _begin_request(shell, str(request.get("msg_id") or ""), "execute_request")
    shell.last_error = shell.shown_error = shell.told = None
    shell.failed_in_display = False
    shell.displayhook._is_active = False
    shell.payload_manager.clear_payload()
    asker.allowed = bool(request.get("allow_stdin", False))
    imports.begin_cell()
    samples.begin_cell()
    if not silent:
        session.healer.say()
    try:
        reply = _run(session, request, silent, store_history)
    finally:
        asker.allowed = False
        mapped_files.write_back()
        imports.end_cell()
    reply.update(imports.report())
    reply.update(samples.report(shell))
    return _with_payloads(shell, reply)


def _run(session: Session, request: Request, silent: bool, store_history: bool) -> Reply:
    shell = session.shell

    def run() -> Any:
        with session.runner.ambient():
            result = shell.run_cell(
                request.get("code", ""),
                store_history=store_history,
                silent=silent,
                cell_id=request.get("cell_id"),
            )
            session.runner.step()
            streams.flush()
            return result

    def evaluate() -> dict[str, Any]:
        with session.runner.ambient():
            return shell.user_expressions(expressions)

    try:
        result = gate.run(run)
        error = result.error_before_exec or result.error_in_exec
        failed = error is not None or shell.failed_in_display
        expressions = request.get("user_expressions") if not failed else None
        values = gate.run(evaluate) if expressions else {}
    except Departure:  # from an event callback
        return {"status": "ok", "user_expressions": {}}
    except BaseException as stray:  # noqa: BLE001 - from an event callback, or IPython itself
        show_error(shell, stray)
        return _failed(session, stray, not isinstance(stray, KeyboardInterrupt))
    if isinstance(error, Departure) or not failed:
        return {"status": "ok", "user_expressions": values}
    return _failed(session, error, _is_ipython_s(error, before=result.error_before_exec is not None))


def show_error(shell: ZMQInteractiveShell, error: BaseException) -> None:
    """Show an error that IPython has not shown, as well as it can be."""
    try:
        gate.run(
            lambda: _showtraceback(shell, (type(error), error, error.__traceback__)), users=False
        )
    except BaseException:  # noqa: BLE001 - then the reply says it
        pass


def _is_ipython_s(error: BaseException | None, *, before: bool) -> bool:
    """Whether an error is none of the cell's, but of what IPython does with cells."""
    if error is None or isinstance(error, (KeyboardInterrupt, MemoryError, Departure)):
        return False
    if not before:
        return not _comes_from_a_cell(error, running=True)
    if isinstance(error, (SyntaxError, InputRejected)):
        return False
    # The compiler raises these because of a cell's text; a transformer may raise anything.
    of_the_text = isinstance(error, (ValueError, OverflowError, RecursionError))
    return not of_the_text or _comes_from_a_cell(error)


def _comes_from_a_cell(error: BaseException, *, running: bool = False) -> bool:
    """Whether code of a cell raised it; `running`: while a cell was executed, and not a function of one."""
    tb = error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        if is_cell_file(code.co_filename) and not (running and code.co_name != "<module>"):
            return True
        tb = tb.tb_next
    return False


def _count_as_the_host(shell: ZMQInteractiveShell, count: Any, store_history: bool) -> None:
    """Number this cell as the host does, and keep `In` aligned with the numbers."""
    if not isinstance(count, int) or count < 0:
        return
    shell.execution_count = count
    shell.stored_line = count if store_history else None
    history = shell.history_manager
    if store_history:
        for inputs in (history.input_hist_parsed, history.input_hist_raw):
            while len(inputs) < count:
                inputs.append("")


def _failed(session: Session, error: BaseException | None, stuck: bool) -> Reply:
    shell = session.shell
    reply: Reply = {"status": "error", "user_expressions": {}}
    reply.update(shell.last_error or {"ename": "", "evalue": "", "traceback": []})
    if error is not None:
        reply["ename"] = type(error).__name__
        try:
            reply["evalue"] = gate.run(lambda: text_of(error), users=False)
            reply["facts"] = gate.run(lambda: facts(shell, error), users=False)
        except BaseException:  # noqa: BLE001 - of the user's own `__str__`, or an interrupt there
            reply.setdefault("evalue", "")
    if stuck:
        reply["stuck"] = session.repair.take_out()[:_MOST_NAMES]
    return reply


def _with_payloads(shell: ZMQInteractiveShell, reply: Reply) -> Reply:
    payload = list(shell.payload_manager.read_payload())
    shell.payload_manager.clear_payload()
    reply["payload"] = payload
    for item in payload:
        if item.get("source") == "ask_exit":
            reply["exit"] = True
            reply["keep"] = bool(item.get("keepkernel"))
    return reply
