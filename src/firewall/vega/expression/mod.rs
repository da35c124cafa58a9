//! Vega's expressions: a part of JavaScript's, which the viewer makes a function of. They are read here as the viewer
//! reads them, and every name in them must be known.

mod check;
mod functions;
mod lexer;
mod parser;

pub use check::{Datum, Notes, Outcome, Setting, check, is_of_marks};
pub use parser::{Node, parse};

#[cfg(test)]
mod tests;
