//! The module rewriter, on whatever is said to be a guest module.
#![no_main]

use std::cell::LazyCell;

use cellblock_fuzz::rewrite::{Rewritten, rewrite};
use libfuzzer_sys::fuzz_target;
use wasmparser::{DataKind, Parser, Payload, Validator};

const FUNCTION: &str = "alpha";

fuzz_target!(|data: &[u8]| {
    // Not before the rewriter has counted the imports: unlike it, the validator makes room for as many as
    // are announced, up to a million, which the limit on allocations would take for ours.
    let valid = LazyCell::new(|| Validator::new().validate_all(data).is_ok());
    for functions in [[].as_slice(), &[FUNCTION], &[FUNCTION, "beta"]] {
        let Ok(rewritten) = rewrite(data, functions) else { continue };
        bounded(data, functions, &rewritten);
        if *valid {
            equivalent(data, functions, &rewritten);
        }
    }
});

/// Whatever the input is, the result is no larger than it, but for the names that are added, and within
/// the memory that it announces.
fn bounded(original: &[u8], functions: &[&str], rewritten: &Rewritten) {
    let added: usize = functions.iter().map(|name| name.len() + 7).sum();
    assert!(rewritten.module.len() <= original.len() + added + 16);
    assert!(rewritten.memory.min_pages <= 65_536);
    for (address, run) in rewritten.memory.runs(original) {
        assert!(address + run.len() as u64 <= rewritten.memory.size());
    }
}

/// A valid module stays valid, keeps what it exported, and parts with its data and nothing else.
fn equivalent(original: &[u8], functions: &[&str], rewritten: &Rewritten) {
    if let Err(error) = Validator::new().validate_all(&rewritten.module) {
        panic!("a valid module was made invalid: {error}");
    }
    let (before, after) = (Facts::of(original), Facts::of(&rewritten.module));
    assert_eq!(after.exports.get(..before.exports.len()), Some(before.exports.as_slice()));
    for function in functions {
        assert!(after.exports.iter().any(|(name, ..)| name == function));
    }
    let added = functions.iter().filter(|name| !before.exports.iter().any(|(taken, ..)| taken == *name)).count();
    assert_eq!(after.exports.len(), before.exports.len() + added);
    assert_eq!((before.bodies, before.others), (after.bodies, after.others));

    // What was active is laid out and empty, what was passive is as it was.
    let emptied: Vec<_> =
        before.segments.iter().map(|(active, bytes)| if *active { vec![] } else { bytes.clone() }).collect();
    let found: Vec<_> = after.segments.iter().map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(found, emptied);
    assert!(after.segments.iter().all(|(active, _)| !active));
    let runs: Vec<_> = rewritten.memory.runs(original).map(|(_, run)| run.to_vec()).collect();
    let active: Vec<_> = before.segments.into_iter().filter_map(|(active, bytes)| active.then_some(bytes)).collect();
    assert_eq!(runs, active);

    let again = rewrite(&rewritten.module, &[]).expect("a rewritten module can be rewritten");
    assert_eq!(again.module, rewritten.module, "with nothing left to do");
    assert_eq!(
        (again.memory.min_pages, again.memory.max_pages),
        (rewritten.memory.min_pages, rewritten.memory.max_pages)
    );
    assert_eq!(again.memory.runs(&rewritten.module).count(), 0);
}

/// What a module consists of, as far as the rewriter is concerned.
#[derive(Default)]
struct Facts {
    exports: Vec<(String, String, u32)>,
    /// Active or not, and the bytes.
    segments: Vec<(bool, Vec<u8>)>,
    /// The functions' bodies.
    bodies: Vec<Vec<u8>>,
    /// Every section but exports, data and custom ones.
    others: Vec<(u8, Vec<u8>)>,
}

impl Facts {
    fn of(module: &[u8]) -> Self {
        let mut facts = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload.expect("a valid module parses");
            match &payload {
                Payload::ExportSection(exports) => facts.exports.extend(exports.clone().into_iter().map(|export| {
                    let export = export.unwrap();
                    (export.name.to_owned(), format!("{:?}", export.kind), export.index)
                })),
                Payload::DataSection(data) => facts.segments.extend(data.clone().into_iter().map(|segment| {
                    let segment = segment.unwrap();
                    (matches!(segment.kind, DataKind::Active { .. }), segment.data.to_vec())
                })),
                Payload::CodeSectionEntry(body) => facts.bodies.push(body.as_bytes().to_vec()),
                Payload::CustomSection(_) => {}
                other => facts.others.extend(other.as_section().map(|(id, range)| (id, module[range].to_vec()))),
            }
        }
        facts
    }
}
