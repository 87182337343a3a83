//! Markdown with Liquid in it: becomes HTML before Liquid runs, so that values are never read as Markdown.

use pulldown_cmark::{Options, Parser, html};

/// The HTML, with the Liquid of before.
pub(super) fn html(text: &str) -> String {
    let (kept_away, liquid) = keep_away(text);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut out = String::new();
    html::push_html(&mut out, Parser::new_ext(&kept_away, options));
    for (n, piece) in liquid.iter().enumerate() {
        let place = place(n);
        // A tag alone between blank lines is no paragraph.
        if piece.starts_with("{%") {
            out = out.replace(&format!("<p>{place}</p>"), piece);
        }
        out = out.replace(&place, piece);
    }
    out
}

/// Puts a word in place of each piece of Liquid.
fn keep_away(text: &str) -> (String, Vec<&str>) {
    let mut kept = String::new();
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let (before, from) = rest.split_at(start);
        let close = if from.starts_with("{{") { "}}" } else { "%}" };
        let Some(end) = from.find(close) else { break };
        let (piece, after) = from.split_at(end + close.len());
        kept.push_str(before);
        kept.push_str(&place(pieces.len()));
        pieces.push(piece);
        rest = after;
    }
    kept.push_str(rest);
    (kept, pieces)
}

fn place(n: usize) -> String {
    format!("zzLiquid{n}zz")
}

#[cfg(test)]
mod tests {
    #[test]
    fn liquid_stays_as_it_was() {
        for (text, expected) in [
            (
                "# Hello {{ name | default: \"x\" }}",
                "<h1>Hello {{ name | default: \"x\" }}</h1>\n",
            ),
            (
                "{% if a < b %}\n\n*yes*\n\n{% endif %}",
                "{% if a < b %}\n<p><em>yes</em></p>\n{% endif %}\n",
            ),
            (
                "[x]({{ urls.root }})",
                "<p><a href=\"{{ urls.root }}\">x</a></p>\n",
            ),
            ("a {{ b", "<p>a {{ b</p>\n"),
        ] {
            assert_eq!(super::html(text), expected);
        }
    }
}
