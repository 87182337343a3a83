//! Values → YAML that every reader takes for the same value, old readers included.

use serde_json::Value;

/// A value on one line, as it may stand within `{…}` and `[…]`.
pub(in crate::catalogue) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) && !text.contains([',', '[', ']', '{', '}']) => {
            text.clone()
        }
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                format!("{}: {}", flow(&Value::from(name.as_str())), flow(value))
            });
            let members: Vec<String> = members.collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text after `key: ` of a block; several lines as a block below it.
pub(in crate::catalogue) fn block(text: &str, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let mut lines = text.split('\n');
    let is_block = text.contains('\n')
        && !text.contains(|letter: char| letter != '\n' && (letter.is_control() || is_odd(letter)))
        && !text.starts_with([' ', '\n'])
        && lines.all(|line| !line.ends_with(' '))
        && !text.ends_with('\n');
    if is_block {
        let lines = text.split('\n').map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("\n{indent}{line}"),
        });
        return format!("|-{}", lines.collect::<String>());
    }
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Whether it needs no quotes.
fn is_plain(text: &str) -> bool {
    let ordinary =
        |letter: char| letter.is_alphanumeric() || " _-./()'@+=;!$%&*,?{}[]~:#".contains(letter);
    text.starts_with(|first: char| first.is_alphabetic() || first == '/' || first == '_')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(ordinary)
        && !is_word_of_yaml(text)
}

/// Words that mean something else to one reader or another.
fn is_word_of_yaml(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    words.contains(&text.to_ascii_lowercase().as_str())
}

/// JSON's quotes are YAML's; what a terminal would obey is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() || is_odd(letter) => {
                out.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// Line ends and marks that YAML readers treat in ways of their own.
fn is_odd(letter: char) -> bool {
    matches!(
        letter,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::node::parse;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn quotes_are_used_where_needed() {
        for (text, expected) in [
            ("Web API", "Web API"),
            ("/v3/mail/", "/v3/mail/"),
            (
                "https://api.example.com:8080/x",
                "https://api.example.com:8080/x",
            ),
            ("/a/{id}", "\"/a/{id}\""),
            ("2", "\"2\""),
            ("yes", "\"yes\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("it's", "it's"),
            ("say \"x\"", "\"say \\\"x\\\"\""),
            ("é", "é"),
            ("\u{1b}[31m", "\"\\U0000001B[31m\""),
        ] {
            assert_eq!(flow(&json!(text)), expected, "{text}");
        }
        assert_eq!(block("one\n\n  two", 1), "|-\n    one\n\n      two");
        assert_eq!(block("/a/{id}", 1), "/a/{id}");
    }

    proptest! {
        #[test]
        fn texts_are_read_back(text in "\\PC{0,12}|[a-z:#, {}\\[\\]\n\t'\"\\\\|>~*&!%@`-]{0,12}") {
            let yaml = format!("x: {}\ny:\n  z: {}\n", flow(&json!([text])), block(&text, 1));
            let read = parse(&yaml).map(|node| node.to_value());
            prop_assert_eq!(read, Ok(json!({"x": [text], "y": {"z": text}})), "{}", yaml);
        }
    }
}
