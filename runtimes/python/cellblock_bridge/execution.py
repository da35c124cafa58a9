"""One cell: run it, and say how it ended."""

from __future__ import annotations

from typing import Any

from .interrupts import gate
from .module_names import root_modules
from .reasons import cause_of, missing_module
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
            if error is None and not shell.failed_in_display:
                expressions = request.get("user_expressions")
                values = shell.user_expressions(expressions) if expressions else {}
                reply: Reply = {"status": "ok", "user_expressions": values}
            else:
                reply = _failed(shell, error)
    except BaseException as stray:  # noqa: BLE001 - from an event callback, or an interrupt there
        shell.showtraceback((type(stray), stray, stray.__traceback__))
        reply = _failed(shell, stray)
    finally:
        asker.allowed = False
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
        reply["facts"] = facts(error)
    return reply


def facts(error: BaseException) -> dict[str, Any]:
    """What the host classifies an error by: types and attributes, never words of its text."""
    found: dict[str, Any] = {
        "types": [
            f"{kind.__module__}.{kind.__qualname__}"
            for kind in type(error).__mro__
            if kind is not object
        ]
    }
    cause, reason = cause_of(error)
    for name in ("name", "errno", "filename", "filename2", "key", "limit", "used"):
        for link in (error, cause):
            value = getattr(link, name, None)
            if isinstance(value, (str, int, float)):
                found.setdefault(name, value)
    if reason is not None:
        found["reason"] = reason
    missing = missing_module(error)
    if missing is not None:
        found["missing"] = missing
    if missing is not None or reason in ("packages", "subprocess"):
        found["modules"] = [name for name in root_modules() if not name.startswith("_")]
    return found


def _with_payloads(shell: ZMQInteractiveShell, reply: Reply) -> Reply:
    payload = list(shell.payload_manager.read_payload())
    shell.payload_manager.clear_payload()
    reply["payload"] = payload
    for item in payload:
        if item.get("source") == "ask_exit":
            reply["exit"] = True
            reply["keep"] = bool(item.get("keepkernel"))
    return reply
