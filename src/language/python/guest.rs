//! The Python guest: its directories and environment, how it is entered and interrupted, and its warm images.

use super::stack;
use crate::language::guest::{Entry, GuestLayout, Interrupt, MountPoint, Shows, Started, Unpacked, WarmImage};

const MIB: u64 = 1 << 20;

/// What the guest is called.
pub const PROGRAM: &str = "/usr/local/bin/python.wasm";

/// Its directories. The standard library is where the module looks for it.
pub const LAYOUT: GuestLayout = GuestLayout {
    root: &["app", "data", "external", "tmp", "usr/local"],
    mounts: &[
        MountPoint { guest: "/", shows: Shows::Root },
        MountPoint { guest: "/usr/local", shows: Shows::Made("usr-local") },
        // matplotlib looks for its data next to its own files, which are in the zip.
        MountPoint { guest: "/usr/local/lib/python315.zip/matplotlib/mpl-data", shows: Shows::Made("mpl-data") },
        MountPoint { guest: "/app", shows: Shows::Workspace },
        MountPoint { guest: "/tmp", shows: Shows::Scratch },
        MountPoint { guest: "/data", shows: Shows::Data },
        MountPoint { guest: "/data/site-packages", shows: Shows::Made("site-packages") },
        MountPoint { guest: "/external", shows: Shows::External },
    ],
    library: "usr-local/lib/python315.zip",
    unpacked: &[Unpacked { member: "matplotlib/mpl-data.zip", most: 64 * MIB, to: "mpl-data" }],
    own_packages: "usr-local/lib/cellblock",
    packages: "site-packages",
};

/// The environment that it needs to find its parts.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("HOME", "/tmp"),
    ("PWD", "/app"),
    ("TMPDIR", "/tmp"),
    ("LANG", "C.UTF-8"),
    // An empty value makes zoneinfo read the zip's own data.
    ("PYTHONTZPATH", ""),
    ("MPLBACKEND", "module://matplotlib_inline.backend_inline"),
    ("MPLCONFIGDIR", "/tmp/matplotlib"),
];

/// How it is started and entered.
pub const ENTRY: Entry = Entry {
    initialize: "_initialize",
    // As in ipykernel, the working directory comes first.
    first: "import os, sys; os.chdir('/app'); sys.path.insert(0, ''); \
            sys.path += ['/usr/local/lib/cellblock', '/data/site-packages']; from cellblock_bridge import serve_turn",
    // The name is found without the import system, in which cells may have done anything.
    turn: "served = serve_turn()",
    // The interpreter is made by the first turn.
    started: Some(Started { run: stack::widen, revision: stack::C_STACK }),
};

/// How it is asked to stop.
pub const INTERRUPT: Interrupt =
    Interrupt { function: "PyErr_SetInterruptEx", argument: SIGINT, endless: "while True: pass" };

/// SIGINT, as the guest's libc numbers it (wasi-libc, `signal.h`).
const SIGINT: i32 = 2;

/// Its warm images.
pub const IMAGES: &[WarmImage] = &[
    // The bridge and IPython.
    WarmImage { profile: "base", file: "base.img", title: "warming up IPython, proving interrupts", disk: 100 * MIB },
    // And the scientific packages.
    WarmImage {
        profile: "science",
        file: "science.img",
        title: "warming up numpy, pandas and matplotlib",
        disk: 220 * MIB,
    },
];
