//! HTML for advice: no script, no style sheet, colours of the page's own theme (JupyterLab's variables, else what
//! text is like there), and everything escaped.

use std::fmt::Write as _;

/// One folding box: a headline, and what is shown when it is open.
#[derive(Debug)]
pub struct Panel {
    html: String,
}

impl Panel {
    /// An empty one. `colour` is a variable of JupyterLab's and what to use where there is none.
    pub fn new(colour: (&str, &str), open: bool, headline: &str) -> Self {
        let (variable, otherwise) = colour;
        let open = if open { " open" } else { "" };
        let headline = inline(headline);
        let html = format!(
            "<details class=\"cellblock-advice\"{open} style=\"border-left:3px solid var({variable},{otherwise});\
             padding:4px 10px;margin:2px 0;background:var(--jp-layout-color2,rgba(128,128,128,.1));\
             color:var(--jp-ui-font-color1,inherit);font-size:var(--jp-ui-font-size1,13px);line-height:1.45\">\
             <summary style=\"cursor:pointer\">{headline}</summary>"
        );
        Self { html }
    }

    /// A list of sentences.
    pub fn list(&mut self, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.html.push_str("<ul style=\"margin:4px 0;padding-left:20px\">");
        for item in items {
            let _ = write!(self.html, "<li>{}</li>", inline(item));
        }
        self.html.push_str("</ul>");
    }

    /// One sentence.
    pub fn line(&mut self, text: &str) {
        let _ = write!(self.html, "<div style=\"margin:4px 0\">{}</div>", inline(text));
    }

    /// Code under a word that says what it is.
    pub fn code(&mut self, word: &str, code: &str) {
        let _ = write!(
            self.html,
            "<div style=\"margin:4px 0\"><span style=\"opacity:.75\">{}</span><pre style=\"margin:2px 0;padding:4px 8px;\
             background:var(--jp-layout-color3,rgba(128,128,128,.15));color:inherit;white-space:pre-wrap;\
             font-family:var(--jp-code-font-family,monospace)\">{}</pre></div>",
            escaped(word),
            escaped(code)
        );
    }

    /// The HTML.
    pub fn finish(mut self) -> String {
        self.html.push_str("</details>");
        self.html
    }
}

/// A sentence with what stands between backticks as code.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 0 {
            html.push_str(&escaped(part));
        } else {
            let _ = write!(html, "<code style=\"color:inherit;background:none\">{}</code>", escaped(part));
        }
    }
    html
}

/// Text that means only itself in HTML, between tags and in attributes.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Where a page renders mathematics, these would begin it.
            '$' => html.push_str("&#36;"),
            '\\' => html.push_str("&#92;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_text_comes_out_of_text() {
        let mut panel = Panel::new(("--jp-warn-color1", "orange"), true, "a <b> `c\"<`");
        panel.list(&["<img src=x onerror=alert(1)> & `<script>`".to_owned()]);
        panel.code("<i>", "</pre><script>'$x$'");
        let html = panel.finish();
        for tag in ["<img", "<script", "<b>", "<i>", "</pre><"] {
            let times = usize::from(tag == "</pre><");
            assert_eq!(html.matches(tag).count(), times, "{tag} in {html}");
        }
        assert_eq!(html.matches("<details").count(), 1);
        assert!(html.ends_with("</details>"));
    }
}
