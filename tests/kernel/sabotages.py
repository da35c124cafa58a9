"""Cells that break the session they run in: what they do it with, what they are called, and how it goes on."""

from __future__ import annotations

from frontend import Frontend, Outcome

#: Each is one cell. `ip` stands for the shell.
SABOTAGES: dict[str, str] = {
    "sys.modules emptied": "import sys\nsys.modules.clear()",
    "sys.modules another table": "import sys\nsys.modules = {}",
    "sys.modules None": "import sys\nsys.modules = None",
    "the bridge taken out": "import sys\nfor name in list(sys.modules):\n    if name.startswith('cellblock'): del sys.modules[name]",
    "the bridge blocked": "import sys\nsys.modules['cellblock_bridge'] = None",
    "IPython blocked": "import sys\nfor name in list(sys.modules):\n    if name.startswith(('IPython', 'traitlets')): sys.modules[name] = None",
    "stdout None": "import sys\nsys.stdout = None",
    "stderr None": "import sys\nsys.stderr = sys.__stderr__ = None",
    "stdout deleted": "import sys\ndel sys.stdout, sys.stderr",
    "stdout a number": "import sys\nsys.stdout = 7",
    "stdout raises": "import sys\nclass Out:\n    def write(self, text): raise OSError('no')\n    flush = write\nsys.stdout = sys.stderr = Out()",
    "stdout flush loops": "import sys\nclass Out:\n    def write(self, text): return len(text)\n    def flush(self):\n        if looping:\n"
                          "            while True: pass\nlooping = False\nsys.stdout = Out()",
    "stdout closed below": "import sys\nsys.stdout.buffer.close()",
    "stdout detached": "import io, sys\nio.TextIOWrapper.detach(sys.stdout)",
    "fd 1 and 2 closed": "import os\nos.close(1); os.close(2)",
    "run_cell None": "get_ipython().run_cell = None",
    "run_cell raises": "def run_cell(*a, **k): raise RuntimeError('replaced')\nget_ipython().run_cell = run_cell",
    "run_cell of the class": "type(get_ipython()).run_cell = lambda *a, **k: None",
    "run_cell of IPython": "import IPython\nIPython.InteractiveShell.run_cell = IPython.InteractiveShell._run_cell = None",
    "run_code of IPython": "import IPython\nIPython.InteractiveShell.run_code = None",
    "run_ast_nodes": "def no(*a, **k): raise RuntimeError('replaced')\nget_ipython().run_ast_nodes = no",
    "showtraceback": "def no(*a, **k): raise RuntimeError('replaced')\nip = get_ipython()\nip.showtraceback = ip._showtraceback = no",
    "set_parent": "get_ipython().set_parent = None\nget_ipython().user_expressions = None",
    "display_formatter None": "get_ipython().display_formatter = None",
    "displayhook None": "import sys\nget_ipython().displayhook = None\nsys.displayhook = None",
    "history None": "get_ipython().history_manager = None",
    "parts None": "ip = get_ipython()\nip.events = ip.compile = ip.display_pub = ip.payload_manager = ip.input_transformer_manager = None",
    "pre_run_cell raises": "def hook(*a): raise RuntimeError('hook')\nfor event in ('pre_execute', 'pre_run_cell', 'post_execute', 'post_run_cell'):\n"
                           "    get_ipython().events.register(event, hook)",
    "pre_run_cell exits": "def hook(*a): raise SystemExit\nget_ipython().events.register('pre_run_cell', hook)",
    "post_run_cell generator exit": "def hook(*a): raise GeneratorExit\nget_ipython().events.register('post_run_cell', hook)",
    "events emptied": "get_ipython().events.callbacks.clear()",
    "a transformer raises": "def no(lines): raise RuntimeError('transformer')\nget_ipython().input_transformers_post.append(no)",
    "transformers None": "get_ipython().input_transformer_manager.cleanup_transforms = None",
    "an ast transformer raises": "class No:\n    def visit(self, node): raise RuntimeError('ast')\nget_ipython().ast_transformers.append(No())",
    "custom exceptions raise": "def no(*a, **k): raise RuntimeError('custom')\nget_ipython().set_custom_exc((Exception,), no)",
    "sys hooks": "import sys\nsys.excepthook = sys.displayhook = sys.unraisablehook = None",
    "print None": "import builtins\nbuiltins.print = None",
    "__import__ raises": "import builtins\ndef no(*a, **k): raise RuntimeError('import')\nbuiltins.__import__ = no",
    "builtins None": "import builtins\nbuiltins.len = builtins.isinstance = builtins.getattr = builtins.type = builtins.next = None",
    "builtins lie": "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda x: 0\nbuiltins.callable = lambda x: False",
    "builtins emptied": "import builtins\nvars(builtins).clear()",
    "builtins all None": "import builtins\nspace = vars(builtins)\nfor name in list(space): space[name] = None",
    "__build_class__ and open": "import builtins\nbuiltins.__build_class__ = builtins.open = builtins.super = None",
    "recursion limit": "import sys\nfor limit in range(15, 200):\n    try: sys.setrecursionlimit(limit)\n    except RecursionError: continue\n    break",
    "trace raises": "import sys\ndef trace(*a): raise RuntimeError('trace')\nsys.settrace(trace)",
    "trace loops": "import sys\nlooping = False\ndef trace(*a):\n    while looping: pass\n    return trace\nsys.settrace(trace)",
    "profile raises": "import sys\ndef profile(*a): raise RuntimeError('profile')\nsys.setprofile(profile)",
    "gc off and cycles": "import gc\ngc.disable()\nfor _ in range(1000):\n    a = []; a.append(a)",
    "gc callbacks raise": "import gc\ndef no(*a): raise RuntimeError('gc')\ngc.callbacks.append(no)\ngc.set_threshold(1)",
    "SIGINT ignored": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.signal = signal.getsignal = None",
    "sys.path None": "import sys\nsys.path = None",
    "no finders": "import sys\nsys.meta_path.clear(); sys.path_hooks.clear(); sys.path_importer_cache.clear()",
    "meta_path None": "import sys\nsys.meta_path = sys.path_hooks = None",
    "directory gone": "import os\nos.makedirs('gone'); os.chdir('gone'); os.rmdir('../gone')",
    "json and re": "import json, re\njson.dumps = json.loads = json.JSONEncoder.encode = json.JSONDecoder.decode = None\nre.compile = re.match = re.sub = None",
    "the libraries": "import traceback, linecache, tokenize, ast, inspect, contextlib\ntraceback.format_exception = linecache.getlines = None\n"
                     "tokenize.generate_tokens = ast.parse = inspect.getmro = None\ncontextlib._GeneratorContextManager.__exit__ = None",
    "the loop closed": "import asyncio\nasyncio.get_running_loop().close()",
    "__main__ emptied": "import __main__\nvars(__main__).clear()",
    "warnings are errors": "import warnings\nwarnings.simplefilter('error')",
    "threading": "import threading\nthreading.Lock = threading.RLock = threading.current_thread = threading.Thread = None",
    "_host": "import _host\n_host.call = None\nfor name in list(vars(_host)):\n    if not name.startswith('__'): delattr(_host, name)",
    "traitlets": "import traitlets\ntraitlets.HasTraits.__setattr__ = None\ntraitlets.TraitType.__get__ = lambda *a: None",
    "os.environ None": "import os\nos.environ = None",
    "the bridge's functions": "import cellblock_bridge.turn as turn\nturn.session = turn._serve = turn.execute = None",
    "the bridge's door": "import cellblock_bridge.turn as turn\nclass No:\n    def ask(self, op, **k):\n        if op == 'next': raise RuntimeError('door')\n"
                         "        return real.ask(op, **k)\n    def tell(self, op, **k): return real.tell(op, **k)\nreal = turn.door\nturn.door = No()",
    "the globals of IPython": "import sys\nframe = sys._getframe()\nwhile frame.f_back: frame = frame.f_back\nframe.f_globals.clear()",
    "what the reactor uses": "import ast, linecache, sys\nlinecache.cache = linecache._register_code = None\nsys.displayhook = print\nvars(ast).clear()",
    "exit handlers": "import atexit\n@atexit.register\ndef no(): raise RuntimeError('exit')",
}

# What the bridge cannot put back: the host has to go back.
BEYOND = ["the bridge's functions", "the bridge's door"]
PLAIN = "before = x\nx = 42\ny = [n for n in range(3)]"


def says_what_to_do(outcome: Outcome) -> None:
    assert outcome.status == "error" and outcome.content["ename"], outcome.describe()
    assert "%session undo" in outcome.everything, outcome.describe()


def goes_on(kernel: Frontend) -> bool:
    """Whether plain cells work, at the latest after one that failed and said what to do."""
    outcome = kernel.run(PLAIN)
    if outcome.status == "error" and "NameError" not in outcome.content["ename"]:
        says_what_to_do(outcome)
        outcome = kernel.run(PLAIN)
    if outcome.status == "error" and outcome.content["ename"] == "NameError":  # it emptied the namespace
        outcome = kernel.run("x = 42")
    if outcome.status == "error":
        says_what_to_do(outcome)
        return False
    return True


def goes_back(kernel: Frontend) -> None:
    """So many undos as there were cells lead back to the cell `x = 41`, and there everything works."""
    for _ in range(12):
        undone = kernel.run("%session undo")
        assert undone.status == "ok" and "went back to" in undone.stdout, undone.describe()
        (here,) = [line for line in kernel.run_ok("%session log").stdout.splitlines() if line.startswith("->")]
        if here.endswith("x = 41"):
            break
    assert kernel.run_ok("print(x)").stdout == "41\n"
    assert kernel.value("x") == "41"
