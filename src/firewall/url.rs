//! What a URL would do where it stands. Browsers ignore some characters in URLs and take backslashes for
//! slashes; so does this.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Judges a URL by the place where it stands.
pub fn judge(url: &str, place: Place) -> Verdict {
    let url = stripped(url);
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

/// As a browser's URL parser sees it: without control characters and spaces around it, and without tabs and
/// line ends in it.
fn stripped(url: &str) -> Cow<'_, str> {
    let trimmed = url.trim_matches(|character: char| character <= ' ');
    match trimmed.contains(['\t', '\n', '\r']) {
        true => Cow::Owned(trimmed.replace(['\t', '\n', '\r'], "")),
        false => Cow::Borrowed(trimmed),
    }
}

fn scheme(url: &str) -> Option<String> {
    let end = url.bytes().take(MAX_HEAD).position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)));
    let (name, rest) = url.split_at(end.unwrap_or(url.len().min(MAX_HEAD)));
    (rest.starts_with(':') && name.starts_with(|first: char| first.is_ascii_alphabetic()))
        .then(|| name.to_ascii_lowercase())
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
    fn only_fragments_are_within_the_document() {
        assert_eq!(judge("#mark", Place::Fragment), Verdict::Fine);
        assert_eq!(judge("x.svg#mark", Place::Fragment), Verdict::Remote);
        assert_eq!(judge("data:image/svg+xml,<svg id='x'/>#x", Place::Fragment), Verdict::Code);
    }
}
