//! Entries about limits of the policy.

use super::Condition::{Cut, Ended as By, Errno, Happened, Reason};
use super::{Entry, ErrorType, Example};
use crate::advice::facts::Ended;

/// `ENOSPC` and `EDQUOT`, as WASI numbers them.
const FULL: &[i64] = &[51, 19];
/// `EMFILE` and `ENFILE`.
const TOO_MANY_OPEN: &[i64] = &[33, 41];

pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: ErrorType::OutOfFuel,
        when: &[&[By(Ended::OutOfFuel)]],
        says: &[
            "The cell used {fuel_used} units of fuel (wasm instructions); its budget is {fuel_limit}.",
            "It was stopped in line {line}: `{source}`.",
            "If that is a loop without an end, give it one. If it is honest work, try it on a part of the data first, or let numpy or pandas work on whole arrays.",
            "For more, set `fuel_budget = {fuel_suggested}` (or more) in the policy file, outside of the notebook.",
        ],
        docs: &["docs/fuel.md"],
        examples: &[Example {
            before: "total = 0\nfor x in values:\n    total += x * x",
            after: "import numpy as np\ntotal = np.square(np.asarray(values)).sum()",
            explanation: "One operation on a whole array takes a small part of the fuel of a Python loop.",
        }],
    },
    Entry {
        kind: ErrorType::Timeout,
        when: &[&[By(Ended::Timeout)]],
        says: &[
            "The cell ran for {seconds_used} s; its limit is {seconds_limit} s of wall-clock time, waiting included.",
            "It was stopped in line {line}: `{source}`.",
            "Wait for less, or do the work in several cells. Nothing outside of the sandbox can wake a cell that waits, other than the user.",
            "For more, set `timeout_seconds` in the policy file, outside of the notebook.",
        ],
        docs: &["docs/policy.md"],
        examples: &[Example {
            before: "while not os.path.exists(\"done.flag\"):\n    time.sleep(1)",
            after: "for _ in range(10):\n    if os.path.exists(\"done.flag\"):\n        break\n    time.sleep(0.1)",
            explanation: "A wait with an end of its own.",
        }],
    },
    Entry {
        kind: ErrorType::MemoryExhausted,
        when: &[&[Reason("address_space")]],
        says: &[
            "An array or a list was asked for that is larger than the 4 GiB of memory that WebAssembly can address at all; the limit of this session is {memory_limit} bytes.",
            "It was in line {line}: `{source}`.",
            "No setting allows this: work on the data in pieces, with a smaller dtype, or with `scipy.sparse` if most of it is zero.",
        ],
        docs: &[],
        examples: &[Example {
            before: "a = np.zeros((100_000, 100_000))",
            after: "from scipy import sparse\na = sparse.lil_array((100_000, 100_000))",
            explanation: "A sparse array holds only what is not zero.",
        }],
    },
    Entry {
        kind: ErrorType::LengthExceeded,
        when: &[&[Reason("length")]],
        says: &[
            "Lengths, positions and counts have 31 bits here, as pointers have 32: none can be more than 2,147,483,647, which is `sys.maxsize`.",
            "It was in line {line}: `{source}`.",
            "Compute a range's length instead of asking for it. The range itself may be as long as you like: `random.sample`, `random.choice`, loops, slices and `in` work with it.",
        ],
        docs: &[],
        examples: &[Example {
            before: "n = len(range(10**10))",
            after: "r = range(10**10)\nn = (r.stop - r.start + r.step - 1) // r.step",
            explanation: "Integers are of any size; only `len` is not.",
        }],
    },
    Entry {
        kind: ErrorType::StackOverflow,
        when: &[&[Reason("parser")]],
        says: &[
            "The source of the cell, or of what it compiles, is nested deeper than Python's parser can follow. It is no matter of memory.",
            "It was in line {line}: `{source}`.",
            "Build what is nested this deep step by step, or read it as data: `json.loads`, or a file.",
        ],
        docs: &[],
        examples: &[Example {
            before: "value = eval(\"[\" * 1000 + \"]\" * 1000)",
            after: "value = []\nfor _ in range(999):\n    value = [value]",
            explanation: "What is built step by step needs no parser.",
        }],
    },
    Entry {
        kind: ErrorType::MemoryExhausted,
        when: &[&[By(Ended::MemoryLimit)], &[Happened("builtins.MemoryError")]],
        says: &[
            "The session asked for more memory than its limit of {memory_limit} bytes (beyond the warm image).",
            "It was in line {line}: `{source}`.",
            "Work in pieces (`pd.read_csv(..., chunksize=...)`, generators), use smaller dtypes (`float32`, `category`), and `del` what is no longer needed: variables of earlier cells count too.",
            "For more, set `memory_bytes` in the policy file, outside of the notebook.",
        ],
        docs: &["docs/policy.md"],
        examples: &[Example {
            before: "df = pd.read_csv(\"big.csv\")\ntotal = df[\"price\"].sum()",
            after: "total = 0\nfor part in pd.read_csv(\"big.csv\", usecols=[\"price\"], chunksize=100_000):\n    total += part[\"price\"].sum()",
            explanation: "Only one piece is in memory at a time.",
        }],
    },
    Entry {
        kind: ErrorType::StackOverflow,
        when: &[&[By(Ended::StackOverflow)]],
        says: &[
            "Native calls nested deeper than the sandbox's stack of 128 MiB, which no setting changes.",
            "It was in line {line}: `{source}`.",
            "Flatten what is nested this deep, or go through it with a list as a stack instead of by recursion.",
        ],
        docs: &[],
        examples: &[FLATTENED],
    },
    Entry {
        kind: ErrorType::StackOverflow,
        when: &[&[Reason("c_stack")]],
        says: &[
            "Calls in native code nested deeper than the 4 MiB of stack that the interpreter has for them, which no setting changes.",
            "It was in line {line}: `{source}`.",
            "If the recursion has no end, give it one. Flatten what is nested this deep, or go through it with a list as a stack instead of by recursion.",
        ],
        docs: &[],
        examples: &[FLATTENED],
    },
    Entry {
        kind: ErrorType::StackOverflow,
        when: &[&[Reason("calls")]],
        says: &[
            "Calls nested deeper than the limit of {recursion_limit}.",
            "Calls nested deeper than the limit of {own_recursion_limit}, which a cell has set with `sys.setrecursionlimit`.",
            "It was in line {line}: `{source}`.",
            "If the recursion has no end, give it one. If it is only deep, use a loop with a list as a stack.",
            "The session began with a limit of {first_recursion_limit}: `sys.setrecursionlimit({first_recursion_limit_plain})` goes back to it.",
            "A little more depth: `sys.setrecursionlimit(…)` in a cell, or `recursion_limit` = {recursion_suggested} in the policy file.",
        ],
        docs: &["docs/policy.md"],
        examples: &[FLATTENED],
    },
    Entry {
        kind: ErrorType::WorkspaceQuota,
        when: &[&[Happened("builtins.OSError"), Errno(TOO_MANY_OPEN)]],
        says: &[
            "Too many files are open: `{path}` would have been one more than the {open_files_limit} that are allowed.",
            "At most {open_files_limit} files may be open, duplicates among them.",
            "Close files when they are done with: `with open(...) as file:` does it by itself.",
            "For more, set `open_files` in the policy file, outside of the notebook.",
        ],
        docs: &["docs/policy.md"],
        examples: &[Example {
            before: "files = [open(name) for name in names]\ntexts = [file.read() for file in files]",
            after: "from pathlib import Path\ntexts = [Path(name).read_text() for name in names]",
            explanation: "`read_text` closes the file at once.",
        }],
    },
    Entry {
        kind: ErrorType::WorkspaceQuota,
        when: &[&[Happened("builtins.OSError"), Errno(FULL)]],
        says: &[
            "The workspace is full: `{path}` could not be written.",
            "The workspace is full: it may hold {workspace_bytes_limit} bytes and {workspace_files_limit} files, `/app` and `/tmp` together.",
            "Delete what is no longer needed, or write less: compressed (`to_csv(\"out.csv.gz\")`), fewer columns, one file instead of many.",
            "For more, set `workspace_bytes` or `workspace_files` in the policy file, outside of the notebook.",
        ],
        docs: &["docs/policy.md"],
        examples: &[Example {
            before: "df.to_csv(\"out.csv\")",
            after: "df.to_csv(\"out.csv.gz\", index=False)",
            explanation: "A compressed table takes a fraction of the space.",
        }],
    },
    Entry {
        kind: ErrorType::OutputTruncated,
        when: &[&[Reason("door")]],
        says: &[
            "The cell showed more than fits; the error names the limit that was met. All displays of a cell may have {display_limit} bytes (`display_max_bytes`), one of them what `output.max_display_bytes` says, and one message {message_limit} bytes (`message_max_bytes`).",
            "It was in line {line}: `{source}`.",
            "Show less: `df.head(50)`, a smaller figure (`plt.figure(dpi=80)`), or write it to a file in `/app`.",
        ],
        docs: &["docs/policy.md"],
        examples: &[Example {
            before: "display(HTML(df.to_html()))",
            after: "display(df.head(50))\ndf.to_html(\"/app/table.html\")",
            explanation: "The notebook gets an excerpt, the file everything.",
        }],
    },
];

/// What counts only if nothing else is to be said of the cell.
pub const LAST: &[Entry] = &[Entry {
    kind: ErrorType::OutputTruncated,
    when: &[&[Cut]],
    says: &[
        "stdout was cut at {stdout_limit} bytes (`stdout_max_bytes` in the policy).",
        "stderr was cut at {stderr_limit} bytes (`stderr_max_bytes` in the policy).",
        "Print less, such as a summary or every 1,000th line, or write to a file in `/app`.",
    ],
    docs: &["docs/policy.md"],
    examples: &[Example {
        before: "for row in rows:\n    print(row)",
        after: "print(len(rows), \"rows, of which the first are\", rows[:10])",
        explanation: "A summary says more than a flood.",
    }],
}];

const FLATTENED: Example = Example {
    before: "def depth(node):\n    return 1 + max((depth(child) for child in node), default=0)",
    after: "deepest, stack = 0, [(root, 1)]\nwhile stack:\n    node, depth = stack.pop()\n    deepest = max(deepest, depth)\n    stack += [(child, depth + 1) for child in node]",
    explanation: "A list as a stack is as deep as memory allows.",
};
