//! From what a template rendered to a mail: header lines first, then an empty line, then the text.
//!
//! ```liquid
//! Subject: Welcome to {{ provider.name }}
//! Reply-To: help@example.com
//!
//! Hello {{ user.display_name }}, …
//! ```
//!
//! Values cannot add a line to the head: [`flatten`] takes line breaks out of them before they are rendered, except where
//! several lines are meant.

use lettre::message::Mailbox;
use liquid_core::model::{Object, Value};

/// The longest subject, in characters.
const SUBJECT_CHARS: usize = 200;
/// Values that may have several lines: they belong in the text.
const OF_SEVERAL_LINES: &[&str] = &["body"];

/// A mail as its template has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// What it is about.
    pub(super) subject: String,
    /// Where answers go, when the template says so.
    pub(super) reply_to: Option<Mailbox>,
    /// Who else gets it.
    pub(super) cc: Vec<Mailbox>,
    /// Who else gets it without being named.
    pub(super) bcc: Vec<Mailbox>,
    /// What it says.
    pub(super) body: String,
}

/// Reads what was rendered. A head without a subject is none: all of it is text then.
pub(super) fn read(rendered: &str) -> Text {
    let rendered = rendered.trim_start().replace("\r\n", "\n");
    let Some((head, body)) = rendered.split_once("\n\n") else {
        return only_text(&rendered);
    };
    let mut text = Text {
        body: body.trim().into(),
        ..Text::default()
    };
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else {
            return only_text(&rendered);
        };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "subject" => text.subject = one_line(value).chars().take(SUBJECT_CHARS).collect(),
            "reply-to" => text.reply_to = addresses(value).into_iter().next(),
            "cc" => text.cc = addresses(value),
            "bcc" => text.bcc = addresses(value),
            _ => {}
        }
    }
    if text.subject.is_empty() {
        return only_text(&rendered);
    }
    text
}

fn only_text(rendered: &str) -> Text {
    Text {
        body: rendered.trim().into(),
        ..Text::default()
    }
}

/// Those of a comma list that are addresses.
fn addresses(list: &str) -> Vec<Mailbox> {
    list.split(',')
        .filter_map(|one| one.trim().parse().ok())
        .collect()
}

/// Without what would end a line or steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if breaks(c) { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Control characters, and the line separators of Unicode.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Makes every text of one line, but for those that are meant to have several.
pub(super) fn flatten(values: &mut Object) {
    for (name, value) in values.iter_mut() {
        if !OF_SEVERAL_LINES.contains(&name.as_str()) {
            flatten_value(value);
        }
    }
}

fn flatten_value(value: &mut Value) {
    match value {
        Value::Scalar(scalar) => {
            let text = scalar.clone().into_string();
            if text.chars().any(breaks) {
                *value = Value::scalar(one_line(&text));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(flatten_value),
        Value::Object(members) => flatten(members),
        Value::State(_) | Value::Nil => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_text_are_told_apart() {
        let text = read(
            "\nSubject:  Hello: you \r\nReply-To: Help <help@example.com>\nCc: a@example.com, nobody, b@example.com\nX-Odd: 1\n\n\nDear all,\n\nbye\n\n",
        );
        assert_eq!(text.subject, "Hello: you");
        assert_eq!(
            text.reply_to.unwrap().to_string(),
            "Help <help@example.com>"
        );
        assert_eq!(text.cc.len(), 2);
        assert_eq!(text.bcc, []);
        assert_eq!(text.body, "Dear all,\n\nbye");
        for headless in ["Hello\n\nyou", "Hello", "Note: this\n\nis text", ""] {
            let text = read(headless);
            assert_eq!(text.subject, "");
            assert_eq!(text.body, headless);
        }
    }

    #[test]
    fn values_stay_on_their_line() {
        let mut values = Object::new();
        let hostile = "Acme\r\nBcc: x@example.com\u{2028}\u{7}!";
        values.insert("name".into(), Value::scalar(hostile));
        values.insert("body".into(), Value::scalar("two\nlines"));
        values.insert("list".into(), Value::array([Value::scalar(hostile)]));
        values.insert("n".into(), Value::scalar(3_i64));
        flatten(&mut values);
        let flat = Value::scalar("Acme Bcc: x@example.com !");
        assert_eq!(values.get("name"), Some(&flat));
        assert_eq!(values.get("list"), Some(&Value::array([flat])));
        assert_eq!(values.get("body"), Some(&Value::scalar("two\nlines")));
        assert_eq!(values.get("n"), Some(&Value::scalar(3_i64)));
    }
}
