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
    "stdout write None": "import sys\nsys.stdout.write = sys.stdout.flush = sys.stderr.write = None",
    "stdout class write None": "import sys\ntype(sys.stdout).write = type(sys.stdout).writelines = None",
    "the shell emptied": "get_ipython().__dict__.clear()",
    "the shell of another class": "get_ipython().__class__ = type('X', (), {})",
    "audit hook raises": "import sys\ndef hook(*a): raise RuntimeError('audit')\nsys.addaudithook(hook)",
    "monitoring raises": "import sys\nm=sys.monitoring\nm.use_tool_id(2,'x')\ndef cb(*a): raise RuntimeError('mon')\n"
                         "m.register_callback(2,m.events.PY_START,cb)\nm.set_events(2,m.events.PY_START)",
    "get_ipython replaced": "import IPython, builtins\nIPython.get_ipython=lambda: None\nIPython.core.getipython.get_ipython=lambda: None\n"
                            "builtins.get_ipython=None\nget_ipython=None",
    "singleton cleared": "from IPython import InteractiveShell\nInteractiveShell.clear_instance()\nInteractiveShell._instance=None",
    "In and Out gone": "ns=get_ipython().user_ns\n"
                       "for n in ('In','Out','_ih','_oh','_dh','_i','_','__','___','_ii','_iii','quit','exit'): ns.pop(n,None)",
    "Out a number": "ns=get_ipython().user_ns\nns['_oh']=ns['Out']=7; ns['_ih']=ns['In']=3",
    "codecs": "import codecs, encodings\nfor n in list(vars(codecs)):\n"
              "    if n.startswith(('lookup','encode','decode','Inc','getinc')): setattr(codecs,n,None)\n"
              "encodings.search_function=None\nencodings._cache.clear()",
    "codecs errors": "import codecs\ndef no(e): raise RuntimeError('codec')\n"
                     "for n in ('strict','ignore','replace','backslashreplace','surrogateescape','surrogatepass','xmlcharrefreplace','namere"
                     "place'):\n    try: codecs.register_error(n,no)\n    except Exception: pass",
    "loop policy": "import asyncio\nclass P:\n    def get_event_loop(self): raise RuntimeError('p')\n"
                   "    new_event_loop=set_event_loop=get_event_loop\ntry: asyncio.set_event_loop_policy(P())\nexcept Exception: pass\n"
                   "asyncio.get_event_loop=asyncio.new_event_loop=asyncio.run=None",
    "running loop set": "import asyncio\nasyncio._set_running_loop(None)\nasyncio.events._get_running_loop=None",
    "tasks that raise": "import asyncio\nasync def f():\n    raise SystemExit(3)\nt=asyncio.ensure_future(f())",
    "sigint handler exits": "import signal\ndef h(*a): raise SystemExit\nsignal.signal(signal.SIGINT,h)",
    "sys emptied": "import sys\nfor n in list(vars(sys)):\n    if n not in ('modules',): delattr(sys,n)",
    "os emptied": "import os,posix\nvars(os).clear()\nvars(posix).clear()",
    "dup2": "import os\nf=os.open('/app/f',os.O_CREAT|os.O_RDWR)\nfor n in (0,1,2,3,4,5):\n    try: os.dup2(f,n)\n"
            "    except Exception: pass",
    "gc lists cleared": "import gc\nfor o in gc.get_objects():\n    if type(o) is list:\n        try: o.clear()\n"
                        "        except BaseException: pass",
    "stdlib code swapped": "import types,gc\ndef f(*a,**k): raise RuntimeError('swapped')\nfor o in gc.get_objects():\n"
                           "    if isinstance(o,types.FunctionType) and not o.__closure__ and o is not f:\n        try: o.__code__=f.__code__\n"
                           "        except Exception: pass",
    "many modules of junk": "import sys,types\nfor n in list(sys.modules):\n"
                            "    if n not in ('sys','builtins','__main__'): sys.modules[n]=types.ModuleType(n)",
    "bad bytecode": "def f(): pass\nimport dis\nf.__code__=f.__code__.replace(co_code=bytes([255,255]*20))\nf()",
    "memory full": "hog=[]\ntry:\n    while True: hog.append(bytearray(1<<20))\nexcept MemoryError: pass\ntry:\n"
                   "    while True: hog.append(bytearray(1<<10))\nexcept MemoryError: pass\ntry:\n"
                   "    while True: hog.append(bytearray(64))\nexcept MemoryError: pass",
    "builtin types": "import builtins\nclass S(str):\n    def __new__(c,*a): raise RuntimeError('str')\n"
                     "builtins.str=builtins.dict=builtins.list=builtins.tuple=builtins.bytes=builtins.int=S",
    "exceptions replaced": "import builtins\nbuiltins.Exception=builtins.BaseException=builtins.KeyboardInterrupt=builtins.SystemExit=builtins.Run"
                           "timeError=None",
    "__builtins__ of the namespace": "__builtins__={}",
    "__builtins__ None": "__builtins__=None",
    "frozen ns": "ip=get_ipython()\nclass D(dict):\n    def __setitem__(self,k,v): raise RuntimeError('ns')\nip.user_ns=D(ip.user_ns)",
    "async runner": "ip=get_ipython()\nip.autoawait=True\nip.loop_runner=None\nip.loop_runner_map={}\n"
                    "ip.should_run_async=lambda *a,**k: True\nip.run_cell_async=None",
    "contextvars": "import contextvars\ncontextvars.ContextVar=contextvars.copy_context=None",
    "frames locals": "import sys\nf=sys._getframe().f_back\nwhile f:\n    for k in list(f.f_locals):\n        try: f.f_locals[k]=None\n"
                     "        except Exception: pass\n    f=f.f_back",
    "unraisable": "import sys\ndef no(a): raise RuntimeError('u')\nsys.unraisablehook=no\nsys.excepthook=no\nsys.breakpointhook=no",
}

# What the bridge cannot put back: the host has to go back.
BEYOND = ["the bridge's functions", "the bridge's door", "audit hook raises", "sys emptied", "os emptied", "many modules of junk"]
# Whether there is enough left to go on with is chance: what little a full heap still gives.
BY_CHANCE = ["memory full"]
# What a Python beside the sandbox does not outlive, or shrugs off.
ONLY_INSIDE = ["gc lists cleared", "stdlib code swapped", "many modules of junk", "bad bytecode", "memory full"]
# Writes over what lies behind an array: what that breaks depends on what it is.
WRITES_OVER = ("import numpy as np\na = np.zeros(10, dtype=np.uint8)\n"
               "np.lib.stride_tricks.as_strided(a, shape=(2000000,), strides=(1,))[:] = 255")
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
