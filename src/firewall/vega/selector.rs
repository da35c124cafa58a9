//! Which events a chart listens to, as one text: `[pointerdown, window:pointerup] > window:pointermove!{100}`. It
//! listens to itself and its marks; of the page's window only to how the pointer moves there.

use super::names::is_name;

/// The kinds of marks that may stand before an event.
const MARKS: [&str; 13] =
    ["*", "arc", "area", "group", "image", "line", "path", "rect", "rule", "shape", "symbol", "text", "trail"];

/// What is listened to beyond the chart.
const OF_WINDOW: [&str; 9] = [
    "mousemove",
    "mouseup",
    "pointercancel",
    "pointermove",
    "pointerup",
    "resize",
    "touchcancel",
    "touchend",
    "touchmove",
];

/// The deepest nesting of one stream within another, and the longest text.
const MAX_DEPTH: usize = 8;
const MAX_LENGTH: usize = 10_000;

/// Whether a source of events may be listened to for events of a type.
pub fn is_source(source: &str, kind: &str) -> bool {
    match source {
        "view" | "scope" => is_type(kind),
        "window" => OF_WINDOW.contains(&kind),
        "container" => kind == "resize",
        "timer" => true,
        _ => false,
    }
}

/// The filters of a selector, which are expressions; nothing if it names what may not be listened to.
pub fn filters(selector: &str) -> Option<Vec<&str>> {
    let mut filters = Vec::new();
    (selector.len() <= MAX_LENGTH && merged(selector, &mut filters, 0)).then_some(filters)
}

/// Streams with commas between them.
fn merged<'s>(selector: &'s str, filters: &mut Vec<&'s str>, depth: usize) -> bool {
    depth <= MAX_DEPTH
        && split(selector).is_some_and(|parts| parts.into_iter().all(|part| stream(part, filters, depth)))
}

/// Parts between commas that are in no brackets; nothing if the brackets do not fit.
fn split(selector: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_usize);
    for (place, byte) in selector.bytes().enumerate() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.checked_sub(1)?,
            b',' if open == 0 => {
                parts.push(selector.get(start..place)?);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(selector.get(start..)?);
    (open == 0).then_some(parts)
}

fn stream<'s>(selector: &'s str, filters: &mut Vec<&'s str>, depth: usize) -> bool {
    let selector = selector.trim();
    let Some(rest) = selector.strip_prefix('[') else { return events(selector, filters) };
    // `[from, to] > what`
    let mut open = 1_usize;
    let end = rest.bytes().position(|byte| {
        match byte {
            b'[' => open += 1,
            b']' => open -= 1,
            _ => {}
        }
        open == 0
    });
    let Some((between, rest)) = end.and_then(|end| rest.split_at_checked(end)) else { return false };
    let Some(what) = rest.get(1..).and_then(|rest| rest.trim().strip_prefix('>')) else { return false };
    split(between).is_some_and(|parts| parts.len() == 2)
        && merged(between, filters, depth + 1)
        && depth <= MAX_DEPTH
        && stream(what, filters, depth + 1)
}

/// `source:type[filter][filter]!{throttle,debounce}`
fn events<'s>(selector: &'s str, filters: &mut Vec<&'s str>) -> bool {
    let mut selector = selector;
    if let Some((rest, pace)) = selector.strip_suffix('}').and_then(|selector| selector.rsplit_once('{')) {
        if !pace.bytes().all(|byte| byte.is_ascii_digit() || b" ,.".contains(&byte)) {
            return false;
        }
        selector = rest.trim();
    }
    let (named, tests) = selector.find('[').map_or((selector, ""), |place| selector.split_at(place));
    if !tests.is_empty() {
        // Within a filter a bracket, or a colon before it, would be read otherwise by the viewer.
        for test in tests.split_inclusive(']') {
            let Some(test) = test.strip_prefix('[').and_then(|test| test.strip_suffix(']')) else { return false };
            if test.contains(['[', '{', '}']) {
                return false;
            }
            filters.push(test);
        }
    }
    let named = named.trim();
    let named = named.strip_suffix('!').unwrap_or(named).trim();
    match named.split_once(':') {
        None => is_type(named),
        Some((source, kind)) => match (source.trim(), kind.trim()) {
            (source, kind) if source.starts_with('@') => {
                source.strip_prefix('@').is_some_and(is_name) && !source.contains(':') && is_type(kind)
            }
            (source, kind) if MARKS.contains(&source) => is_type(kind),
            (source, kind) => is_source(source, kind),
        },
    }
}

fn is_type(kind: &str) -> bool {
    !kind.is_empty() && kind.len() <= 32 && kind.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_listens_to_itself() {
        for (selector, found) in [
            ("click", vec![]),
            ("pointerover, touchstart{100, 200}", vec![]),
            ("@cell:click[event.shiftKey]", vec!["event.shiftKey"]),
            ("symbol:mousedown!", vec![]),
            ("[pointerdown, window:pointerup] > window:pointermove!", vec![]),
            (
                "[mousedown[!event.altKey][event.shiftKey], mouseup] > [view:mousemove, dblclick] > mousemove{20}",
                vec!["!event.altKey", "event.shiftKey"],
            ),
            ("window:resize", vec![]),
            ("timer{1000}", vec![]),
            ("wheel[!event.shiftKey]{10}", vec!["!event.shiftKey"]),
        ] {
            assert_eq!(filters(selector), Some(found), "{selector}");
        }
    }

    #[test]
    fn nothing_else_of_the_page_is_listened_to() {
        for selector in [
            "window:keydown",
            "window:click!",
            "body:click",
            "#jp-main:click",
            ".jp-Button:click",
            "a[href]:click",
            "[click] > x",
            "[a,b,c] > click",
            "click]",
            "@a'||event.view.eval('1')||':click",
            "a:b:click",
            "click[a[0]]",
            "click[{a:1}]",
            "",
        ] {
            assert_eq!(filters(selector), None, "{selector}");
        }
    }
}
