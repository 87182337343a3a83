//! YAML (and so JSON) text → nodes that know where they stand, so that every complaint can name a line.

use super::fault::{Fault, Place};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// More values than any catalogue or description of an API has; aliases of aliases can make billions.
const MOST_NODES: usize = 1_000_000;
/// Deeper than anything that people write.
const MOST_DEPTH: usize = 100;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub at: Place,
    /// What it is.
    pub what: What,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number, in the writer's own digits.
    Number(String),
    /// Any other text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping; no key comes twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Its place.
    pub at: Place,
}

/// The nodes of one document.
///
/// # Errors
/// When the text is not YAML, has several documents, or a mapping names a key twice.
pub fn parse(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    reader.document()
}

// === impl Node ===

impl Node {
    /// The same without places, as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.what {
            What::Null => Value::Null,
            What::Flag(flag) => Value::Bool(*flag),
            What::Number(digits) => {
                serde_json::from_str(digits).unwrap_or_else(|_| Value::String(digits.clone()))
            }
            What::Text(text) => Value::String(text.clone()),
            What::List(items) => items.iter().map(Self::to_value).collect(),
            What::Map(members) => {
                let members = members
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_value()));
                Value::Object(Map::from_iter(members))
            }
        }
    }

    /// What it is, for a complaint.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.what {
            What::Null => "nothing",
            What::Flag(_) => "true or false",
            What::Number(_) => "a number",
            What::Text(_) => "a text",
            What::List(_) => "a list",
            What::Map(_) => "a mapping",
        }
    }

    fn size(&self) -> usize {
        match &self.what {
            What::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            What::Map(members) => 1 + members.iter().map(|(_, node)| node.size()).sum::<usize>(),
            _ => 1,
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

type Step<'a> = (Event<'a>, Place);

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Fault> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(Fault::new(at, "only one document fits in a file"));
                }
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                event => root = Some(self.node(event, at, 0)?),
            }
        }
        Ok(root.unwrap_or(Node {
            at: Place { line: 1, column: 1 },
            what: What::Null,
        }))
    }

    fn next(&mut self) -> Result<Step<'a>, Fault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, place(&span))),
            Some(Err(error)) => {
                let mark = error.marker();
                let at = Place {
                    line: mark.line(),
                    column: mark.col() + 1,
                };
                Err(Fault::new(at, format!("is not YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Place { line: 1, column: 1 })),
        }
    }

    fn node(&mut self, event: Event<'a>, at: Place, depth: usize) -> Result<Node, Fault> {
        self.count(1, at)?;
        if depth > MOST_DEPTH {
            return Err(Fault::new(at, "is nested too deeply"));
        }
        let (what, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (scalar(&text, plain), anchor)
            }
            Event::SequenceStart(anchor, _) => (What::List(self.items(depth)?), anchor),
            Event::MappingStart(anchor, _) => (What::Map(self.members(depth)?), anchor),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node =
                    node.ok_or_else(|| Fault::new(at, "stands for itself, without an end"))?;
                self.count(node.size(), at)?;
                return Ok(node);
            }
            _ => return Err(Fault::new(at, "is not YAML: a value is missing")),
        };
        let node = Node { at, what };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Fault> {
        let mut members: Vec<(Key, Node)> = Vec::new();
        let mut names = BTreeMap::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(members);
            }
            let text = match self.node(event, at, depth + 1)?.what {
                What::Text(text) | What::Number(text) => text,
                What::Flag(flag) => flag.to_string(),
                What::Null => String::new(),
                What::List(_) | What::Map(_) => {
                    return Err(Fault::new(at, "is no key: a key is a text"));
                }
            };
            if let Some(first) = names.insert(text.clone(), at) {
                let message = format!("comes twice: {text} is in line {} already", first.line);
                return Err(Fault::new(at, message));
            }
            let (event, value_at) = self.next()?;
            let node = self.node(event, value_at, depth + 1)?;
            members.push((Key { text, at }, node));
        }
    }

    fn count(&mut self, more: usize, at: Place) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MOST_NODES {
            return Err(Fault::new(at, "is too much: the file is too large"));
        }
        Ok(())
    }
}

fn place(span: &Span) -> Place {
    Place {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

/// YAML 1.2's core schema, but for numbers in other bases: nobody means those.
fn scalar(text: &str, plain: bool) -> What {
    match text {
        _ if !plain => What::Text(text.to_owned()),
        "" | "~" | "null" | "Null" | "NULL" => What::Null,
        "true" | "True" | "TRUE" => What::Flag(true),
        "false" | "False" | "FALSE" => What::Flag(false),
        _ if is_number(text) => What::Number(text.to_owned()),
        _ => What::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_and_json_are_read() {
        let text = "a: 1\nb: [x, 'true', true, ~]\nc: {d: 1.50}\ne: &e [1]\nf: *e\n'1': |\n  two\n  lines\n";
        let expected = json!({
            "a": 1, "b": ["x", "true", true, null], "c": {"d": 1.5}, "e": [1], "f": [1], "1": "two\nlines\n",
        });
        assert_eq!(parse(text).map(|node| node.to_value()), Ok(expected));
        let json = r#"{"a": [1, -2.5e3, "x\n"], "b": {}}"#;
        assert_eq!(
            parse(json).map(|node| node.to_value()),
            serde_json::from_str(json)
                .map_err(|_| Fault::new(Place { line: 0, column: 0 }, "the test's own JSON"))
        );
        assert_eq!(parse("# nothing\n").map(|node| node.what), Ok(What::Null));
    }

    #[test]
    fn what_is_wrong_is_placed() {
        for (text, line, column, words) in [
            ("a: 1\nb: 2\na: 3\n", 3, 1, "comes twice: a is in line 1"),
            ("a: [1\n", 2, 1, "is not YAML"),
            ("a: 1\n--- \nb: 1\n", 2, 1, "only one document"),
            ("? [a]\n: 1\n", 1, 3, "is no key"),
            ("a: *b\n", 1, 4, "is not YAML"),
            ("a: &a [*a]\n", 1, 8, "stands for itself"),
        ] {
            match parse(text) {
                Err(fault) => {
                    let seen = (
                        fault.at.line,
                        fault.at.column,
                        fault.message.contains(words),
                    );
                    assert_eq!(seen, (line, column, true), "{text}: {fault:?}");
                }
                Ok(node) => assert_eq!(node.to_value(), Value::Null, "{text} was read"),
            }
        }
        let nested = "[".repeat(200) + &"]".repeat(200);
        assert!(parse(&nested).is_err_and(|fault| fault.message.contains("too deeply")));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..9 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb += &format!("a{n}: &a{n} [{aliases}]\n");
        }
        assert!(parse(&bomb).is_err_and(|fault| fault.message.contains("too large")));
    }
}
