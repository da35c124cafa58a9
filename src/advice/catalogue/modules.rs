//! Entries about modules and packages that are not there.

use super::Condition::{Class, Happened, Package, Reason, Source, Stranger, Type};
use super::{Entry, ErrorType, Example, Nature};

const INSTEAD: Example =
    Example { before: "{import_line}", after: "{instead_line}", explanation: "What is there instead." };

pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: ErrorType::PackageNotInstalled,
        when: &[&[Reason("packages")]],
        says: &[
            "Cells cannot install packages: the sandbox has no network and no processes.",
            "`{wanted_there}` is already installed: import it.",
            "`{wanted_native}` could not run either: it, or what it is built on, is native code, and the sandbox runs WebAssembly only.",
            "Use instead: {wanted_instead}.",
            "`pip install --target DIR {wanted_missing}`, outside of the notebook, with DIR among the policy's `[mounts]` (as `/mnt/packages`, say) adds it if it is pure Python; `import sys; sys.path.append(\"/mnt/packages\")` finds it.",
            "`%pip list` says what is installed.",
        ],
        docs: &[],
        examples: &[Example {
            before: "%pip install {wanted_there}",
            after: "import {wanted_there}",
            explanation: "It is there from the start.",
        }],
    },
    Entry {
        kind: ErrorType::NativeExtensionMissing,
        when: &[&[Reason("native")], &[Package(Nature::Native)]],
        says: &[
            "`{module}` (package {package}) cannot run in the sandbox: it, or what it is built on, is native code or needs an operating system's services.",
            "Use instead: {instead}.",
            "The sandbox runs WebAssembly only: no library of the machine's can be loaded.",
        ],
        docs: &[],
        examples: &[INSTEAD],
    },
    Entry {
        // What pandas raises of it carries no attributes.
        kind: ErrorType::NativeExtensionMissing,
        when: &[&[Class("builtins.ImportError"), Happened("builtins.ImportError"), Source("numexpr")]],
        says: &[
            "The engine `numexpr` is native code, and cannot run in the sandbox.",
            "Use `engine=\"python\"`, which gives the same; without an engine, pandas chooses it by itself.",
        ],
        docs: &[],
        examples: &[Example {
            before: "df.query(\"a > 1\", engine=\"numexpr\")",
            after: "df.query(\"a > 1\")",
            explanation: "The same rows, by numpy's own operations.",
        }],
    },
    Entry {
        kind: ErrorType::NativeExtensionMissing,
        when: &[&[Happened("pandas.errors.PyperclipException")]],
        says: &[
            "There is no clipboard in the sandbox, nor a program that reaches one.",
            "Write to a file in the workspace instead, or show the table and copy it from the page.",
        ],
        docs: &[],
        examples: &[Example {
            before: "df.to_clipboard()",
            after: "df.to_csv(\"/app/table.csv\")\ndf",
            explanation: "The file is in the notebook's workspace.",
        }],
    },
    Entry {
        kind: ErrorType::NativeExtensionMissing,
        when: &[&[Reason("picture"), Type("builtins.ImportError")]],
        says: &[
            "Pillow has not the native library for that here: `{function}` is not there, so it draws no TrueType fonts.",
            "It was in line {line}: `{source}`.",
            "`ImageFont.load_default()`, without a size, is a font that is always there. matplotlib draws text of any size and font.",
        ],
        docs: &[],
        examples: &[Example {
            before: "font = ImageFont.truetype(\"DejaVuSans.ttf\", 12)",
            after: "font = ImageFont.load_default()",
            explanation: "A bitmap font of one size.",
        }],
    },
    Entry {
        kind: ErrorType::NativeExtensionMissing,
        when: &[&[Reason("picture")]],
        says: &[
            "Pillow reads and writes {format} pictures with a native library that the sandbox has not.",
            "It was in line {line}: `{source}`.",
            "Use PNG, or TIFF, GIF, BMP; PDF and SVG from matplotlib. Convert pictures that are there outside of the sandbox.",
        ],
        docs: &[],
        examples: &[Example {
            before: "{picture_line}",
            after: "{picture_fixed}",
            explanation: "PNG loses nothing, and every program reads it.",
        }],
    },
    Entry {
        // What pandas raises when these are not there carries no attributes.
        kind: ErrorType::NativeExtensionMissing,
        when: &[
            &[Class("builtins.ImportError"), Happened("builtins.ImportError"), Source("parquet")],
            &[Class("builtins.ImportError"), Happened("builtins.ImportError"), Source("pyarrow")],
        ],
        says: &[
            "Parquet files and Arrow's types need `pyarrow` (or `fastparquet`), which is native code, and cannot run in the sandbox.",
            "Use CSV or pickle files instead; convert what is there outside of the sandbox.",
        ],
        docs: &[],
        examples: &[Example {
            before: "df.to_parquet(\"out.parquet\")",
            after: "df.to_pickle(\"out.pkl\")   # keeps types\ndf.to_csv(\"out.csv\")      # for other programs",
            explanation: "Formats that pandas reads and writes by itself.",
        }],
    },
    Entry {
        kind: ErrorType::MissingVendoredPackage,
        when: &[&[Package(Nature::Pure)]],
        says: &[
            "`{module}` is not installed, but its package {package} is pure Python: `pip install --target DIR {requirements}`, outside of the notebook, with DIR among the policy's `[mounts]` (as `/mnt/packages`, say) adds it; `import sys; sys.path.append(\"/mnt/packages\")` finds it.",
            "Or use {instead}.",
            "Cells cannot install packages themselves.",
        ],
        docs: &[],
        examples: &[INSTEAD],
    },
    Entry {
        kind: ErrorType::PackageNotInstalled,
        when: &[&[Package(Nature::Renamed)]],
        says: &[
            "There is no module `{module}`: what the package {package} brings is called `{renamed}`, and it is installed.",
            "The name that a package is installed by need not be the one that it is imported by.",
        ],
        docs: &[],
        examples: &[Example {
            before: "{import_line}",
            after: "{instead_line}",
            explanation: "A package's name and its module's may differ.",
        }],
    },
    Entry {
        kind: ErrorType::PackageNotInstalled,
        when: &[&[Package(Nature::Dropped)]],
        says: &[
            "`{module}` is no longer part of Python.",
            "Use instead: {instead}.",
            "Code that needs it was written for an older Python than this one.",
        ],
        docs: &[],
        examples: &[INSTEAD],
    },
    Entry {
        kind: ErrorType::PackageNotInstalled,
        when: &[&[Stranger]],
        says: &[
            "There is no module `{module}`. Did you mean `{nearest}`, which is installed?",
            "`{unheard_of}` is not installed. If it is a file of yours, put it into the workspace: `/app/{unheard_of}.py`, or `/app/{unheard_of}/`.",
            "What can be imported besides the packages that are installed is what lies in the workspace.",
            "If it is a package in pure Python: `pip install --target DIR {unheard_of}`, outside of the notebook, with DIR among the policy's `[mounts]` (as `/mnt/packages`, say) adds it; `import sys; sys.path.append(\"/mnt/packages\")` finds it.",
        ],
        docs: &[],
        examples: &[Example {
            before: "{import_line}",
            after: "{nearest_line}",
            explanation: "The nearest module that is installed.",
        }],
    },
];
