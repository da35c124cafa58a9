"""One cell: run it, and say how it ended."""

from __future__ import annotations

from typing import Any

from .departure import Departure
from .facts import facts
from .imports import imports
from .interrupts import gate
from .sampling import samples
from .session import Session
from .shell import ZMQInteractiveShell, text_of
from .stdin import asker

Request = dict[str, Any]
Reply = dict[str, Any]


def execute(session: Session, request: Request) -> Reply:
    """Serve an `execute` request: the content of its reply."""
    shell = session.shell
    silent = bool(request.get("silent", False))
    store_history = bool(request.get("store_history", True)) and not silent
    _count_as_the_host(shell, request.get("execution_count"), store_history)
    shell.set_parent({"header": {"msg_id": request.get("msg_id") or ""}, "metadata": {}})
    shell.last_error = shell.shown_error = None
    shell.failed_in_display = False
    shell.displayhook._is_active = False
    shell.payload_manager.clear_payload()
    asker.allowed = bool(request.get("allow_stdin", False))
    imports.begin_cell()
    samples.begin_cell()
    try:
        with gate.user_code(), session.runner.ambient():
            result = shell.run_cell(
                request.get("code", ""),
                store_history=store_history,
                silent=silent,
                cell_id=request.get("cell_id"),
            )
            session.runner.step()
            error = result.error_before_exec or result.error_in_exec
            if isinstance(error, Departure):
                reply: Reply = {"status": "ok", "user_expressions": {}}
            elif error is None and not shell.failed_in_display:
                expressions = request.get("user_expressions")
                values = shell.user_expressions(expressions) if expressions else {}
                reply = {"status": "ok", "user_expressions": values}
            else:
                reply = _failed(shell, error)
    except Departure:  # from an event callback
        reply = {"status": "ok", "user_expressions": {}}
    except BaseException as stray:  # noqa: BLE001 - from an event callback, or an interrupt there
        shell.showtraceback((type(stray), stray, stray.__traceback__))
        reply = _failed(shell, stray)
    finally:
        asker.allowed = False
        imports.end_cell()
    reply.update(imports.report())
    reply.update(samples.report(shell))
    return _with_payloads(shell, reply)


def _count_as_the_host(shell: ZMQInteractiveShell, count: Any, store_history: bool) -> None:
    """Number this cell as the host does, and keep `In` aligned with the numbers."""
    if not isinstance(count, int) or count < 0:
        return
    shell.execution_count = count
    history = shell.history_manager
    if store_history:
        for inputs in (history.input_hist_parsed, history.input_hist_raw):
            while len(inputs) < count:
                inputs.append("")


def _failed(shell: ZMQInteractiveShell, error: BaseException | None) -> Reply:
    reply: Reply = {"status": "error", "user_expressions": {}}
    reply.update(shell.last_error or {"ename": "", "evalue": "", "traceback": []})
    if error is not None:
        reply["ename"] = type(error).__name__
        reply["evalue"] = text_of(error)
        reply["facts"] = facts(shell, error)
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
