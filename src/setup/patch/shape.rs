//! What one of many functions of the same name looks like.

use wasmparser::{FunctionBody, Operator};

use super::PatchError;
use super::survey::Survey;
use crate::language::patch::Shape;

/// The body of one function of a module that was surveyed.
pub(super) struct SurveyedShape<'a> {
    survey: &'a Survey<'a>,
    params: u32,
    operators: Vec<Operator<'a>>,
}

impl<'a> SurveyedShape<'a> {
    pub(super) fn of(survey: &'a Survey<'a>, place: usize, body: &FunctionBody<'a>) -> Result<Self, PatchError> {
        let params = survey.signature(place).map_or(0, |signature| signature.params().len());
        let operators = body.get_operators_reader()?.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { survey, params: u32::try_from(params).unwrap_or(u32::MAX), operators })
    }
}

impl Shape for SurveyedShape<'_> {
    fn params(&self) -> u32 {
        self.params
    }

    fn before_call(&self, name: &'static str, before: usize) -> Option<&Operator<'_>> {
        let called = self.survey.family(name);
        let is_call = |operator: &Operator<'_>| matches!(operator, Operator::Call { function_index } if called.contains(function_index));
        let call = self.operators.iter().position(is_call)?;
        self.operators.get(call.checked_sub(before)?)
    }
}
