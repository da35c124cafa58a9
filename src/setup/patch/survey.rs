//! What patching has to know of a module: where things are in its bytes.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use wasmparser::{DataKind, FunctionBody, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

use super::PatchError;

/// The sections, functions and data of a module, with names for those functions that are asked for.
pub(super) struct Survey<'a> {
    /// The sections in the module's order: the number of their kind, and where their contents are.
    pub sections: Vec<(u8, Range<usize>)>,
    /// How many functions are imported; their indices come first.
    pub imported: u32,
    /// The type of each defined function.
    pub types: Vec<u32>,
    /// The body of each defined function.
    pub bodies: Vec<FunctionBody<'a>>,
    signatures: Vec<Option<wasmparser::FuncType>>,
    named: HashMap<String, Vec<u32>>,
    /// The same, by what is before the types of the parameters in a name of C++.
    overloaded: HashMap<String, Vec<u32>>,
    /// The active segments of memory 0: address, and where the bytes are in the module.
    segments: Vec<(u64, Range<usize>)>,
}

impl<'a> Survey<'a> {
    /// Reads a module, remembering the indices of the functions in `names`.
    pub fn of(module: &'a [u8], names: &BTreeSet<&'static str>) -> Result<Self, PatchError> {
        let mut survey = Self {
            sections: Vec::new(),
            imported: 0,
            types: Vec::new(),
            bodies: Vec::new(),
            signatures: Vec::new(),
            named: HashMap::new(),
            overloaded: HashMap::new(),
            segments: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            survey.sections.extend(payload.as_section());
            survey.read(payload, names)?;
        }
        Ok(survey)
    }

    fn read(&mut self, payload: Payload<'a>, names: &BTreeSet<&'static str>) -> Result<(), PatchError> {
        match payload {
            Payload::TypeSection(groups) => {
                for group in groups {
                    for kind in group?.into_types() {
                        self.signatures.push(match kind.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(function) => Some(function),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        self.imported = self.imported.saturating_add(1);
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for function in functions {
                    self.types.push(function?);
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    let DataKind::Active { memory_index: 0, offset_expr } = &segment.kind else { continue };
                    if let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? {
                        let end = segment.range.end;
                        let bytes = end.saturating_sub(segment.data.len())..end;
                        self.segments.push((u64::from(value.cast_unsigned()), bytes));
                    }
                }
            }
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(subsections) = custom.as_known() {
                    for subsection in subsections {
                        let Name::Function(functions) = subsection? else { continue };
                        for naming in functions {
                            let naming = naming?;
                            if names.contains(naming.name) {
                                self.named.entry(naming.name.to_owned()).or_default().push(naming.index);
                            } else if let Some((name, _)) = naming.name.split_once('(')
                                && names.contains(name)
                            {
                                self.overloaded.entry(name.to_owned()).or_default().push(naming.index);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The index of the one function of that name.
    pub fn function(&self, name: &'static str) -> Result<u32, PatchError> {
        match self.named.get(name).map(Vec::as_slice) {
            // Nobody has checked that the name section names functions that are there.
            Some([index]) if (*index as usize) < (self.imported as usize).saturating_add(self.bodies.len()) => {
                Ok(*index)
            }
            None | Some([] | [_]) => Err(PatchError::NoSuchFunction(name)),
            Some(_) => Err(PatchError::AmbiguousFunction(name)),
        }
    }

    /// How many functions there are.
    pub fn count(&self) -> u32 {
        self.imported.saturating_add(u32::try_from(self.bodies.len()).unwrap_or(u32::MAX))
    }

    /// The number of a type of function.
    pub fn kind(&self, is_it: impl Fn(&wasmparser::FuncType) -> bool) -> Option<u32> {
        let place = self.signatures.iter().position(|found| found.as_ref().is_some_and(&is_it))?;
        u32::try_from(place).ok()
    }

    /// The indices of all functions of that name, whatever their parameters.
    pub fn family(&self, name: &'static str) -> Vec<u32> {
        let all = [self.named.get(name), self.overloaded.get(name)];
        all.into_iter().flatten().flatten().copied().collect()
    }

    /// The place of a function among the defined ones.
    pub fn defined(&self, name: &'static str) -> Result<usize, PatchError> {
        self.place(self.function(name)?, name)
    }

    /// The place of the function with that index, which has that name.
    pub fn place(&self, index: u32, name: &'static str) -> Result<usize, PatchError> {
        index.checked_sub(self.imported).map(|place| place as usize).ok_or(PatchError::Imported(name))
    }

    /// The parameters and results of a defined function.
    pub fn signature(&self, place: usize) -> Option<&wasmparser::FuncType> {
        self.signatures.get(*self.types.get(place)? as usize)?.as_ref()
    }

    /// Where `length` bytes of the initial memory are in the module, if one segment holds them all.
    pub fn memory(&self, address: u32, length: usize) -> Option<Range<usize>> {
        self.segments.iter().find_map(|(start, bytes)| {
            let skipped = usize::try_from(u64::from(address).checked_sub(*start)?).ok()?;
            let begin = bytes.start.checked_add(skipped)?;
            let end = begin.checked_add(length)?;
            (end <= bytes.end).then_some(begin..end)
        })
    }
}
