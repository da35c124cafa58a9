//! The module rewriter: any bytes are refused or rewritten; a valid module stays valid, and its memory's contents lie
//! within its memory.
#![no_main]

use arbitrary::Unstructured;
use cellblock::runtime::rewrite::rewrite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let module = if choice % 4 == 0 {
        rest.to_vec()
    } else {
        let Ok(module) = wasm_smith::Module::new(wasm_smith::Config::default(), &mut Unstructured::new(rest)) else { return };
        module.to_bytes()
    };
    let Ok(rewritten) = rewrite(&module, &[]) else { return };
    for (offset, bytes) in rewritten.memory.runs(&module) {
        let end = offset.checked_add(bytes.len() as u64).expect("within 64 bits");
        assert!(end <= rewritten.memory.size(), "data beyond the memory's end");
    }
    if wasmparser::validate(&module).is_ok() {
        wasmparser::validate(&rewritten.module).expect("a valid module stays valid");
    }
});
