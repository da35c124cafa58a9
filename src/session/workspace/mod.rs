//! The files of a session.

pub mod manifest;
