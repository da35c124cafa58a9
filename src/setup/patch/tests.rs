//! Tests of patching, on modules built here: what they are is told by running them.

use std::sync::LazyLock;

use wasm_encoder::*;
use wasmparser::{Parser, Payload};

use super::{PatchError, apply};
use crate::language::patch::op::{ADD, Op, get, int, set};
use crate::language::patch::{Change, Patch};

static ENGINE: LazyLock<wasmtime::Engine> = LazyLock::new(wasmtime::Engine::default);

/// A module whose function `main` answers `helper(3) + 7`, where `helper` doubles, called through a table. It imports
/// `outside`, and has the text "old text" at address 16. `names` are those of the import and the functions.
fn sample(names: [&str; 3]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], [ValType::I32]);
    let mut imports = ImportSection::new();
    imports.import("m", "outside", EntityType::Function(1));
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 1,
        maximum: None,
        shared: false,
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("main", ExportKind::Func, 2).export("memory", ExportKind::Memory, 0);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([1].as_slice().into()));
    let mut code = CodeSection::new();
    let mut helper = Function::new([]);
    helper.instructions().local_get(0).i32_const(2).i32_mul().end();
    code.function(&helper);
    // As a linker writes it: each number of 7 takes more bytes than it needs.
    let mut main = Function::new([(1, ValType::I32)]);
    main.instructions().i32_const(3).i32_const(0).call_indirect(0, 0).local_set(0);
    main.raw([0x41, 0x87, 0x80, 0x80, 0x80, 0x00]).instructions().local_get(0).i32_add().end();
    code.function(&main);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(12), *b"abc\0old text\0more");
    let mut function_names = NameMap::new();
    for (index, name) in (0_u32..).zip(names) {
        function_names.append(index, name);
    }
    let mut named = NameSection::new();
    named.functions(&function_names);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&tables).section(&memories);
    module.section(&exports).section(&elements).section(&code).section(&data).section(&named);
    module.finish()
}

const NAMES: [&str; 3] = ["outside", "helper", "main"];

/// What `main` answers, and the memory from address 12 on.
fn run(module: &[u8]) -> (i32, Vec<u8>) {
    let module = wasmtime::Module::new(&ENGINE, module).unwrap();
    let mut store = wasmtime::Store::new(&ENGINE, ());
    let outside = wasmtime::Func::wrap(&mut store, || 1000_i32);
    let instance = wasmtime::Instance::new(&mut store, &module, &[outside.into()]).unwrap();
    let main = instance.get_typed_func::<(), i32>(&mut store, "main").unwrap();
    let answer = main.call(&mut store, ()).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    (answer, memory.data(&store)[12..29].to_vec())
}

fn patch(function: &'static str, change: Change) -> Patch {
    Patch { function, change, reason: "", test: "" }
}

const SEVEN_TO_NINE: Change = Change::Edit { expected: &[int(7), get(0)], times: 1, replacement: &[int(9), get(0)] };
const PLUS_100: Change = Change::Wrap {
    params: &[ValType::I32],
    results: &[ValType::I32],
    locals: &[ValType::I64, ValType::I32],
    body: &[get(0), Op::Original, set(2), get(2), int(100), ADD],
};
const NEW_TEXT: Change = Change::Text { address: 16, expected: "old text", replacement: "new" };

fn refused(names: [&str; 3], patches: &[Patch]) -> String {
    apply(&sample(names), patches).unwrap_err().to_string()
}

#[test]
fn nothing_changes_without_patches() {
    assert_eq!(run(&sample(NAMES)), (13, b"abc\0old text\0more".to_vec()));
    assert_eq!(run(&apply(&sample(NAMES), &[]).unwrap()), run(&sample(NAMES)));
}

#[test]
fn instructions_are_replaced_however_the_linker_wrote_their_numbers() {
    assert_eq!(run(&apply(&sample(NAMES), &[patch("main", SEVEN_TO_NINE)]).unwrap()).0, 15);
}

#[test]
fn a_replacement_may_be_longer_and_call_by_name() {
    const LONGER: Change = Change::Edit {
        expected: &[int(7), get(0)],
        times: 1,
        replacement: &[int(7), Op::Call("outside"), ADD, Op::Call("helper"), get(0)],
    };
    assert_eq!(run(&apply(&sample(NAMES), &[patch("main", LONGER)]).unwrap()).0, 2 * 1007 + 6);
}

#[test]
fn a_wrapper_is_called_through_a_table_and_calls_the_edited_original() {
    const EDIT: Change = Change::Edit { expected: &[int(2)], times: 1, replacement: &[int(5)] };
    let patched = apply(&sample(NAMES), &[patch("helper", PLUS_100), patch("helper", EDIT)]).unwrap();
    assert_eq!(run(&patched).0, 3 * 5 + 100 + 7);
}

#[test]
fn a_text_is_replaced_and_what_is_left_of_it_is_zero() {
    let (answer, memory) = run(&apply(&sample(NAMES), &[patch("main", NEW_TEXT)]).unwrap());
    assert_eq!((answer, memory), (13, b"abc\0new\0\0\0\0\0\0more".to_vec()));
}

#[test]
fn a_function_is_added_that_others_call() {
    const NEW: Change = Change::Add {
        params: &[ValType::I32],
        results: &[ValType::I32],
        locals: &[ValType::I32],
        about: "",
        body: || vec![get(0), int(1000), ADD, set(1), get(1)],
    };
    const CALLS_IT: Change = Change::WrapMade {
        params: &[ValType::I32],
        results: &[ValType::I32],
        locals: &[],
        about: "",
        body: || vec![get(0), Op::Original, Op::Call("new"), Op::Call("newer")],
    };
    const TWICE: Change = Change::Add {
        params: &[ValType::I32],
        results: &[ValType::I32],
        locals: &[],
        about: "",
        body: || vec![get(0), Op::Call("new")],
    };
    // Whatever comes first in the table.
    let patches = [patch("helper", CALLS_IT), patch("newer", TWICE), patch("new", NEW)];
    assert_eq!(run(&apply(&sample(NAMES), &patches).unwrap()).0, 6 + 2000 + 7);
    assert!(matches!(apply(&sample(NAMES), &[patch("new", NEW), patch("new", NEW)]), Err(PatchError::Overlap("new"))));
    assert!(matches!(apply(&sample(NAMES), &[patch("main", NEW)]), Err(PatchError::Overlap("main"))));
    assert!(refused(NAMES, &[patch("helper", CALLS_IT)]).contains("no function named new"));
    const ODD: Change = Change::Add { params: &[ValType::F64], results: &[], locals: &[], about: "", body: Vec::new };
    assert!(matches!(apply(&sample(NAMES), &[patch("new", ODD)]), Err(PatchError::Signature("new"))));
    const ORIGINAL: Change =
        Change::Add { params: &[], results: &[ValType::I32], locals: &[], about: "", body: || vec![Op::Original] };
    assert!(refused(NAMES, &[patch("new", ORIGINAL)]).contains("only a wrapped function"));
}

#[test]
fn what_differs_is_refused() {
    const OTHER: Change = Change::Edit { expected: &[int(8), get(0)], times: 1, replacement: &[int(9), get(0)] };
    let differs = refused(NAMES, &[patch("main", OTHER)]);
    assert!(differs.contains("function main is not the one") && differs.contains("0 times, expected 1"), "{differs}");
    const TWICE: Change = Change::Edit { expected: &[int(7)], times: 2, replacement: &[int(9)] };
    assert!(refused(NAMES, &[patch("main", TWICE)]).contains("1 times, expected 2"));
    const TEXT: Change = Change::Text { address: 16, expected: "old tex", replacement: "new" };
    assert!(refused(NAMES, &[patch("main", TEXT)]).contains("does not hold the text"));
    const OUTSIDE: Change = Change::Text { address: 4, expected: "old text", replacement: "new" };
    assert!(refused(NAMES, &[patch("main", OUTSIDE)]).contains("does not hold the text"));
    const SIGNATURE: Change = Change::Wrap { params: &[], results: &[ValType::I32], locals: &[], body: &[int(1)] };
    assert!(refused(NAMES, &[patch("helper", SIGNATURE)]).contains("other parameters"));
}

#[test]
fn a_function_that_is_missing_or_imported_or_named_twice_is_refused() {
    let change = || patch("main", SEVEN_TO_NINE);
    assert!(refused(["outside", "helper", "other"], &[change()]).contains("no function named main"));
    assert!(refused(["outside", "main", "main"], &[change()]).contains("more than one function named main"));
    assert!(refused(["main", "helper", "other"], &[change()]).contains("imports main"));
    const CALL: Change = Change::Edit { expected: &[int(7)], times: 1, replacement: &[Op::Call("nobody")] };
    assert!(refused(NAMES, &[patch("main", CALL)]).contains("no function named nobody"));
}

#[test]
fn patches_in_each_others_way_are_refused() {
    const OVERLAPPING: Change = Change::Edit { expected: &[int(7)], times: 1, replacement: &[int(8)] };
    let patches = [patch("main", SEVEN_TO_NINE), patch("main", OVERLAPPING)];
    assert!(matches!(apply(&sample(NAMES), &patches), Err(PatchError::Overlap("main"))));
    let patches = [patch("helper", PLUS_100), patch("helper", PLUS_100)];
    assert!(matches!(apply(&sample(NAMES), &patches), Err(PatchError::Overlap("helper"))));
}

#[test]
fn an_entry_that_cannot_be_right_is_refused() {
    const LONGER: Change = Change::Text { address: 16, expected: "old text", replacement: "much newer" };
    assert!(refused(NAMES, &[patch("main", LONGER)]).contains("longer than the old one"));
    const ORIGINAL: Change = Change::Edit { expected: &[int(7)], times: 1, replacement: &[Op::Original] };
    assert!(refused(NAMES, &[patch("main", ORIGINAL)]).contains("only a wrapped function"));
    const NOTHING: Change = Change::Edit { expected: &[], times: 0, replacement: &[int(1)] };
    assert!(matches!(apply(&sample(NAMES), &[patch("main", NOTHING)]), Err(PatchError::Differs { .. })));
}

#[test]
fn whatever_the_bytes_are_the_answer_is_a_module_or_an_error() {
    let module = sample(NAMES);
    let patches = [patch("main", SEVEN_TO_NINE), patch("helper", PLUS_100), patch("main", NEW_TEXT)];
    for length in 0..module.len() {
        let _ = apply(&module[..length], &patches);
    }
    for at in 8..module.len() {
        for byte in [0, 0x7f, 0x80, 0xff] {
            let mut changed = module.clone();
            changed[at] = byte;
            let _ = apply(&changed, &patches);
        }
    }
}

#[test]
fn other_sections_stay_byte_for_byte() {
    let sections = |module: &[u8]| -> Vec<(u8, Vec<u8>)> {
        let payloads = Parser::new(0).parse_all(module).map(Result::unwrap).collect::<Vec<Payload<'_>>>();
        payloads.iter().filter_map(Payload::as_section).map(|(id, range)| (id, module[range].to_vec())).collect()
    };
    let (before, after) = (sample(NAMES), apply(&sample(NAMES), &[patch("helper", PLUS_100)]).unwrap());
    let kept = |module: &[u8]| sections(module).into_iter().filter(|(id, _)| ![3, 10].contains(id)).collect::<Vec<_>>();
    assert_eq!(kept(&before), kept(&after));
    assert_eq!(sections(&before).len(), sections(&after).len());
}
