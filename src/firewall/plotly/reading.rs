//! What the tests hold texts against: plotly's own readers of texts, as far as they find something that acts. Written
//! after their regular expressions and not after what the firewall takes for a tag: the reader of versions 1.50 to 4,
//! and that of older ones, which decodes characters first.

/// Everything in this text that would load, run or lead somewhere it should not, by any of the readers.
pub fn complaints(text: &str) -> Vec<String> {
    let text: String = text.chars().map(|one| if matches!(one, '\r' | '\n') { ' ' } else { one }).collect();
    let mut found = Vec::new();
    for piece in pieces(&text) {
        let Some((name, extra)) = tag(piece) else { continue };
        for (key, value) in
            ["style", "href", "target", "popup"].iter().filter_map(|key| Some((*key, quoted(extra, key)?)))
        {
            complain(&name, key, &entities(&value), &mut found);
        }
    }
    let mut decoded = text.clone();
    for _ in 0..4 {
        decoded = entities(&decoded);
    }
    for piece in pieces(&decoded) {
        let Some((name, extra)) = tag(piece) else { continue };
        if let Some(style) = quoted(extra, "style").filter(|_| extra.to_ascii_lowercase().starts_with("style")) {
            complain(&name, "style", &style, &mut found);
        }
        if name == "a" && extra.to_ascii_lowercase().starts_with("href") {
            let href = extra.get(4..).unwrap_or_default().replace(['"', '\''], "").replacen('=', "", 1);
            // The first reader takes what follows an address for a part of it.
            let href = href.split(" target").next().unwrap_or_default().split(" style").next().unwrap_or_default();
            complain(&name, "href", href, &mut found);
        }
    }
    found
}

fn complain(name: &str, key: &str, value: &str, found: &mut Vec<String>) {
    let lower = value.to_ascii_lowercase();
    let wrong = match key {
        "style" => {
            ["url(", "image(", "-set(", "-fade(", "src(", "expression(", "@", "\\", "&", "behavior:", "position:", "/*"]
                .iter()
                .any(|sign| lower.contains(sign))
        }
        "href" => [lower.clone(), unescaped(&lower)].iter().any(|url| {
            let url: String = url.chars().filter(|one| *one > ' ').collect();
            let scheme = url.split(['/', '?', '#']).next().unwrap_or_default().split_once(':');
            scheme.is_some_and(|(scheme, _)| !matches!(scheme, "http" | "https" | "mailto"))
        }),
        "target" => false,
        _ => true,
    };
    if wrong && ["a", "b", "i", "u", "s", "em", "sub", "sup", "span"].contains(&name) {
        found.push(format!("{key}={value:?} on <{name}>"));
    }
}

/// `text.split(/(<[^<>]*>)/)`, the odd ones.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = text.get(start + 1..)?;
        let end = rest.find(['<', '>'])?;
        (rest.as_bytes().get(end) == Some(&b'>')).then(|| &rest[..end])
    })
}

/// `/<(\/?)([^ >]*)(\s+(.*))?>/i`
fn tag(piece: &str) -> Option<(String, &str)> {
    if piece.starts_with('/') {
        return None;
    }
    let (name, extra) = piece.split_once(' ').unwrap_or((piece, ""));
    Some((name.to_lowercase(), extra.trim_start()))
}

/// `/(^|[\s"'])KEY\s*=\s*("([^"]*)"|'([^']*)')/i`
fn quoted(extra: &str, key: &str) -> Option<String> {
    let lower = extra.to_ascii_lowercase();
    lower.match_indices(key).find_map(|(place, _)| {
        let before = lower[..place].chars().next_back();
        if before.is_some_and(|one| !(one.is_whitespace() || one == '"' || one == '\'')) {
            return None;
        }
        let rest = extra.get(place + key.len()..)?.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|one| matches!(one, '"' | '\''))?;
        Some(rest.get(1..)?.split_once(quote)?.0.to_owned())
    })
}

/// `/&(#\d+|#x[\da-fA-F]+|[a-z]+);/g`
fn entities(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let character = part.split_once(';').and_then(|(name, rest)| {
            let character = match name {
                "mu" => 'μ',
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "nbsp" => '\u{a0}',
                "times" => '×',
                "plusmn" => '±',
                "deg" => '°',
                name => {
                    let number = name.strip_prefix('#')?;
                    let digits = number.strip_prefix('x');
                    char::from_u32(
                        u32::from_str_radix(digits.unwrap_or(number), if digits.is_some() { 16 } else { 10 }).ok()?,
                    )?
                }
            };
            Some((character, rest))
        });
        match character {
            Some((character, rest)) => {
                out.push(character);
                out.push_str(rest);
            }
            None => {
                out.push('&');
                out.push_str(part);
            }
        }
    }
    out
}

/// `decodeURI`
fn unescaped(url: &str) -> String {
    let mut out = String::new();
    let mut rest = url;
    while let Some(place) = rest.find('%') {
        out.push_str(&rest[..place]);
        match rest.get(place + 1..place + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[place + 3..];
            }
            None => {
                out.push('%');
                rest = &rest[place + 1..];
            }
        }
    }
    out + rest
}
