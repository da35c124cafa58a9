//! What the kernel says about the language that it runs.

use crate::jupyter::wire::contents::kernel_info::{CodemirrorMode, HelpLink, KernelInfoReply, LanguageInfo};
use crate::language::Language;

/// The reply to `kernel_info_request`. The kernel passes on what is said of the language, and reads none of it.
pub(super) fn kernel_info(language: &Language) -> KernelInfoReply<'_> {
    let said = &language.kernel_info;
    let info = LanguageInfo {
        name: said.name,
        version: said.version,
        mimetype: said.mimetype,
        file_extension: said.file_extension,
        pygments_lexer: said.pygments_lexer,
        codemirror_mode: CodemirrorMode { name: said.codemirror_mode.name, version: said.codemirror_mode.version },
        nbconvert_exporter: said.nbconvert_exporter,
    };
    let links = said.help_links.iter().map(|(text, url)| HelpLink { text, url }).collect();
    KernelInfoReply::new(info, said.banner, links)
}
