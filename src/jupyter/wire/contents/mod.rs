//! The contents of messages, one file for each family. Those that come in have a default for whatever
//! may be missing; those that go out are written as the messaging protocol names them. None of them
//! knows who sends or serves it.

pub mod comm;
pub mod complete;
pub mod connect;
pub mod execute;
pub mod history;
pub mod input;
pub mod inspect;
pub mod is_complete;
pub mod kernel_info;
pub mod output;
pub mod shutdown;
pub mod status;
mod tolerant;
pub mod usage;
pub mod welcome;
