//! What the selectors of a stylesheet are put under.

/// Where the scope's class stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// On a box around the output.
    Around,
    /// On the output's own root element, an `<svg>`.
    Svg,
}

/// The class under which selectors are put.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub class: &'a str,
    pub root: Root,
}
