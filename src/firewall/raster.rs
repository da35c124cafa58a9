//! Pictures in base64: only what is one, by its first bytes, and nothing that could break out of the attribute or
//! the URL that it is put into.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest picture, in bytes of base64.
const MAX_PICTURE: usize = 96 << 20;

/// Whether this is base64 of a picture of the type that it is said to be.
pub fn is_picture(kind: &str, text: &str) -> bool {
    let text = text.trim_end();
    if text.len() > MAX_PICTURE || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\n\r".contains(&byte))
    {
        return false;
    }
    // Sixteen bytes are enough to tell.
    let start: String = text.chars().take(64).filter(|character| !character.is_ascii_whitespace()).take(24).collect();
    let whole = start.len() / 4 * 4;
    let Some(Ok(bytes)) = start.get(..whole).map(|quads| STANDARD.decode(quads)) else { return false };
    match kind {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        "image/bmp" => bytes.starts_with(b"BM"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_first_bytes() {
        let png = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on");
        assert!(is_picture("image/png", &png));
        assert!(is_picture("image/png", &format!("{png}\n")));
        assert!(is_picture("image/png", "iVBORw0KGgo="));
        assert!(!is_picture("image/jpeg", &png));
        assert!(!is_picture("image/png", "iVBORw0KGgo\" onerror=alert(1) x=\""));
        assert!(!is_picture("image/png", &STANDARD.encode(b"<svg onload=alert(1)>")));
        assert!(!is_picture("image/svg+xml", &STANDARD.encode(b"<svg>")));
        assert!(is_picture("image/gif", &STANDARD.encode(b"GIF89a\x01\x00\x01\x00\x00\x00")));
        assert!(is_picture("image/webp", &STANDARD.encode(b"RIFF\0\0\0\0WEBPVP8 ")));
        assert!(!is_picture("image/png", ""));
    }
}
