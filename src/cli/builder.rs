//! The one place where commands get the sandbox's side of a set-up from.

use super::session::plain;
use crate::runtime::{Builder, SandboxBuilder};

/// The builder that compiles and warms up with this build's sandbox.
pub(super) fn builder() -> anyhow::Result<Box<dyn Builder>> {
    Ok(Box::new(SandboxBuilder::new().map_err(plain)?))
}
