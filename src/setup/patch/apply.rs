//! Makes the patched module.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use wasm_encoder::{CodeSection, Encode, FunctionSection, RawSection, Section, ValType};
use wasmparser::{BinaryReader, FunctionBody, Operator, OperatorsReader};

use super::PatchError;
use super::shape::SurveyedShape;
use super::survey::Survey;
use crate::language::patch::op::{self, Op};
use crate::language::patch::{Change, Patch, Shape};

const FUNCTION_SECTION: u8 = 3;
const CODE_SECTION: u8 = 10;
const NO_ORIGINAL: &str = "only a wrapped function has an original";

/// Applies all `patches` to `module`, or none.
///
/// Names, data segments and the indices of functions stay as they are; wrapped functions are added behind the last one.
///
/// # Errors
/// A module that cannot be parsed, or in which anything differs from what a patch expects.
pub fn apply(module: &[u8], patches: &[Patch]) -> Result<Vec<u8>, PatchError> {
    let names = patches.iter().flat_map(names_in).collect::<BTreeSet<_>>();
    let survey = Survey::of(module, &names)?;
    let mut patched = module.to_vec();
    let mut bodies =
        Bodies { survey: &survey, module, edits: BTreeMap::new(), wraps: BTreeMap::new(), added: Vec::new() };
    // Those that are added come first among the new functions, so that all others can call them.
    for patch in patches {
        if let Change::Add { params, results, locals, body, .. } = &patch.change {
            bodies.add(patch, params, results, locals, *body)?;
        }
    }
    for patch in patches {
        match &patch.change {
            Change::Add { .. } => {}
            Change::Edit { expected, times, replacement } => bodies.edit(patch, expected, *times, replacement)?,
            Change::Wrap { params, results, locals, body } => bodies.wrap(patch, params, results, locals, body)?,
            Change::WrapMade { params, results, locals, body, .. } => {
                bodies.wrap(patch, params, results, locals, &body())?;
            }
            Change::WrapEach { copies, wrapped, locals, body, .. } => {
                bodies.wrap_each(patch, (*copies, *wrapped), locals, *body)?;
            }
            Change::Text { address, expected, replacement } => {
                let place = text(module, &survey, patch, *address, expected, replacement)?;
                let padded = replacement.bytes().chain(std::iter::repeat(0));
                for (byte, new) in patched.get_mut(place).unwrap_or_default().iter_mut().zip(padded) {
                    *byte = new;
                }
            }
        }
    }
    let (code, functions) = bodies.sections()?;
    let mut out = Vec::with_capacity(patched.len().saturating_add(1 << 16));
    out.extend_from_slice(&wasm_encoder::Module::HEADER);
    for (id, range) in &survey.sections {
        match *id {
            CODE_SECTION => code.append_to(&mut out),
            FUNCTION_SECTION => functions.append_to(&mut out),
            id => RawSection { id, data: patched.get(range.clone()).unwrap_or_default() }.append_to(&mut out),
        }
    }
    Ok(out)
}

/// The functions that a patch names.
fn names_in(patch: &Patch) -> Vec<&'static str> {
    let ops: &[&[Op]] = match &patch.change {
        Change::Edit { expected, replacement, .. } => &[expected, replacement],
        Change::Wrap { body, .. } => &[body],
        Change::Text { .. } | Change::WrapMade { .. } | Change::WrapEach { .. } | Change::Add { .. } => &[],
    };
    let made = match &patch.change {
        Change::Add { body, .. } | Change::WrapMade { body, .. } => body(),
        _ => Vec::new(),
    };
    let known: &[&str] = match &patch.change {
        Change::WrapEach { calls, .. } => calls,
        _ => &[],
    };
    let called = ops.iter().flat_map(|ops| ops.iter()).chain(&made).filter_map(|op| match op {
        Op::Call(name) => Some(*name),
        Op::Plain(_) | Op::Original => None,
    });
    let called = called.collect::<Vec<_>>();
    std::iter::once(patch.function).chain(called).chain(known.iter().copied()).collect()
}

/// Where the bytes of a text are that is as it was expected.
fn text(
    module: &[u8],
    survey: &Survey<'_>,
    patch: &Patch,
    address: u32,
    expected: &str,
    replacement: &str,
) -> Result<Range<usize>, PatchError> {
    survey.function(patch.function)?;
    if replacement.len() > expected.len() || replacement.contains('\0') {
        return Err(PatchError::BadEntry(
            patch.function,
            "the new text is longer than the old one, or has a zero byte",
        ));
    }
    let place =
        survey.memory(address, expected.len().saturating_add(1)).ok_or(PatchError::TextDiffers(patch.function))?;
    let found = module.get(place.clone()).and_then(|found| found.strip_suffix(b"\0"));
    if found != Some(expected.as_bytes()) {
        return Err(PatchError::TextDiffers(patch.function));
    }
    Ok(place)
}

/// Bytes of the module, and what takes their place.
type Replaced = (Range<usize>, Vec<u8>);

/// The bodies that change.
struct Bodies<'a> {
    survey: &'a Survey<'a>,
    module: &'a [u8],
    /// By the function's place: which bytes of the module are replaced by which.
    edits: BTreeMap<usize, Vec<Replaced>>,
    wraps: BTreeMap<usize, Wrapper>,
    added: Vec<Added>,
}

/// A function that is added.
struct Added {
    kind: u32,
    wrapper: Wrapper,
}

/// The new body of a wrapped function.
struct Wrapper {
    function: &'static str,
    locals: &'static [ValType],
    body: Vec<Op>,
}

impl<'a> Bodies<'a> {
    fn edit(&mut self, patch: &Patch, expected: &[Op], times: usize, replacement: &[Op]) -> Result<(), PatchError> {
        let name = patch.function;
        let index = |function: Option<&'static str>| match function {
            Some(function) => self.function(function),
            None => Err(PatchError::BadEntry(name, NO_ORIGINAL)),
        };
        let pattern = op::encode(expected, index)?;
        let new = op::encode(replacement, index)?;
        let place = self.survey.defined(name)?;
        let body = self.survey.bodies.get(place).ok_or(PatchError::NoSuchFunction(name))?;
        let found = find(body, &pattern)?;
        if found.len() != times || times == 0 {
            return Err(PatchError::Differs { function: name, expected: times, found: found.len() });
        }
        let edits = self.edits.entry(place).or_default();
        edits.extend(found.into_iter().map(|range| (range, new.clone())));
        edits.sort_by_key(|(range, _)| range.start);
        let in_the_way = |pair: &[Replaced]| matches!(pair, [(a, _), (b, _)] if a.end > b.start);
        if edits.windows(2).any(in_the_way) {
            return Err(PatchError::Overlap(name));
        }
        Ok(())
    }

    fn wrap(
        &mut self,
        patch: &Patch,
        params: &[ValType],
        results: &[ValType],
        locals: &'static [ValType],
        body: &[Op],
    ) -> Result<(), PatchError> {
        let name = patch.function;
        let place = self.survey.defined(name)?;
        match self.survey.signature(place) {
            Some(found) if same(found.params(), params) && same(found.results(), results) => {}
            _ => return Err(PatchError::Signature(name)),
        }
        self.keep(place, Wrapper { function: name, locals, body: body.to_vec() })
    }

    fn wrap_each(
        &mut self,
        patch: &Patch,
        (copies, wrapped): (usize, usize),
        locals: &'static [ValType],
        make: fn(&dyn Shape) -> Option<Vec<Op>>,
    ) -> Result<(), PatchError> {
        let function = patch.function;
        let (family, mut made) = (self.survey.family(function), 0);
        for index in &family {
            let place = self.survey.place(*index, function)?;
            let body = self.survey.bodies.get(place).ok_or(PatchError::NoSuchFunction(function))?;
            if let Some(body) = make(&SurveyedShape::of(self.survey, place, body)?) {
                self.keep(place, Wrapper { function, locals, body })?;
                made += 1;
            }
        }
        for (expected, found) in [(copies, family.len()), (wrapped, made)] {
            if found != expected {
                return Err(PatchError::Differs { function, expected, found });
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        patch: &Patch,
        params: &[ValType],
        results: &[ValType],
        locals: &'static [ValType],
        body: fn() -> Vec<Op>,
    ) -> Result<(), PatchError> {
        let function = patch.function;
        if self.survey.function(function).is_ok() || self.added.iter().any(|added| added.wrapper.function == function) {
            return Err(PatchError::Overlap(function));
        }
        let kind = self
            .survey
            .kind(|found| same(found.params(), params) && same(found.results(), results))
            .ok_or(PatchError::Signature(function))?;
        self.added.push(Added { kind, wrapper: Wrapper { function, locals, body: body() } });
        Ok(())
    }

    /// The index of a function of the module, or of one that is added.
    fn function(&self, name: &'static str) -> Result<u32, PatchError> {
        match self.added.iter().position(|added| added.wrapper.function == name) {
            Some(place) => Ok(self.survey.count().saturating_add(place as u32)),
            None => self.survey.function(name),
        }
    }

    fn keep(&mut self, place: usize, wrapper: Wrapper) -> Result<(), PatchError> {
        let name = wrapper.function;
        match self.wraps.insert(place, wrapper) {
            None => Ok(()),
            Some(_) => Err(PatchError::Overlap(name)),
        }
    }

    /// The sections of code and of functions.
    fn sections(&self) -> Result<(CodeSection, FunctionSection), PatchError> {
        let (mut code, mut functions) = (CodeSection::new(), FunctionSection::new());
        for kind in &self.survey.types {
            functions.function(*kind);
        }
        let mut added = Vec::new();
        for place in 0..self.survey.bodies.len() {
            match self.wraps.get(&place) {
                None => code.raw(&self.edited(place)),
                Some(wrapper) => {
                    let original = self.survey.count() as usize + self.added.len() + added.len();
                    added.push(place);
                    code.raw(&self.encoded(wrapper, Some(original as u32))?)
                }
            };
        }
        for new in &self.added {
            code.raw(&self.encoded(&new.wrapper, None)?);
            functions.function(new.kind);
        }
        for place in added {
            code.raw(&self.edited(place));
            functions.function(self.survey.types.get(place).copied().unwrap_or_default());
        }
        Ok((code, functions))
    }

    /// A body with its edits.
    fn edited(&self, place: usize) -> std::borrow::Cow<'a, [u8]> {
        let range = self.survey.bodies.get(place).map(FunctionBody::range).unwrap_or_default();
        let Some(edits) = self.edits.get(&place) else {
            return self.module.get(range).unwrap_or_default().into();
        };
        let (mut body, mut from) = (Vec::new(), range.start);
        for (replaced, new) in edits {
            body.extend_from_slice(self.module.get(from..replaced.start).unwrap_or_default());
            body.extend_from_slice(new);
            from = replaced.end;
        }
        body.extend_from_slice(self.module.get(from..range.end).unwrap_or_default());
        body.into()
    }

    /// The new body of a function whose original one, if it has one, has moved to the index `original`.
    fn encoded(&self, wrapper: &Wrapper, original: Option<u32>) -> Result<Vec<u8>, PatchError> {
        let mut bytes = Vec::new();
        wrapper.locals.len().encode(&mut bytes);
        for local in wrapper.locals {
            1_u32.encode(&mut bytes);
            local.encode(&mut bytes);
        }
        bytes.extend(op::encode(&wrapper.body, |function| match function {
            Some(function) => self.function(function),
            None => original.ok_or(PatchError::BadEntry(wrapper.function, NO_ORIGINAL)),
        })?);
        wasm_encoder::Instruction::End.encode(&mut bytes);
        Ok(bytes)
    }
}

/// Where the instructions of `pattern` are in a body. Numbers may be written with more bytes than they need, as linkers
/// do, so it is instructions that are compared.
fn find(body: &FunctionBody<'_>, pattern: &[u8]) -> Result<Vec<Range<usize>>, PatchError> {
    let mut wanted = Vec::new();
    let mut reader = OperatorsReader::new(BinaryReader::new(pattern, 0));
    while !reader.eof() {
        wanted.push(reader.read()?);
    }
    let mut reader = body.get_operators_reader()?;
    let mut operators: Vec<(usize, Operator<'_>)> = Vec::new();
    while !reader.eof() {
        operators.push((reader.original_position(), reader.read()?));
    }
    let end = reader.original_position();
    let starts = (0..operators.len()).filter(|at| {
        let here = operators.get(*at..at.saturating_add(wanted.len())).unwrap_or_default();
        !wanted.is_empty() && here.len() == wanted.len() && here.iter().map(|(_, operator)| operator).eq(&wanted)
    });
    let offset = |at: usize| operators.get(at).map_or(end, |(offset, _)| *offset);
    Ok(starts.map(|at| offset(at)..offset(at.saturating_add(wanted.len()))).collect())
}

/// Whether these are the types that are wanted.
fn same(found: &[wasmparser::ValType], wanted: &[ValType]) -> bool {
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| is(*found, *wanted))
}

/// Whether two libraries mean the same type; patches need numbers only.
fn is(found: wasmparser::ValType, wanted: ValType) -> bool {
    use wasmparser::ValType as Found;
    matches!(
        (found, wanted),
        (Found::I32, ValType::I32)
            | (Found::I64, ValType::I64)
            | (Found::F32, ValType::F32)
            | (Found::F64, ValType::F64)
            | (Found::V128, ValType::V128)
    )
}
