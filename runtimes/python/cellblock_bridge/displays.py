"""Results and displays: IPython's two ways out, bound to the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher

from . import streams
from .door import door

Message = dict[str, Any]
Hook = Callable[[Message], Message | None]


class OfRequest:
    """Knows under ipykernel's names which request what is shown belongs to."""

    @property
    def parent_header(self) -> Message:
        """The header of the request that the running code belongs to."""
        return dict(self.shell.get_parent()["header"])  # type: ignore[attr-defined]

    @property
    def session(self) -> Any:
        """What stands for ipykernel's session."""
        return self.shell.kernel.session  # type: ignore[attr-defined]

    @property
    def pub_socket(self) -> Any:
        """What stands for its iopub socket."""
        return self.shell.kernel.iopub_socket  # type: ignore[attr-defined]

    def set_parent(self, parent: Message) -> None:
        """What is served is the host's to say."""


class Hooks:
    """The transform hooks that libraries register on outgoing messages, as in ipykernel."""

    def __init__(self) -> None:
        self._hooks: list[Hook] = []

    def add(self, hook: Hook) -> None:
        self._hooks.append(hook)

    def remove(self, hook: Hook) -> bool:
        if hook not in self._hooks:
            return False
        self._hooks.remove(hook)
        return True

    def apply(self, msg_type: str, content: Message) -> Message | None:
        """Pass a message's content through every hook; None if one of them took it."""
        if not self._hooks:
            return content
        message: Message | None = {
            "header": {"msg_type": msg_type},
            "parent_header": {},
            "metadata": {},
            "msg_type": msg_type,
            "content": content,
        }
        for hook in list(self._hooks):
            message = hook(message)
            if message is None:
                return None
        return message["content"]


class ResultHook(OfRequest, DisplayHook):
    """The value of a cell's last expression, sent as op `result`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hooks = Hooks()

    def register_hook(self, hook: Hook) -> None:
        self._hooks.add(hook)

    def unregister_hook(self, hook: Hook) -> bool:
        return self._hooks.remove(hook)

    def write_output_prompt(self) -> None:
        """The prompt is the front end's."""

    def write_format_data(self, format_dict: Message, md_dict: Message | None = None) -> None:
        content = {"data": format_dict, "metadata": md_dict or {}}
        sent = self._hooks.apply("execute_result", content)
        if sent is not None:
            streams.flush()
            door.tell("result", data=sent["data"], metadata=sent["metadata"])

    def log_output(self, format_dict: Message) -> None:
        """Keep the text for `%history -o`, not the bundle: figures would fill the image."""
        text = format_dict.get("text/plain")
        if text is not None:
            self.shell.history_manager.output_hist_reprs[self.prompt_count] = text
            if self.shell._logger is not None and self.shell._logger.log_output:
                self.shell._logger.log_write(text, "output")

    def finish_displayhook(self) -> None:
        self._is_active = False


class DoorPublisher(OfRequest, DisplayPublisher):
    """`display()`, its updates and `clear_output()`, sent as ops of the same names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hooks = Hooks()

    def register_hook(self, hook: Hook) -> None:
        self._hooks.add(hook)

    def unregister_hook(self, hook: Hook) -> bool:
        return self._hooks.remove(hook)

    def publish(  # type: ignore[override]
        self,
        data: Message,
        metadata: Message | None = None,
        *,
        transient: Message | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        self._validate_data(data, metadata)
        content = {"data": data, "metadata": metadata or {}, "transient": transient or {}}
        msg_type = "update_display_data" if update else "display_data"
        sent = self._hooks.apply(msg_type, content)
        if sent is not None:
            streams.flush()
            door.tell(
                "display",
                data=sent["data"],
                metadata=sent.get("metadata") or {},
                transient=sent.get("transient") or {},
                update=bool(update),
            )

    def clear_output(self, wait: bool = False) -> None:
        sent = self._hooks.apply("clear_output", {"wait": bool(wait)})
        if sent is not None:
            streams.flush()
            door.tell("clear_output", wait=bool(sent["wait"]))
