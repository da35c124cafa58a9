//! A language for tests: a guest of a hundred lines that echoes, counts, fails, loops, allocates, writes files, traps and
//! exits. What serves it as well as any other knows no language.

use serde_json::{Value, json};

use super::Language;
use super::artifact::{DiskSpace, GuestPackages, Part, PinnedArtifact};
use super::exceptions::{Exceptions, GuestLimit, LimitError, NamePattern};
use super::face::{CodemirrorMode, KernelInfo, Kernelspec};
use super::guest::{Entry, GuestLayout, Interrupt, MountPoint, Shows, WarmImage};
use super::patch::PatchTable;

const NOTHING: Part = Part { path: "", sha256: "", bytes: 0 };

/// The language.
pub static TOY: Language = Language {
    name: "toy",
    title: "Toy",
    shell: "the toy",
    exit_call: "`xit`",
    artifact: PinnedArtifact {
        title: "fetching the toy",
        package: "toy",
        version: "1",
        wheel_bytes: 0,
        lock: "runtimes/toy/artifact.lock",
        module: NOTHING,
        library: NOTHING,
        wheels_for: &[],
    },
    packages: GuestPackages { title: "fetching nothing", locks: "runtimes/toy/", own: "runtimes/toy/" },
    patches: PatchTable { themes: &[], revisions: &[] },
    exported_functions: &["toy_interrupt"],
    disk: DiskSpace { artifact: 0, packages: 0, guest: 0, module: 0, code: 0 },
    layout: GuestLayout {
        root: &["app", "tmp"],
        mounts: &[
            MountPoint { guest: "/app", shows: Shows::Workspace },
            MountPoint { guest: "/tmp", shows: Shows::Scratch },
        ],
        library: "library",
        unpacked: &[],
        own_packages: "own",
        packages: "packages",
    },
    program: "toy",
    environment: &[],
    entry: Entry { initialize: "_initialize", first: "first", turn: "turn", started: None },
    interrupt: Interrupt { function: "toy_interrupt", argument: 2, endless: "loop" },
    images: &[WarmImage { profile: "toy", file: "toy.img", title: "warming up the toy", disk: 0 }],
    exceptions: Exceptions {
        recursion_limit: "depth",
        interrupted: "ToyInterrupt",
        out_of_memory: "ToyOutOfMemory",
        misused_magic: "ToyMisuse",
        limits: &[LimitError { limit: GuestLimit::Memory, name: NamePattern::Is("ToyOutOfMemory"), begins: None }],
    },
    has_portable: false,
    kernel_info: KernelInfo {
        name: "toy",
        version: "1",
        mimetype: "text/plain",
        file_extension: ".toy",
        pygments_lexer: "text",
        codemirror_mode: CodemirrorMode { name: "text", version: None },
        nbconvert_exporter: "script",
        banner: "a toy",
        help_links: &[],
    },
    kernelspec: Kernelspec { name: "toy", display_name: "Toy", language: "toy", logos: &[] },
};

/// Where the module's texts begin.
const TEXTS: usize = 1024;

/// The guest's module, with names.
pub fn module() -> Vec<u8> {
    let failed = |name: &str| {
        frame(&json!({"op": "reply", "content": {
            "status": "error", "ename": name, "evalue": "as told", "traceback": [format!("{name}: as told")],
            "payload": [], "user_expressions": {},
        }}))
    };
    let says = |name: &str| {
        let traceback = [format!("{name}: as told")];
        frame(&json!({"op": "error", "ename": name, "evalue": "as told", "traceback": traceback}))
    };
    let ok = json!({"op": "reply", "content": {"status": "ok", "payload": [], "user_expressions": {}}});
    let texts = [
        ("@next@", frame(&json!({"op": "next"}))),
        ("@ok@", frame(&ok)),
        ("@says_failed@", says("ToyError")),
        ("@failed@", failed("ToyError")),
        ("@says_no_memory@", says(TOY.exceptions.out_of_memory)),
        ("@no_memory@", failed(TOY.exceptions.out_of_memory)),
        ("@says_interrupted@", says(TOY.exceptions.interrupted)),
        ("@interrupted@", failed(TOY.exceptions.interrupted)),
        ("@is_execute@", b"\"op\":\"execute\"".to_vec()),
        ("@is_code@", b"\"code\":\"".to_vec()),
        ("@newline@", b"\n".to_vec()),
        ("@file@", b"toy.txt".to_vec()),
        ("@contents@", b"a toy's".to_vec()),
    ];
    let mut wat = include_str!("toy.wat").to_owned();
    let mut at = TEXTS;
    for (name, text) in texts {
        wat = wat.replace(name, &format!("(i32.const {at}) (i32.const {})", text.len()));
        let bytes: String = text.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let end = wat.rfind(')').unwrap();
        wat.insert_str(end, &format!("(data (i32.const {at}) \"{bytes}\")\n"));
        at += text.len();
    }
    wat::parse_str(wat).unwrap()
}

fn frame(json: &Value) -> Vec<u8> {
    crate::sandbox::Frame::of(json.clone()).to_bytes()
}
