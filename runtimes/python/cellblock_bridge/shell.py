"""The IPython shell of a session, with its outputs bound to the door instead of a terminal."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from IPython.core import page
from IPython.core.autocall import ZMQExitAutocall
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from IPython.utils.syspathcontext import prepended_to_syspath
from IPython.utils.text import LSString, SList
from traitlets import Any as AnyTrait
from traitlets import CBool, Instance, Type, default, observe
from traitlets.config import Config

from . import connecting, fuel_magic, ipykernel_names, notebook_files, payloads, session_magic, streams
from .belonging import belonging
from .departure import Departure
from .displays import DoorPublisher, ResultHook
from .door import door
from .history import HostHistory
from .kernel_magics import KernelMagics
from .restrictions import shell_escapes
from .traceback_records import SandboxTraceback
from .tracebacks import bounded, group_traceback, has_group, prune, shortened

_INLINE = (None, "", "auto", "inline")
_WITHOUT_SCREEN = (*_INLINE, "agg", "asyncio", "none", "pdf", "ps", "svg", "template")


class SessionStore(dict[str, Any]):
    """`get_ipython().db`, which `%store` writes to: memory, because memory is what persists."""

    def keys(self, pattern: str | None = None) -> list[str]:  # type: ignore[override]
        return [key for key in self if pattern is None or fnmatch(key, pattern)]

    def __delitem__(self, key: str) -> None:
        """As IPython's own, which forgets what it does not know."""
        self.pop(key, None)


# The name is looked for by libraries (tqdm, rich, plotly and many more) that ask whether they run
# under Jupyter or in a terminal. Here it is Jupyter.
class ZMQInteractiveShell(InteractiveShell):
    """IPython as a kernel without processes, threads, terminal or profile directory."""

    displayhook_class = Type(ResultHook)
    display_pub_class = Type(DoorPublisher)
    kernel = AnyTrait()
    autoindent = CBool(False)
    exiter = Instance(ZMQExitAutocall)

    #: The traceback, name and text of the cell's last error, for the reply.
    last_error: dict[str, Any] | None = None
    #: The exception that `last_error` is about.
    shown_error: BaseException | None = None
    #: The error that a cell of a notebook which was run ended with: who ran it need not show it again.
    told: BaseException | None = None
    #: Whether an error was shown while a result was being formatted.
    failed_in_display = False
    keepkernel_on_exit: bool | None = None

    #: The number of the cell that runs, if it enters the history.
    stored_line: int | None = None

    #: The header of the request that is being served.
    _parent: dict[str, Any] = {"header": {"msg_id": ""}, "metadata": {}}

    @default("exiter")
    def _default_exiter(self) -> ZMQExitAutocall:
        return ZMQExitAutocall(self)

    # Set-up that would touch files or a terminal.

    def init_ipython_dir(self, ipython_dir: Any) -> None:
        """There is none; `ipython_dir` stays unset."""

    @observe("ipython_dir")
    def _ipython_dir_changed(self, change: Any) -> None:
        """Makes no directory."""

    def init_profile_dir(self, profile_dir: Any) -> None:
        self.profile_dir = None

    def init_virtualenv(self) -> None:
        """There is none."""

    def init_hooks(self) -> None:
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(self._page), 99)

    def init_traceback_handlers(self, custom_exceptions: Any) -> None:
        super().init_traceback_handlers(custom_exceptions)
        self.InteractiveTB = SandboxTraceback(
            mode=self.xmode, theme_name=self.colors, tb_offset=1
        )
        self.InteractiveTB.set_mode(mode=self.xmode)

    def init_history(self) -> None:
        self.history_manager = HostHistory(shell=self, parent=self)
        self.configurables.append(self.history_manager)

    def init_magics(self) -> None:
        super().init_magics()
        self.register_magics(KernelMagics, shell_escapes.PackageMagics)
        connecting.install(self)
        session_magic.install(self)
        fuel_magic.install(self)

    @property
    def db(self) -> MutableMapping[str, Any]:
        if self._db is None:
            self._db = SessionStore()
        return self._db

    @db.setter
    def db(self, value: Any) -> None:
        self._db = value

    # Output.

    @contextmanager
    def _tee(self, channel: str) -> Iterator[None]:
        """Keep no copy of what is printed: the front end has it, and memory is the session."""
        yield

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        etype, value, tb = super()._get_exc_info(exc_tuple)
        if value is not None:
            prune(value)
            tb = value.__traceback__ or tb
        return etype, value, tb

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """As IPython's, which prints exception groups to stderr instead of showing an error."""
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        if isinstance(error, Departure) or (error is not None and error is self.told):
            return
        if error is None or not has_group(error):
            super().showtraceback(exc_tuple, *args, **kwargs)
            return
        etype, value, _ = self._get_exc_info(exc_tuple)
        self._showtraceback(etype, value, group_traceback(value))

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.last_error = {
            "ename": shortened(str(etype.__name__)),
            "evalue": text_of(evalue),
            "traceback": bounded(str(line) for line in stb),
        }
        self.shown_error = evalue
        if self.displayhook.is_active:
            self.failed_in_display = True
        streams.flush()
        door.tell("error", **self.last_error)

    def _format_exception_for_storage(self, exception: Any, *args: Any, **kwargs: Any) -> Any:
        """What was shown is what is kept: rendering it again would take as long again."""
        if isinstance(exception, Departure):
            return {}
        if self.last_error is not None and self.shown_error is exception:
            return dict(self.last_error)
        return super()._format_exception_for_storage(exception, *args, **kwargs)

    def _page(
        self, text: Any, start: int = 0, screen_lines: int = 0, pager_cmd: Any = None
    ) -> None:
        self.payload_manager.write_payload(payloads.page(text, start))

    def set_next_input(self, text: str, replace: bool = False) -> None:
        self.payload_manager.write_payload(payloads.next_input(text, replace))

    def ask_exit(self) -> None:
        self.payload_manager.write_payload(payloads.exit_kernel(self.keepkernel_on_exit))

    # The request being served.

    def begin_request(self, request: str, msg_type: str) -> None:
        """A request is served from now on."""
        belonging.begin(request)
        ZMQInteractiveShell.set_parent(self, _message(request, msg_type))

    def get_parent(self) -> dict[str, Any]:
        """The request that the running code belongs to: for a task that of the cell that started it."""
        here = belonging.here()
        if here in ("", self._parent.get("header", {}).get("msg_id")):
            return self._parent
        return _message(here, "execute_request")

    def set_parent(self, parent: dict[str, Any]) -> None:
        self._parent = parent

    @property
    def parent_header(self) -> dict[str, Any]:
        """As `get_parent`, under the name that libraries use."""
        return self.get_parent()

    @parent_header.setter
    def parent_header(self, parent: dict[str, Any]) -> None:
        self.set_parent(parent)

    # What the sandbox has not.

    def system(self, cmd: str) -> None:  # `!command`
        shell_escapes.run(self.var_expand(cmd, depth=1))

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:  # `x = !command`
        with io.StringIO() as text:
            with contextlib.redirect_stdout(text):
                shell_escapes.run(self.var_expand(cmd, depth=depth + 1))
            printed = text.getvalue()
        return SList(printed.splitlines()) if split else LSString(printed)

    def enable_gui(self, gui: Any = None) -> None:
        if gui not in _WITHOUT_SCREEN:
            raise UsageError(f"the sandbox has no screen, so the GUI {gui!r} cannot be enabled")

    def enable_matplotlib(self, gui: Any = None) -> Any:
        """Figures are shown inline unless it is a file's format: also after a screen was asked for in vain."""
        if str(gui).lower() in map(str, _WITHOUT_SCREEN):
            return super().enable_matplotlib("inline" if gui in _INLINE else gui)
        super().enable_matplotlib("inline")
        raise UsageError(
            f"%matplotlib {gui} needs a screen, or scripts in the page, which the sandbox has not: "
            "figures stay inline (`%matplotlib inline`). ipywidgets.interact redraws them."
        )

    # Files of cells.

    def safe_execfile_ipy(
        self, fname: Any, shell_futures: bool = False, raise_exceptions: bool = False
    ) -> None:
        """As IPython's, which needs a package to read notebooks that is not there."""
        path = Path(fname).expanduser()
        with notebook_files.running(path):
            if path.suffix != ".ipynb":
                super().safe_execfile_ipy(fname, shell_futures, raise_exceptions)
                return
            cells = notebook_files.code_cells(path)
            with prepended_to_syspath(str(path.resolve().parent)):
                for cell in cells:
                    result = self.run_cell(cell, silent=True, shell_futures=shell_futures)
                    if raise_exceptions:
                        self.told = result.error_before_exec or result.error_in_exec
                        result.raise_error()
                    elif not result.success:
                        break


InteractiveShellABC.register(ZMQInteractiveShell)


def _message(request: str, msg_type: str) -> dict[str, Any]:
    """A request as far as the guest knows it, in the form that libraries expect."""
    header = {"msg_id": request, "msg_type": msg_type, "session": "", "username": "", "version": "5.3"}
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": {},
        "msg_id": request,
        "msg_type": msg_type,
    }


def make_shell() -> ZMQInteractiveShell:
    """The one shell of this guest."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    # What other libraries, and older versions of tqdm, take for the sign of a notebook.
    config.IPKernelApp.cellblock = True
    ipykernel_names.install(sys.modules[__name__])
    return ZMQInteractiveShell.instance(config=config)


def text_of(value: Any) -> str:
    try:
        return shortened(str(value))
    except Exception as error:  # noqa: BLE001 - the user's own __str__ may fail
        return f"<the exception's str() failed: {type(error).__name__}>"
