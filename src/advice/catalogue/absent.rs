//! Entries about what a sandbox has not: the network, processes, threads, somebody to ask.

use super::Condition::{Function, Reason, Source, Type};
use super::{Entry, ErrorType, Example};

pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: ErrorType::NetworkUnavailable,
        when: &[&[Reason("network")]],
        says: &[
            "The sandbox has no network, neither sockets nor TLS, and no setting in a notebook changes that.",
            "`{url}` cannot be reached.",
            "`{module}` is not there because of it.",
            "`{function}` is not there because of it.",
            "Fetch the data outside, and put it into the notebook's workspace (`/app`), or have the policy mount its directory at `/data` (`mount_data_dir`).",
        ],
        docs: &["docs/policy.md"],
        examples: &[
            Example {
                before: "{line_at_fault}",
                after: "{line_fixed}",
                explanation: "The file comes from outside, through `mount_data_dir`.",
            },
            Example {
                before: "data = urllib.request.urlopen(url).read()",
                after: "from pathlib import Path\ndata = Path(\"/data/file.bin\").read_bytes()",
                explanation: "The file comes from outside, through `mount_data_dir`.",
            },
        ],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[
            &[Reason("subprocess"), Source("pip install")],
            &[Reason("subprocess"), Source("pip3 install")],
            &[Reason("subprocess"), Source("'pip'"), Source("install")],
            &[Reason("subprocess"), Source("\"pip\""), Source("install")],
            &[Reason("subprocess"), Source("conda install")],
        ],
        says: &[
            "The sandbox cannot start processes, nor could one of them reach a package index.",
            "`{command}` does not run here.",
            "`{wanted_there}` is already installed: import it.",
            "`{wanted_native}` could not run either: it, or what it is built on, is native code, and the sandbox runs WebAssembly only.",
            "Use instead: {wanted_instead}.",
            "If it is pure Python: `pip install --target DIR {wanted_missing}`, outside of the notebook, with DIR among the policy's `[mounts]` (as `/mnt/packages`, say) adds it; `import sys; sys.path.append(\"/mnt/packages\")` finds it.",
        ],
        docs: &[],
        examples: &[Example {
            before: "!pip install {wanted_there}",
            after: "import {wanted_there}",
            explanation: "It is there from the start.",
        }],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[
            &[Reason("subprocess"), Source("multiprocessing")],
            &[Reason("subprocess"), Source("ProcessPool")],
            &[Reason("subprocess"), Source("Parallel(")],
        ],
        says: &[
            "The sandbox has one process and one thread, so `multiprocessing`, process pools and thread pools cannot start any.",
            "It was in line {line}: `{source}`.",
            "Do the work in a plain loop; for speed, let numpy or pandas work on whole arrays. `n_jobs=1` where a library asks.",
        ],
        docs: &[],
        examples: &[Example {
            before: "with Pool(4) as pool:\n    results = pool.map(work, items)",
            after: "results = [work(item) for item in items]",
            explanation: "The same results, one after another.",
        }],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[&[Reason("subprocess"), Source("usetex")]],
        says: &[
            "`text.usetex` has the program `latex` run, and the sandbox can start none.",
            "Leave it off: matplotlib sets formulas between dollar signs by itself (mathtext).",
        ],
        docs: &[],
        examples: &[Example {
            before: "plt.rcParams[\"text.usetex\"] = True",
            after: "plt.rcParams[\"text.usetex\"] = False\nplt.title(r\"$\\frac{{a}}{{b}}$\")",
            explanation: "The same formula without LaTeX.",
        }],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[
            &[Reason("subprocess"), Source("pip list")],
            &[Reason("subprocess"), Source("pip show")],
            &[Reason("subprocess"), Source("pip freeze")],
            &[Reason("subprocess"), Source("'pip'")],
            &[Reason("subprocess"), Source("\"pip\"")],
        ],
        says: &[
            "The sandbox cannot start processes, `pip` included.",
            "`%pip list`, `%pip show NAME` and `%pip freeze` say what is installed, and so does `importlib.metadata`.",
        ],
        docs: &[],
        examples: &[Example {
            before: "subprocess.run([\"pip\", \"list\"])",
            after: "from importlib.metadata import distributions\nfor found in distributions():\n    print(found.name, found.version)",
            explanation: "It is Python that knows what is installed.",
        }],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[&[Reason("tool")]],
        says: &[
            "A library calls the program `{tool}` for this, and the sandbox can start none.",
            "It was in line {line}: `{source}`.",
            "Pillow writes animations without it, as GIF or APNG; or show one figure after another in the cell.",
        ],
        docs: &[],
        examples: &[Example {
            before: "animation.save(\"film.mp4\")",
            after: "from IPython.display import Image\nfrom matplotlib.animation import PillowWriter\nanimation.save(\"film.gif\", writer=PillowWriter(fps=10))\nImage(\"film.gif\")",
            explanation: "A GIF is written by Python alone, and shown in the notebook.",
        }],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[&[Reason("subprocess"), Function]],
        says: &[
            "`{function}` deals with processes, and the sandbox has none but this one, nor can it start any.",
            "It was in line {line}: `{source}`.",
            "Use instead: {function_instead}.",
            "No setting brings it. Code that runs elsewhere too can ask for it with `hasattr`, which is false here.",
        ],
        docs: &[],
        examples: &[Example {
            before: "{function_before}",
            after: "{function_after}",
            explanation: "What is there instead.",
        }],
    },
    Entry {
        kind: ErrorType::SubprocessUnavailable,
        when: &[&[Reason("subprocess")]],
        says: &[
            "The sandbox cannot start programs or processes.",
            "`{command}` does not run here.",
            "It was in line {line}: `{source}`.",
            "Use Python for it: `pathlib`, `shutil`, `os.listdir`, `zipfile` and `tarfile` for files, `re` for text. Programs have to be run outside.",
        ],
        docs: &[],
        examples: &[Example {
            before: "{command_line}",
            after: "{command_instead}",
            explanation: "Python does it without a shell.",
        }],
    },
    Entry {
        kind: ErrorType::ThreadsUnavailable,
        when: &[&[Reason("threads")]],
        says: &[
            "The sandbox has a single thread, so no other thread can be started.",
            "It was in line {line}: `{source}`.",
            "Call the function directly, or in a loop. For things that wait, use asyncio (`await asyncio.gather(...)`), which works here.",
        ],
        docs: &[],
        examples: &[Example {
            before: "with ThreadPoolExecutor() as pool:\n    results = list(pool.map(work, items))",
            after: "results = [work(item) for item in items]",
            explanation: "The same results, one after another.",
        }],
    },
    Entry {
        kind: ErrorType::ThreadsUnavailable,
        when: &[&[Reason("lock"), Source("run_coroutine_threadsafe")]],
        says: &[
            "The sandbox has a single thread: the loop cannot run the coroutine while the cell waits for its result without a time-out.",
            "It was in line {line}: `{source}`.",
            "`await` the coroutine itself.",
        ],
        docs: &[],
        examples: &[Example {
            before: "result = asyncio.run_coroutine_threadsafe(work(), loop).result()",
            after: "result = await work()",
            explanation: "The cell waits in the loop, which goes on.",
        }],
    },
    Entry {
        kind: ErrorType::ThreadsUnavailable,
        when: &[&[Reason("lock")]],
        says: &[
            "The sandbox has a single thread, so nothing could ever end this wait for a lock, an event, a queue or a future without a time-out.",
            "It was in line {line}: `{source}`.",
            "It waited in `{function}`. Use instead: {function_instead}.",
            "Do first what it waits for, or wait with a time-out. For tasks that wait for each other, use asyncio's (`asyncio.Event`, `asyncio.Queue`), which work here.",
        ],
        docs: &[],
        examples: &[Example {
            before: "{function_before}",
            after: "{function_after}",
            explanation: "What does not wait for ever.",
        }],
    },
    Entry {
        kind: ErrorType::StdinUnavailable,
        when: &[&[Reason("stdin")], &[Type("IPython.core.error.StdinNotImplementedError")]],
        says: &[
            "Nobody can answer here: whoever runs this cell does not take `input()`, `getpass()` or `breakpoint()`.",
            "It was in line {line}: `{source}`.",
            "Put the answer into a variable, or into the policy's `env` and read it with `os.environ`.",
        ],
        docs: &[],
        examples: &[Example {
            before: "name = input(\"Your name: \")",
            after: "name = \"Ada\"",
            explanation: "A variable at the top of the notebook takes the place of the question.",
        }],
    },
];

/// Programs that people call from notebooks, and the Python that does the same.
pub const COMMANDS: &[(&str, &str)] = &[
    ("ls", "from pathlib import Path\nsorted(Path(\"/app\").glob(\"*\"))"),
    ("dir", "from pathlib import Path\nsorted(Path(\"/app\").glob(\"*\"))"),
    ("find", "from pathlib import Path\nsorted(Path(\"/app\").rglob(\"*.csv\"))"),
    ("cat", "from pathlib import Path\nprint(Path(\"file.txt\").read_text())"),
    ("head", "from pathlib import Path\nprint(*Path(\"file.txt\").read_text().splitlines()[:10], sep=\"\\n\")"),
    ("tail", "from pathlib import Path\nprint(*Path(\"file.txt\").read_text().splitlines()[-10:], sep=\"\\n\")"),
    ("wc", "from pathlib import Path\nlen(Path(\"file.txt\").read_text().splitlines())"),
    (
        "grep",
        "from pathlib import Path\n[line for line in Path(\"file.txt\").read_text().splitlines() if \"word\" in line]",
    ),
    ("mkdir", "from pathlib import Path\nPath(\"output\").mkdir(parents=True, exist_ok=True)"),
    ("touch", "from pathlib import Path\nPath(\"file.txt\").touch()"),
    ("rm", "import os, shutil\nos.remove(\"file.txt\")       # a file\nshutil.rmtree(\"directory\")  # a directory"),
    ("cp", "import shutil\nshutil.copy(\"a.txt\", \"b.txt\")"),
    ("mv", "import shutil\nshutil.move(\"a.txt\", \"b.txt\")"),
    ("pwd", "import os\nos.getcwd()"),
    ("cd", "%cd /app/directory"),
    ("echo", "print(\"text\")"),
    ("date", "from datetime import datetime\ndatetime.now()"),
    ("sleep", "import time\ntime.sleep(1)"),
    ("unzip", "import shutil\nshutil.unpack_archive(\"archive.zip\", \"directory\")"),
    ("tar", "import shutil\nshutil.unpack_archive(\"archive.tar.gz\", \"directory\")"),
    ("zip", "import shutil\nshutil.make_archive(\"archive\", \"zip\", \"directory\")"),
    ("gunzip", "import gzip\ntext = gzip.open(\"file.gz\", \"rt\").read()"),
    ("python", "%run script.py"),
    ("python3", "%run script.py"),
    ("sqlite3", "import sqlite3\nsqlite3.connect(\"data.db\").execute(\"select 1\").fetchall()"),
    ("nproc", "1  # a sandbox has one processor"),
];
