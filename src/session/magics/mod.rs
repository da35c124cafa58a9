//! `%session`: what a notebook may ask of its own session.

pub mod command;
pub(super) mod lone_line;
pub(super) mod text;
