//! What the kernel says about the language that it runs.

use serde_json::Value;

use crate::jupyter::wire::contents::kernel_info::{HelpLink, KernelInfoReply, LanguageInfo};

/// A language, for `kernel_info_reply`. The kernel passes it on and reads none of it.
#[derive(Debug, Clone)]
pub struct Language {
    pub name: String,
    pub version: String,
    pub mimetype: String,
    pub file_extension: String,
    pub pygments_lexer: String,
    /// A mode's name or its description.
    pub codemirror_mode: Value,
    pub nbconvert_exporter: String,
    /// What consoles show at the start.
    pub banner: String,
    /// Text and address of the help menu's entries.
    pub help_links: Vec<(String, String)>,
}

impl Language {
    pub(super) fn kernel_info(&self) -> KernelInfoReply<'_> {
        let info = LanguageInfo {
            name: &self.name,
            version: &self.version,
            mimetype: &self.mimetype,
            file_extension: &self.file_extension,
            pygments_lexer: &self.pygments_lexer,
            codemirror_mode: &self.codemirror_mode,
            nbconvert_exporter: &self.nbconvert_exporter,
        };
        let links = self.help_links.iter().map(|(text, url)| HelpLink { text, url }).collect();
        KernelInfoReply::new(info, &self.banner, links)
    }
}
