//! What was taken out of a cell's outputs: counted by kind, and said once in plain words with the policy
//! key that would allow it. It never keeps what was removed.

/// What can be taken out of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A `<script>`, `application/javascript`, or a MIME type that is run.
    Script,
    /// An attribute such as `onclick`.
    Handler,
    /// A URL that is code, or that hides a document: `javascript:`, `vbscript:`, `data:text/html`.
    CodeUrl,
    /// `<iframe>`, `<object>`, `<embed>`.
    Frame,
    /// `<form>`, text inputs, buttons.
    Form,
    /// `<base>`, `<meta>`, `<link>`.
    PageSetting,
    /// CSS that runs code, or reaches beyond the output.
    Style,
    /// A LaTeX macro that makes a link, loads something or sets attributes.
    Macro,
    /// Markdown that readers may read in different ways, shown as its source.
    RawHtml,
    /// `application/pdf`, which may carry code.
    Document,
    /// A part of a plot's description that fetches, or runs as code.
    PlotCode,
    /// A widget from outside ipywidgets, or a part of a widget that carries code.
    Widget,
    /// A message to a front-end's extension that is not for widgets.
    Comm,
    /// A MIME type that is not on the list.
    UnknownType,
    /// Something that loads by itself from elsewhere: images, fonts, stylesheets, data, map tiles.
    Remote,
    /// A terminal sequence other than colours and erasing within the line.
    Terminal,
    /// An output, or a part of one, that is too large, too deep or takes too long to check.
    TooLarge,
    /// Data that is not what its MIME type says.
    Malformed,
}

/// Every kind, with its name in metrics, what one and several of it are called, and the key that allows it.
pub const KINDS: [(Kind, &str, &str, &str, Option<&str>); 18] = [
    (Kind::Script, "script", "script", "scripts", Some(ACTIVE)),
    (Kind::Handler, "handler", "event handler", "event handlers", Some(ACTIVE)),
    (Kind::CodeUrl, "code_url", "link that runs code", "links that run code", Some(ACTIVE)),
    (Kind::Frame, "frame", "embedded page", "embedded pages", Some(ACTIVE)),
    (Kind::Form, "form", "form element", "form elements", Some(ACTIVE)),
    (Kind::PageSetting, "page_setting", "setting of the whole page", "settings of the whole page", Some(ACTIVE)),
    (
        Kind::Style,
        "style",
        "style that reaches beyond its output",
        "styles that reach beyond their output",
        Some(ACTIVE),
    ),
    (Kind::Macro, "macro", "unsafe LaTeX macro", "unsafe LaTeX macros", Some(ACTIVE)),
    (
        Kind::RawHtml,
        "raw_html",
        "Markdown text of doubtful meaning",
        "Markdown texts of doubtful meaning",
        Some(ACTIVE),
    ),
    (Kind::Document, "document", "PDF document", "PDF documents", Some(ACTIVE)),
    (Kind::PlotCode, "plot_code", "part of a plot that carries code", "parts of plots that carry code", Some(ACTIVE)),
    (Kind::Widget, "widget", "widget part that can carry code", "widget parts that can carry code", Some(ACTIVE)),
    (Kind::Comm, "comm", "channel to a front-end extension", "channels to front-end extensions", Some(TARGETS)),
    (Kind::UnknownType, "unknown_type", "output of an unknown type", "outputs of unknown types", Some(ACTIVE)),
    (Kind::Remote, "remote", "remote resource", "remote resources", Some("output.remote_resources")),
    (Kind::Terminal, "terminal", "terminal control sequence", "terminal control sequences", Some("output.terminal")),
    (
        Kind::TooLarge,
        "too_large",
        "output that is too large or too deep",
        "outputs that are too large or too deep",
        None,
    ),
    (
        Kind::Malformed,
        "malformed",
        "output that is not what its type says",
        "outputs that are not what their types say",
        None,
    ),
];

const ACTIVE: &str = "output.active_content";
/// A list of those that are allowed; the other keys say yes or no.
const TARGETS: &str = "output.comm_targets";

/// What was removed from the outputs of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removals {
    counts: [u32; KINDS.len()],
}

impl Removals {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one more of a kind.
    pub fn add(&mut self, kind: Kind) {
        self.add_many(kind, 1);
    }

    /// Counts several more of a kind.
    pub fn add_many(&mut self, kind: Kind, number: u32) {
        if let Some(count) = self.counts.get_mut(kind as usize) {
            *count = count.saturating_add(number);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
    }

    /// Whether nothing was removed.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// How often something of this kind was removed.
    pub fn count(&self, kind: Kind) -> u32 {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// The kinds of which something was removed, by their names in metrics, with how often.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u32)> {
        KINDS.iter().zip(self.counts).filter(|(_, count)| *count > 0).map(|((_, name, ..), count)| (*name, count))
    }

    /// What was removed, in one sentence for each policy key that would allow it; nothing if nothing was.
    pub fn sentence(&self) -> Option<String> {
        let mut keys: Vec<Option<&str>> = Vec::new();
        for ((.., key), count) in KINDS.iter().zip(self.counts) {
            if count > 0 && !keys.contains(key) {
                keys.push(*key);
            }
        }
        let sentences: Vec<String> = keys.into_iter().map(|key| self.sentence_for(key)).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }

    fn sentence_for(&self, wanted: Option<&str>) -> String {
        let parts: Vec<String> = KINDS
            .iter()
            .zip(self.counts)
            .filter(|((.., key), count)| *key == wanted && *count > 0)
            .map(|((_, _, one, several, _), count)| match count {
                1 => format!("1 {one}"),
                _ => format!("{count} {several}"),
            })
            .collect();
        let listed = match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => parts.concat(),
        };
        match wanted {
            Some(TARGETS) => format!(
                "Removed {listed} from this cell's outputs (`{TARGETS}` in the policy names those that are allowed)."
            ),
            Some(key) => {
                format!("Removed {listed} from this cell's outputs (`{key} = true` in the policy would allow it).")
            }
            None => format!("Removed {listed} from this cell's outputs."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_entry() {
        for (place, (kind, ..)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, place);
        }
    }

    #[test]
    fn nothing_removed_is_nothing_said() {
        assert_eq!(Removals::new().sentence(), None);
    }

    #[test]
    fn each_key_is_named_once() {
        let mut removed = Removals::new();
        removed.add(Kind::Script);
        removed.add_many(Kind::Handler, 2);
        removed.add(Kind::Remote);
        removed.add(Kind::Malformed);
        assert_eq!(
            removed.sentence().as_deref(),
            Some(
                "Removed 1 script and 2 event handlers from this cell's outputs (`output.active_content = true` \
                 in the policy would allow it). Removed 1 remote resource from this cell's outputs \
                 (`output.remote_resources = true` in the policy would allow it). Removed 1 output that is not \
                 what its type says from this cell's outputs."
            )
        );
        assert_eq!(
            removed.counts().collect::<Vec<_>>(),
            [("script", 1), ("handler", 2), ("remote", 1), ("malformed", 1)]
        );
    }
}
