//! Advice: what a cell's fuel went into, and what to do about an error that the sandbox caused.
//!
//! A leaf: it is given plain facts and gives back values that can be shown or sent. It does not know how
//! cells run, nor what Jupyter is. Whatever the guest said (`ErrorFacts::facts`, names of modules, lines of
//! source) is hostile: everything is cut, cleaned and escaped before it is part of an answer.
//!
//! `catalogue` is the data: error types, what they match and what they say. `engine` goes through it.

mod bundle;
mod case;
mod catalogue;
mod engine;
mod facts;
mod fuel;
mod html;
mod kinds;
mod nearest;
mod packages;
mod paths;
mod reference;
mod source;
mod template;
mod text;

pub use catalogue::{Entry, entries};
pub use engine::{CodeExample, Guidance, guide};
pub use facts::{Ended, ErrorFacts, Fate, Limits, Mount};
pub use fuel::{FuelAnalysis, FuelFacts, FuelStatus, HotLine, Import, analyse};
pub use kinds::ErrorType;
pub use reference::{errors_page, fuel_page};
