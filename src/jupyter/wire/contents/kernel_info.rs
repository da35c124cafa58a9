//! `kernel_info_reply`.

use serde::Serialize;

use crate::jupyter::wire::PROTOCOL_VERSION;

/// What the kernel says about itself.
#[derive(Debug, Serialize)]
pub struct KernelInfoReply<'a> {
    status: &'static str,
    protocol_version: &'static str,
    implementation: &'static str,
    implementation_version: &'static str,
    language_info: LanguageInfo<'a>,
    banner: &'a str,
    debugger: bool,
    /// Only what works; nothing optional does yet.
    supported_features: [&'static str; 0],
    help_links: Vec<HelpLink<'a>>,
}

/// The language that the kernel runs.
#[derive(Debug, Serialize)]
pub struct LanguageInfo<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub mimetype: &'a str,
    pub file_extension: &'a str,
    pub pygments_lexer: &'a str,
    pub codemirror_mode: CodemirrorMode<'a>,
    pub nbconvert_exporter: &'a str,
}

/// A mode of CodeMirror's.
#[derive(Debug, Serialize)]
pub struct CodemirrorMode<'a> {
    pub name: &'a str,
    /// For modes that know several versions of a language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// An entry of the frontend's help menu.
#[derive(Debug, Serialize)]
pub struct HelpLink<'a> {
    pub text: &'a str,
    pub url: &'a str,
}

impl<'a> KernelInfoReply<'a> {
    /// The reply for a language.
    pub fn new(language_info: LanguageInfo<'a>, banner: &'a str, help_links: Vec<HelpLink<'a>>) -> Self {
        Self {
            status: "ok",
            protocol_version: PROTOCOL_VERSION,
            implementation: "cellblock",
            implementation_version: env!("CARGO_PKG_VERSION"),
            language_info,
            banner,
            debugger: false,
            supported_features: [],
            help_links,
        }
    }
}
