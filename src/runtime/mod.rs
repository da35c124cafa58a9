//! The language runtimes: what they are made of, how they are set up, how a prepared one is opened.

pub mod rewrite;
pub mod turn;
pub mod warm;
