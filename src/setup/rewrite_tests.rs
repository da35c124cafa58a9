//! Tests of the module rewriter, on modules built here.

use proptest::prelude::*;
use wasm_encoder::*;

use super::*;

/// A module with a memory of two pages, two active segments, one passive one, three named functions (the
/// second exported as `run`), a table and debug sections.
fn sample() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    for _ in 0..3 {
        functions.function(0);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 2, maximum: Some(9), memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("run", ExportKind::Func, 1);
    let mut code = CodeSection::new();
    for value in [7, 8, 9] {
        let mut body = Function::new([]);
        body.instructions().i32_const(value).end();
        code.function(&body);
    }
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(16), *b"hello").passive(*b"kept").active(
        0,
        &ConstExpr::i32_const(70_000),
        *b"far",
    );
    let mut names = NameSection::new();
    let mut function_names = NameMap::new();
    for (index, name) in ["alpha", "beta", "gamma"].into_iter().enumerate() {
        function_names.append(index as u32, name);
    }
    names.functions(&function_names);

    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports);
    module.section(&DataCountSection { count: 3 }).section(&code).section(&data).section(&names);
    for name in ["producers", ".debug_info", "target_features", "of.our.own"] {
        module.section(&CustomSection { name: name.into(), data: b"x".as_slice().into() });
    }
    module.finish()
}

fn exports_of(module: &[u8]) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(section) = payload.unwrap() {
            all.extend(section.into_iter().map(|e| e.map(|e| (e.name.to_owned(), e.index)).unwrap()));
        }
    }
    all
}

fn valid(module: &[u8]) {
    wasmtime::Module::validate(&ENGINE, module).unwrap();
}

fn is_valid(module: &[u8]) -> bool {
    wasmtime::Module::validate(&ENGINE, module).is_ok()
}

static ENGINE: std::sync::LazyLock<wasmtime::Engine> = std::sync::LazyLock::new(wasmtime::Engine::default);

#[test]
fn adds_exports_for_named_functions_and_stays_valid() {
    let rewritten = rewrite(&sample(), &["gamma", "alpha"]).unwrap();
    let expected = [("memory", 0), ("run", 1), ("gamma", 2), ("alpha", 0)].map(|(n, i)| (n.to_owned(), i));
    assert_eq!(exports_of(&rewritten.module), expected);
    valid(&rewritten.module);
}

#[test]
fn adds_an_export_section_where_there_was_none() {
    let without: Vec<u8> = {
        let original = sample();
        let mut module = Module::new();
        for payload in Parser::new(0).parse_all(&original) {
            if let Some((id, range)) = payload.unwrap().as_section()
                && id != EXPORT_SECTION
            {
                module.section(&RawSection { id, data: &original[range] });
            }
        }
        module.finish()
    };
    let rewritten = rewrite(&without, &["beta"]).unwrap();
    assert_eq!(exports_of(&rewritten.module), [("beta".to_owned(), 1)]);
    valid(&rewritten.module);
}

#[test]
fn empties_active_segments_and_lays_them_out() {
    let original = sample();
    let rewritten = rewrite(&original, &[]).unwrap();
    let mut sizes = Vec::new();
    for payload in Parser::new(0).parse_all(&rewritten.module) {
        if let Payload::DataSection(section) = payload.unwrap() {
            for segment in section {
                let segment = segment.unwrap();
                assert!(matches!(segment.kind, DataKind::Passive));
                sizes.push(segment.data.len());
            }
        }
    }
    assert_eq!(sizes, [0, 4, 0], "the count stays, and so do passive segments");
    let runs: Vec<_> = rewritten.memory.runs(&original).collect();
    assert_eq!(runs, [(16, b"hello".as_slice()), (70_000, b"far".as_slice())]);
    assert_eq!((rewritten.memory.min_pages, rewritten.memory.max_pages), (2, Some(9)));
}

#[test]
fn drops_names_and_debug_sections_and_keeps_other_ones() {
    let rewritten = rewrite(&sample(), &["alpha"]).unwrap();
    let custom: Vec<String> = Parser::new(0)
        .parse_all(&rewritten.module)
        .filter_map(|p| match p.unwrap() {
            Payload::CustomSection(c) => Some(c.name().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(custom, ["of.our.own"]);
}

#[test]
fn rewriting_twice_gives_the_same_bytes() {
    assert_eq!(rewrite(&sample(), &["alpha"]).unwrap().module, rewrite(&sample(), &["alpha"]).unwrap().module);
}

#[test]
fn a_missing_function_is_named() {
    let error = rewrite(&sample(), &["alpha", "delta"]).unwrap_err();
    assert_eq!(error.to_string(), "the guest module has no function named delta");
}

#[test]
fn a_name_for_a_function_that_is_not_there_is_not_exported() {
    let mut names = NameSection::new();
    let mut function_names = NameMap::new();
    function_names.append(2, "last");
    function_names.append(3, "beyond");
    names.functions(&function_names);
    let mut module = rewrite(&sample(), &[]).unwrap().module;
    names.append_to(&mut module);
    valid(&module);
    valid(&rewrite(&module, &["last"]).unwrap().module);
    assert!(matches!(rewrite(&module, &["beyond"]), Err(RewriteError::NoSuchFunction(_))));
}

#[test]
fn an_export_is_not_a_name() {
    assert!(matches!(rewrite(&sample(), &["run"]), Err(RewriteError::NoSuchFunction(_))));
}

#[test]
fn rewriting_with_an_export_that_is_there_already_adds_nothing() {
    // The names are dropped by the first pass, so put them back behind its result.
    let mut names = NameSection::new();
    let mut function_names = NameMap::new();
    function_names.append(0, "alpha");
    function_names.append(1, "memory");
    names.functions(&function_names);
    let mut again = rewrite(&sample(), &["alpha"]).unwrap().module;
    names.append_to(&mut again);
    assert_eq!(exports_of(&rewrite(&again, &["alpha"]).unwrap().module).len(), 3);
    assert!(matches!(rewrite(&again, &["memory"]), Err(RewriteError::ExportTaken(_))));
}

#[test]
fn a_segment_outside_the_memory_is_refused() {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(-1), *b"end");
    let mut module = Module::new();
    module.section(&memories).section(&data);
    assert!(matches!(rewrite(&module.finish(), &[]), Err(RewriteError::Segment { index: 0, .. })));
}

#[test]
fn a_start_function_is_refused() {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&StartSection { function_index: 0 });
    assert!(matches!(rewrite(&module.finish(), &[]), Err(RewriteError::StartFunction)));
}

#[test]
fn a_module_without_memory_is_refused() {
    assert!(matches!(rewrite(&Module::new().finish(), &[]), Err(RewriteError::Memory(_))));
}

/// The real artifact, where it is at hand: `CELLBLOCK_TEST_WASM=… cargo test --release -- --ignored real_artifact`.
#[test]
#[ignore = "needs the real artifact"]
fn real_artifact_is_rewritten_fast() {
    let original = std::fs::read(std::env::var("CELLBLOCK_TEST_WASM").unwrap()).unwrap();
    let start = std::time::Instant::now();
    let rewritten = rewrite(&original, &["PyErr_SetInterruptEx"]).unwrap();
    let bytes: usize = rewritten.memory.runs(&original).map(|(_, run)| run.len()).sum();
    println!(
        "{} -> {} bytes of code, {bytes} of data in {} pages, {:?}",
        original.len(),
        rewritten.module.len(),
        rewritten.memory.min_pages,
        start.elapsed()
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = rewrite(&bytes, &["alpha"]);
    }

    #[test]
    fn damaged_modules_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = sample();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(rewritten) = rewrite(&bytes, &["alpha"]) {
            let _ = rewritten.memory.runs(&bytes).count();
            prop_assert!(is_valid(&rewritten.module) || !is_valid(&bytes));
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = rewrite(&bytes, &["alpha"]);
    }
}
