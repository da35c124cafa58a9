//! Entries about JavaScript. Its bridge says `reason: "tuple"` with the function's `name` where a pair of `std`
//! or `os` was used as if it were its first half, and gives a `ReferenceError` the `name` that was not defined.

use super::Condition::{Name, Reason, Type};
use super::{Entry, ErrorType, Example};

pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: ErrorType::QuickJSTupleDestructuring,
        when: &[&[Reason("tuple")]],
        says: &[
            "Functions of `std` and `os` that may fail return a pair.",
            "`{function}` returns a pair, `[result, error number]`, not the result alone.",
            "It was in line {line}: `{source}`.",
            "Take the pair apart: `const [result, error] = {function}(...)`, and look at `error` (0: fine) first.",
        ],
        docs: &[],
        examples: &[Example {
            before: "const files = os.readdir(\"/app\");\nfiles.forEach(print);",
            after: "const [files, error] = os.readdir(\"/app\");\nif (error === 0) files.forEach((name) => print(name));",
            explanation: "Functions of `os` return the result and an error number.",
        }],
    },
    Entry {
        kind: ErrorType::MissingRequireVendor,
        when: &[&[Reason("require_vendor")], &[Type("ReferenceError"), Name("require")]],
        says: &[
            "There is no `require` here, nor packages of npm's.",
            "The packages that are there (`csv-simple`, `json-utils`, `string-utils`) come with `requireVendor(name)`.",
        ],
        docs: &[],
        examples: &[Example {
            before: "const csv = require(\"csv-simple\");",
            after: "const csv = requireVendor(\"csv-simple\");",
            explanation: "`requireVendor` loads what is mounted at `/data_js`.",
        }],
    },
];
