//! What a URL would do where it stands, alike for every type of output. Schemes are those of a list: `http`, `https`
//! and `mailto` for links, `data:` with raster pictures, sound or film for what is shown. Browsers ignore some
//! characters in URLs and take backslashes for slashes; so does this.

use std::borrow::Cow;

/// Where the URL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A link: followed when the user clicks it.
    Link,
    /// An image, which loads by itself.
    Image,
    /// Sound or film, which load by themselves.
    Media,
    /// A reference within the document, as SVG's `use` and `url(#…)`.
    Fragment,
}

/// What is to be thought of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Harmless here.
    Fine,
    /// It loads something from elsewhere, by itself.
    Remote,
    /// It runs code, or names a document that could.
    Code,
}

/// Raster images: no code, no references.
const RASTER: [&str; 9] = [
    "image/png",
    "image/jpeg",
    "image/jpg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/avif",
    "image/x-icon",
    "image/apng",
];

/// The longest scheme and MIME type that is looked at.
const MAX_HEAD: usize = 128;

/// Judges a URL by the place where it stands: as a browser reads it, and as one who takes more for space around it.
pub fn judge(url: &str, place: Place) -> Verdict {
    let browsers = url.trim_matches(|character: char| character <= ' ');
    let others = browsers.trim_matches(is_space);
    let verdict = judge_trimmed(browsers, place);
    if browsers.len() == others.len() { verdict } else { verdict.max(judge_trimmed(others, place)) }
}

fn judge_trimmed(url: &str, place: Place) -> Verdict {
    let url = joined(url);
    let Some(scheme) = scheme(&url) else { return without_scheme(&url, place) };
    match (scheme.as_str(), place) {
        ("http" | "https" | "mailto", Place::Link) => Verdict::Fine,
        ("http" | "https" | "ftp" | "ws" | "wss" | "file" | "blob" | "filesystem", _) if place != Place::Link => {
            Verdict::Remote
        }
        ("data", Place::Image) if data_type(&url).is_some_and(|kind| RASTER.contains(&kind.as_str())) => Verdict::Fine,
        ("data", Place::Media) if data_type(&url).is_some_and(|kind| is_media(&kind)) => Verdict::Fine,
        _ => Verdict::Code,
    }
}

/// Whether following a link leads away from the server that shows the notebook.
pub fn leads_away(url: &str) -> bool {
    let url = joined(url.trim_matches(is_space));
    scheme(&url).is_some() || url.starts_with("//") || url.starts_with("\\\\")
}

fn without_scheme(url: &str, place: Place) -> Verdict {
    match place {
        Place::Link => Verdict::Fine,
        Place::Fragment if url.starts_with('#') => Verdict::Fine,
        // Nothing to load: the page itself, which is no image.
        Place::Image | Place::Media if url.is_empty() || url.starts_with('#') => Verdict::Fine,
        // Relative to the server that shows the notebook: asking it for something is an act as well (`/logout`).
        _ => Verdict::Remote,
    }
}

/// Without tabs and line ends, which a browser's URL parser leaves out wherever they stand, and what they kept apart
/// from the ends.
fn joined(url: &str) -> Cow<'_, str> {
    match url.contains(['\t', '\n', '\r']) {
        true => {
            let joined: String = url.chars().filter(|next| !matches!(next, '\t' | '\n' | '\r')).collect();
            Cow::Owned(joined)
        }
        false => Cow::Borrowed(url),
    }
}

/// White space, control characters, and those that are not seen.
fn is_space(character: char) -> bool {
    character <= ' '
        || character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}')
}

/// What stands before the colon, if there is one before the path. What cannot be a scheme's name is as good as an
/// unknown one: a reader that mends it may make it one.
fn scheme(url: &str) -> Option<String> {
    let end = url.find(['/', '\\', '?', '#']).unwrap_or(url.len());
    let head = url.get(..end).unwrap_or_default();
    let colon = head.find(':').or_else(|| encoded_colon(head))?;
    Some(head.get(..colon.min(MAX_HEAD)).unwrap_or("?").to_ascii_lowercase())
}

/// A colon as `%3A`, which is one to a reader that decodes before it looks.
fn encoded_colon(head: &str) -> Option<usize> {
    head.as_bytes().windows(3).position(|part| part.eq_ignore_ascii_case(b"%3a"))
}

/// The MIME type of a `data:` URL, without its parameters.
fn data_type(url: &str) -> Option<String> {
    let rest = url.get("data:".len()..)?;
    let end = rest.bytes().take(MAX_HEAD).position(|byte| byte == b',' || byte == b';')?;
    Some(rest.get(..end)?.to_ascii_lowercase())
}

fn is_media(kind: &str) -> bool {
    let Some((family, name)) = kind.split_once('/') else { return false };
    matches!(family, "audio" | "video")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_that_a_user_clicks_pass() {
        for url in [
            "http://a.b/c?d",
            "HTTPS://x",
            "mailto:a@b",
            "#part",
            "files/x.csv",
            "/files/x",
            "//host/x",
            "",
            "a:b/../c".trim_start_matches("a:"),
        ] {
            assert_eq!(judge(url, Place::Link), Verdict::Fine, "{url}");
        }
    }

    #[test]
    fn code_never_passes() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " \u{1}javascript:alert(1)",
            "java\nscript:alert(1)",
            "java\tscript\r:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "data:image/svg+xml,<svg onload=x>",
            "data:,x",
            "data:image/png",
            "blob:http://x",
            "tel:1",
            "view-source:x",
            "\u{a0}javascript:alert(1)",
            "\u{2003}\u{feff}javascript:alert(1)",
            "\u{200b}javascript:alert(1)",
            "\u{3000}\tjava\nscript:alert(1)\u{2028}",
            "\r\u{a0}\n vbscript:x",
            "javascript%3aalert(1)",
            "vscode:x",
            "vscode-insiders://x",
            "command:workbench.action.terminal.new",
            "ms-msdt:/id",
            "search-ms:query=x",
            "file:///etc/passwd",
            "intent://x#Intent;end",
            "itms-services://?action=x",
            "ssh://x",
            "never-heard-of:x",
            "no scheme: but a colon",
            "\u{e4}:x",
            ":x",
        ] {
            for place in [Place::Link, Place::Image, Place::Media, Place::Fragment] {
                assert_ne!(judge(url, place), Verdict::Fine, "{url} as {place:?}");
            }
        }
    }

    #[test]
    fn what_loads_by_itself_must_be_in_the_url() {
        assert_eq!(judge("data:image/png;base64,iVBO", Place::Image), Verdict::Fine);
        assert_eq!(judge("data:audio/wav;base64,UklG", Place::Media), Verdict::Fine);
        assert_eq!(judge("data:video/mp4;base64,AAAA", Place::Image), Verdict::Code);
        for url in
            ["http://a/b.png", "//a/b.png", "\\\\a\\b", "/\\a", "b.png", "../x", "/logout", "https:a", "ftp://a/b"]
        {
            assert_eq!(judge(url, Place::Image), Verdict::Remote, "{url}");
        }
    }

    #[test]
    fn links_of_other_sites_lead_away() {
        for url in ["http://x", "//x", "\\\\x", "mailto:a@b", " \tHTTPS:x"] {
            assert!(leads_away(url), "{url}");
        }
        for url in ["x.csv", "/x", "#x", "", "?x"] {
            assert!(!leads_away(url), "{url}");
        }
    }

    proptest! {
        #[test]
        fn what_a_browser_reads_is_of_the_list(pieces in prop::collection::vec(prop::sample::select(vec![
            "java", "script", ":", "http", "s", "data", "image/png", ",", ";", "//", "\\", " ", "\t", "\n", "\u{a0}", "\u{1}", "%3a",
            "#", "?", "a", ".", "mailto", "vscode", "file", "@", "-", "\u{feff}", "\u{e4}", "[", "1",
        ]), 0..8)) {
            let url = pieces.concat();
            let base = ::url::Url::parse("http://server/lab/tree/a.ipynb").unwrap();
            let Ok(read) = base.join(&url) else { return Ok(()) };
            if judge(&url, Place::Link) == Verdict::Fine {
                prop_assert!(["http", "https", "mailto"].contains(&read.scheme()), "{url:?} is {read}");
            }
            if judge(&url, Place::Image) == Verdict::Fine {
                let nothing = read.as_str().split('#').next() == Some(base.as_str());
                prop_assert!(read.scheme() == "data" || nothing, "{url:?} is {read}");
            }
        }
    }

    #[test]
    fn only_fragments_are_within_the_document() {
        assert_eq!(judge("#mark", Place::Fragment), Verdict::Fine);
        assert_eq!(judge("x.svg#mark", Place::Fragment), Verdict::Remote);
        assert_eq!(judge("data:image/svg+xml,<svg id='x'/>#x", Place::Fragment), Verdict::Code);
    }
}
