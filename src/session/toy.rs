//! Sessions in the toy language, for tests of whatever must not know which language it serves.

use std::os::unix::fs::FileExt;
use std::path::Path;

use super::facade::Session;
use super::factory::{self, SessionFactory};
use super::opening::Which;
use crate::language::Language;
use crate::language::toy::{TOY, module};
use crate::policy::Policy;
use crate::sandbox::Edition;
use crate::setup::progress::Silent;
use crate::setup::rewrite::rewrite;
use crate::setup::stages::names;
use crate::setup::{Builder, Cache, SandboxBuilder, artifact, ensure, store};

/// Sets the toy up in `dir`, from its module on, and starts a session.
pub(crate) fn session(dir: &Path, policy: Policy, which: Which) -> Session {
    let language: &'static Language = &TOY;
    let builder = SandboxBuilder::new(language, Edition::Ordinary).unwrap();
    let cache = Cache::at(&dir.join("cache")).unwrap();
    let runtime = cache.runtime_dir(&artifact::id(language, &builder.identity()));
    let mut files = store::Store::open_to_write(&runtime).unwrap();
    let tree = files.unfinished_dir().unwrap();
    files.keep_tree(names::GUEST, tree).unwrap();
    let original = module();
    let rewritten = rewrite(&original, language.exported_functions).unwrap();
    let memory = files.unfinished_file().unwrap();
    memory.as_file().set_len(rewritten.memory.size()).unwrap();
    for (address, bytes) in rewritten.memory.runs(&original) {
        memory.as_file().write_all_at(bytes, address).unwrap();
    }
    files.keep_file(names::INITIAL, memory, serde_json::Value::Null).unwrap();
    let code = files.unfinished_file().unwrap();
    code.as_file().write_all_at(&rewritten.module, 0).unwrap();
    files.keep_file(names::MODULE, code, serde_json::Value::Null).unwrap();
    let prepared = ensure(&cache, &builder, &Silent).unwrap();
    let scratch = dir.join("scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    factory::start(move || SessionFactory::open(&builder, prepared, policy, &scratch), which, "a test".to_owned())
        .unwrap()
}

/// Limits that are soon met.
pub(crate) fn policy() -> Policy {
    Policy { memory_bytes: 4 << 20, interrupt_grace_seconds: 0.05, ..Policy::default() }
}
