//! Rewrites a guest module so that its code and its memory part ways.
//!
//! Three things happen, and every other section is copied byte for byte: functions that we need are
//! exported by the names they carry in the `name` section; the active data segments are emptied (their
//! bytes become the [`InitialMemory`]); and names and debug sections are dropped. The code then has to be
//! compiled only once, and any number of memory images run on it.
//!
//! Works on bytes only and must never know which language the module holds. The input is untrusted:
//! whatever it is, the answer is a module or an error, never a panic, and never an allocation by a number
//! that the input names.

use std::ops::Range;

use thiserror::Error;
use wasm_encoder::{DataSection, ExportKind, ExportSection, RawSection, Section};
use wasmparser::{Data, DataKind, ExternalKind, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

const WASM_PAGE: u64 = 65_536;
const EXPORT_SECTION: u8 = 7;
const DATA_SECTION: u8 = 11;
const CUSTOM_SECTION: u8 = 0;

/// Why a module cannot be rewritten.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The bytes are not a WebAssembly module.
    #[error("the guest module cannot be parsed: {0}")]
    Parse(#[from] wasmparser::BinaryReaderError),
    /// It is a component, or has sections that we do not know.
    #[error("the guest module is not a plain core module: {0}")]
    NotAPlainModule(&'static str),
    /// A function that we need is not in the name section.
    #[error("the guest module has no function named {0}")]
    NoSuchFunction(String),
    /// A name that we need stands for several functions.
    #[error("the guest module has more than one function named {0}")]
    AmbiguousFunction(String),
    /// Something else is exported under a name that we need.
    #[error("the guest module exports something else under the name {0}")]
    ExportTaken(String),
    /// The module's memory is not the kind that images are made of.
    #[error("the guest module's memory cannot be kept as an image: {0}")]
    Memory(&'static str),
    /// A data segment that cannot be laid out in advance.
    #[error("data segment {index} of the guest module cannot be laid out: {reason}")]
    Segment {
        /// The segment's index in the data section.
        index: usize,
        /// What is the matter with it.
        reason: &'static str,
    },
    /// A start function would write into every image that is instantiated.
    #[error("the guest module has a start function, which would run again on every image")]
    StartFunction,
}

/// The memory that the original module would have had right after instantiation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialMemory {
    /// The memory's minimum size, in pages of 64 KiB.
    pub min_pages: u64,
    /// Its maximum, where it names one.
    pub max_pages: Option<u64>,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    address: u64,
    /// Where its bytes are in the original module.
    source: Range<usize>,
}

impl InitialMemory {
    /// The memory's size in bytes.
    pub fn size(&self) -> u64 {
        self.min_pages.saturating_mul(WASM_PAGE)
    }

    /// The runs of bytes to be written, in the module's order (a later one may overlap an earlier one),
    /// with their addresses. `original` is the module that [`rewrite`] was given.
    pub fn runs<'a>(&'a self, original: &'a [u8]) -> impl Iterator<Item = (u64, &'a [u8])> {
        self.segments.iter().filter_map(|s| Some((s.address, original.get(s.source.clone())?)))
    }
}

/// What [`rewrite`] made of a module.
#[derive(Debug)]
pub struct Rewritten {
    /// The module without data, names and debug sections, with the exports added.
    pub module: Vec<u8>,
    /// Its memory as it was before anything ran.
    pub memory: InitialMemory,
}

/// Rewrites `original`, adding an export for each of the functions named in `functions`.
pub fn rewrite(original: &[u8], functions: &[&str]) -> Result<Rewritten, RewriteError> {
    let survey = survey(original, functions)?;
    let mut module = Vec::with_capacity(original.len() / 2);
    module.extend_from_slice(&wasm_encoder::Module::HEADER);
    let mut exports = Some(survey.exports);
    for (id, range) in &survey.sections {
        if rank(*id) >= rank(EXPORT_SECTION)
            && *id != CUSTOM_SECTION
            && let Some(exports) = exports.take()
        {
            exports.append_to(&mut module);
        }
        match *id {
            EXPORT_SECTION => {}
            DATA_SECTION => survey.data.append_to(&mut module),
            id => RawSection { id, data: original.get(range.clone()).unwrap_or_default() }.append_to(&mut module),
        }
    }
    if let Some(exports) = exports {
        exports.append_to(&mut module);
    }
    Ok(Rewritten { module, memory: survey.memory })
}

/// Where a section stands in a module, which is not the order of their numbers.
fn rank(id: u8) -> u8 {
    const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, EXPORT_SECTION, 8, 9, 12, 10, DATA_SECTION];
    ORDER.iter().position(|known| *known == id).map_or(u8::MAX, |at| at as u8)
}

/// What one pass over the module found.
struct Survey {
    /// The sections to keep, in order, with the ranges of their contents.
    sections: Vec<(u8, Range<usize>)>,
    exports: ExportSection,
    data: DataSection,
    memory: InitialMemory,
}

fn survey(original: &[u8], functions: &[&str]) -> Result<Survey, RewriteError> {
    let mut sections = Vec::new();
    let mut exports = ExportSection::new();
    let mut taken: Vec<(String, ExportKind, u32)> = Vec::new();
    let mut data = DataSection::new();
    let mut memory: Option<InitialMemory> = None;
    let mut segments = Vec::new();
    let mut found: Vec<Option<u32>> = vec![None; functions.len()];
    let mut function_count = 0_u32;

    for payload in Parser::new(0).parse_all(original) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding, .. } if *encoding != wasmparser::Encoding::Module => {
                return Err(RewriteError::NotAPlainModule("it is a component"));
            }
            Payload::Version { .. } | Payload::End(_) | Payload::CodeSectionEntry(_) => continue,
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    match import?.ty {
                        TypeRef::Memory(_) => return Err(RewriteError::Memory("it is imported")),
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => function_count = function_count.saturating_add(1),
                        TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(defined) => function_count = function_count.saturating_add(defined.count()),
            Payload::MemorySection(memories) => memory = Some(the_one_memory(memories.clone())?),
            Payload::ExportSection(existing) => {
                for export in existing.clone() {
                    let export = export?;
                    let kind = export_kind(export.kind);
                    exports.export(export.name, kind, export.index);
                    if functions.contains(&export.name) {
                        taken.push((export.name.to_owned(), kind, export.index));
                    }
                }
            }
            Payload::StartSection { .. } => return Err(RewriteError::StartFunction),
            Payload::DataSection(reader) => {
                for (index, segment) in reader.clone().into_iter().enumerate() {
                    let segment = segment?;
                    match lay_out(&segment, index)? {
                        Some(address) => {
                            segments.push(Segment { address, source: bytes_of(&segment) });
                            data.passive(std::iter::empty());
                        }
                        None => {
                            data.passive(segment.data.iter().copied());
                        }
                    }
                }
            }
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(names) = custom.as_known() {
                    find_functions(names, functions, &mut found)?;
                }
                if is_for_people(custom.name()) {
                    continue;
                }
            }
            _ => {}
        }
        match payload.as_section() {
            Some((id, range)) if id == CUSTOM_SECTION || rank(id) != u8::MAX => sections.push((id, range)),
            _ => return Err(RewriteError::NotAPlainModule("it has a section of an unknown kind")),
        }
    }

    let mut memory = memory.ok_or(RewriteError::Memory("there is none"))?;
    check_bounds(&segments, memory.size())?;
    memory.segments = segments;
    for (name, function) in functions.iter().zip(found) {
        // The name section may name functions that are not there: nobody has to check it.
        let function = function.filter(|index| *index < function_count);
        let function = function.ok_or_else(|| RewriteError::NoSuchFunction((*name).to_owned()))?;
        match taken.iter().find(|(exported, ..)| exported == name) {
            None => {
                exports.export(name, ExportKind::Func, function);
            }
            Some((_, ExportKind::Func, index)) if *index == function => {}
            Some(_) => return Err(RewriteError::ExportTaken((*name).to_owned())),
        }
    }
    Ok(Survey { sections, exports, data, memory })
}

fn the_one_memory(memories: wasmparser::MemorySectionReader<'_>) -> Result<InitialMemory, RewriteError> {
    let mut all = memories.into_iter();
    let (Some(memory), None) = (all.next(), all.next()) else {
        return Err(RewriteError::Memory("there is not exactly one"));
    };
    let memory = memory?;
    if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
        return Err(RewriteError::Memory("it is 64-bit, shared or of unusual page size"));
    }
    if memory.initial > WASM_PAGE {
        return Err(RewriteError::Memory("it is larger than 4 GiB"));
    }
    Ok(InitialMemory { min_pages: memory.initial, max_pages: memory.maximum, segments: Vec::new() })
}

fn export_kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

/// The address of an active segment; `None` for a passive one, which stays as it is.
fn lay_out(segment: &Data<'_>, index: usize) -> Result<Option<u64>, RewriteError> {
    let DataKind::Active { memory_index, offset_expr } = &segment.kind else {
        return Ok(None);
    };
    if *memory_index != 0 {
        return Err(RewriteError::Segment { index, reason: "it is not for memory 0" });
    }
    let mut operators = offset_expr.get_operators_reader();
    let (first, second) = (operators.read()?, operators.read()?);
    let (Operator::I32Const { value }, Operator::End) = (first, second) else {
        return Err(RewriteError::Segment { index, reason: "its address is not a constant" });
    };
    Ok(Some(u64::from(value.cast_unsigned())))
}

/// Where a segment's bytes are in the module: they are the last part of it.
fn bytes_of(segment: &Data<'_>) -> Range<usize> {
    segment.range.end.saturating_sub(segment.data.len())..segment.range.end
}

fn check_bounds(segments: &[Segment], size: u64) -> Result<(), RewriteError> {
    let outside = segments.iter().position(|s| s.address.saturating_add(s.source.len() as u64) > size);
    match outside {
        Some(index) => Err(RewriteError::Segment { index, reason: "it does not fit into the memory" }),
        None => Ok(()),
    }
}

fn find_functions(
    names: wasmparser::NameSectionReader<'_>,
    wanted: &[&str],
    found: &mut [Option<u32>],
) -> Result<(), RewriteError> {
    for subsection in names {
        let Name::Function(functions) = subsection? else { continue };
        for naming in functions {
            let naming = naming?;
            let Some(at) = wanted.iter().position(|name| *name == naming.name) else { continue };
            match found.get_mut(at) {
                Some(slot @ None) => *slot = Some(naming.index),
                _ => return Err(RewriteError::AmbiguousFunction(naming.name.to_owned())),
            }
        }
    }
    Ok(())
}

/// Custom sections that only people and tools read; they would be carried into compiled code.
fn is_for_people(section: &str) -> bool {
    matches!(section, "name" | "producers" | "target_features" | "sourceMappingURL" | "external_debug_info" | "linking")
        || section.starts_with(".debug")
        || section.starts_with("reloc.")
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
