//! Looks a template over before it is parsed: what would hurt the parser is refused, and output becomes a tag.
//!
//! The library's parser recurses with nesting, panics at numbers that do not fit, and knows lines for tags alone. So nesting
//! and numbers are bounded here, and `{{ x }}` is handed on as `{% echo x %}`, on the same line.

/// How deep blocks may nest in one template; each `elsif` counts like a block within.
const NESTING: usize = 40;
/// How deep brackets may nest, as in `a[b[c]]`.
const BRACKETS: usize = 8;
/// Digits of a number; more do not fit.
const DIGITS: usize = 15;
/// Characters of one tag.
const TAG_BYTES: usize = 4 * 1024;
/// Tags of one template.
const TAGS: usize = 5_000;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1.
    pub(super) line: usize,
    /// What is wrong.
    pub(super) message: String,
}

/// The template as the parser gets it, and how deep it nests. `knows` says which filters there are.
pub(super) fn prepare(
    source: &str,
    knows: &dyn Fn(&str) -> bool,
) -> Result<(String, usize), Fault> {
    let mut scan = Scan {
        knows,
        out: String::with_capacity(source.len() + 64),
        depths: Vec::new(),
        deepest: 0,
        tags: 0,
        line: 1,
    };
    let mut rest = source;
    while let Some(start) = next_start(rest) {
        let (text, from) = rest.split_at(start);
        scan.copy(text);
        let is_output = from.starts_with("{{");
        let Some(end) = end_of(from, is_output) else {
            return scan.fault(match is_output {
                true => "{{ is not closed by }}",
                false => "{% is not closed by %}",
            });
        };
        let (piece, after) = from.split_at(end);
        let verbatim = scan.piece(piece, is_output)?;
        rest = after;
        if let Some(closing) = verbatim {
            let Some(end) = find_end_tag(rest, closing) else {
                return scan.fault(format!("the block is not closed by {{% {closing} %}}"));
            };
            let (text, after) = rest.split_at(end);
            scan.verbatim(text, closing);
            let end = after.find("%}").map_or(after.len(), |at| at + 2);
            rest = after.get(end..).unwrap_or("");
        }
    }
    scan.copy(rest);
    Ok((scan.out, scan.deepest))
}

struct Scan<'a> {
    knows: &'a dyn Fn(&str) -> bool,
    out: String,
    /// Of each block that is open, how deep it is by itself.
    depths: Vec<usize>,
    deepest: usize,
    tags: usize,
    line: usize,
}

impl Scan<'_> {
    fn fault<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault {
            line: self.line,
            message: message.into(),
        })
    }

    fn copy(&mut self, text: &str) {
        self.out.push_str(text);
        self.line += text.matches('\n').count();
    }

    /// What stands in `raw`, as text; of comments nothing but their lines.
    fn verbatim(&mut self, text: &str, closing: &str) {
        if closing == "endcomment" {
            return self.copy(&"\n".repeat(text.matches('\n').count()));
        }
        let text = text
            .replace("{{", "{\u{0}")
            .replace("{%", "{% echo '{%' %}")
            .replace("{\u{0}", "{% echo '{{' %}");
        self.copy(&text);
    }

    /// Takes one tag or output. The name of the end tag when what follows is no Liquid.
    fn piece(&mut self, piece: &str, is_output: bool) -> Result<Option<&'static str>, Fault> {
        self.tags += 1;
        if self.tags > TAGS {
            return self.fault(format!("there are more than {TAGS} tags"));
        }
        if piece.len() > TAG_BYTES {
            return self.fault(format!("a tag is longer than {TAG_BYTES} bytes"));
        }
        let inner = piece.get(2..piece.len().saturating_sub(2)).unwrap_or("");
        self.check_tokens(inner)?;
        if is_output {
            // Below it becomes a tag, which would end here, and what follows would be read uncounted.
            if inner.contains("%}") || inner.contains("{%") {
                return self.fault("there is a tag within {{ }}".to_owned());
            }
            let (dash, inner) = match inner.strip_prefix('-') {
                Some(inner) => ("-", inner),
                None => ("", inner),
            };
            // Lines are counted from the tag's own name.
            let end = inner.strip_suffix('-').map_or("", |_| "-");
            let inner = inner.strip_suffix('-').unwrap_or(inner);
            self.copy(&format!("{{%{dash} echo {inner} {end}%}}"));
            return Ok(None);
        }
        let name = tag_name(inner);
        let verbatim = match name {
            "raw" => Some("endraw"),
            "comment" => Some("endcomment"),
            _ => None,
        };
        if verbatim.is_some() {
            self.line += piece.matches('\n').count();
            return Ok(verbatim);
        }
        match name {
            "if" | "unless" | "for" | "case" | "capture" => self.depths.push(1),
            // The parser goes one deeper with each.
            "elsif" => {
                if let Some(depth) = self.depths.last_mut() {
                    *depth += 1;
                }
            }
            "endif" | "endunless" | "endfor" | "endcase" | "endcapture" => {
                self.depths.pop();
            }
            _ => {}
        }
        let depth = self.depths.iter().sum();
        self.deepest = self.deepest.max(depth);
        if depth > NESTING {
            return self.fault(format!("blocks nest more than {NESTING} deep"));
        }
        self.copy(piece);
        Ok(None)
    }

    fn check_tokens(&self, inner: &str) -> Result<(), Fault> {
        let (mut quote, mut brackets, mut digits) = (None, 0_usize, 0_usize);
        for (at, letter) in inner.char_indices() {
            match (quote, letter) {
                (None, '|') => {
                    let filter = tag_name(inner.get(at + 1..).unwrap_or(""));
                    if !filter.is_empty() && !(self.knows)(filter) {
                        return self.fault(format!("there is no filter {filter:?}"));
                    }
                }
                (Some(open), letter) if open == letter => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(letter),
                (None, '[') => brackets += 1,
                (None, ']') => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            digits = match (quote, letter.is_ascii_digit()) {
                (None, true) => digits + 1,
                _ => 0,
            };
            if digits > DIGITS {
                return self.fault(format!("a number has more than {DIGITS} digits"));
            }
            if brackets > BRACKETS {
                return self.fault(format!("brackets nest more than {BRACKETS} deep"));
            }
        }
        Ok(())
    }
}

fn next_start(text: &str) -> Option<usize> {
    text.find("{{").into_iter().chain(text.find("{%")).min()
}

/// Just behind the closing of what begins here; quoted closings do not count.
fn end_of(text: &str, is_output: bool) -> Option<usize> {
    let close = if is_output { "}}" } else { "%}" };
    let mut quote = None;
    for (at, letter) in text.char_indices().skip(2) {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, _) if text.get(at..)?.starts_with(close) => return Some(at + close.len()),
            _ => {}
        }
    }
    // A quote that is open for ever: the parser will say so, if the tag is closed at all.
    text.find(close).map(|at| at + close.len())
}

fn tag_name(inner: &str) -> &str {
    let inner = inner.strip_prefix('-').unwrap_or(inner).trim_start();
    let end = inner
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(inner.len());
    inner.get(..end).unwrap_or("")
}

/// Where the end tag begins.
fn find_end_tag(text: &str, name: &str) -> Option<usize> {
    text.match_indices("{%").map(|(at, _)| at).find(|at| {
        text.get(at + 2..)
            .is_some_and(|inner| tag_name(inner) == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(source: &str) -> Result<String, usize> {
        prepare(source, &|filter| filter == "size")
            .map(|(out, _)| out)
            .map_err(|fault| fault.line)
    }

    #[test]
    fn output_becomes_a_tag() {
        for (source, expected) in [
            ("a {{ b }} c", "a {% echo  b  %} c"),
            ("{{- b -}}", "{%- echo  b  -%}"),
            ("{{ '}}' }}", "{% echo  '}}'  %}"),
            (
                "{% raw %}{{ x }}{% y %}{% endraw %}{{x}}",
                "{% echo '{{' %} x }}{% echo '{%' %} y %}{% echo x %}",
            ),
            ("{% comment %}{{ [[[[[[[[[[[[ x\n{% endcomment %}a", "\na"),
        ] {
            assert_eq!(prepared(source).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_would_hurt_is_refused_with_its_line() {
        let nested = format!("\n{}", "{% if a %}".repeat(41));
        let chained = format!("{{% if a %}}{}", "\n{% elsif b %}".repeat(41));
        let brackets = format!("{{{{ a{} }}}}", "[b".repeat(9));
        for (source, line) in [
            ("a\n{{ b", 2),
            ("a\n\n{% if", 3),
            ("{{ 1234567890123456 }}", 1),
            ("\n{% raw %}\n", 2),
            ("\n{{ a | size | nothing }}", 2),
            (nested.as_str(), 2),
            (&chained, 41),
            (&brackets, 1),
        ] {
            assert_eq!(prepared(source), Err(line), "{source}");
        }
        assert!(prepared("{{ '1234567890123456 | x' | size }}").is_ok());
    }
}
