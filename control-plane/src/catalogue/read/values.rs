//! Values of fields, in the form in which they are compared.

use super::{Reader, usage};
use crate::catalogue::kind::{Field, Shape, amount, ranges, texts};
use crate::catalogue::node::{Node, What};
use serde_json::{Map, Value};

/// The longest text that any field takes.
const MOST_CHARS: usize = 10_000;

impl Reader {
    /// The value of a field, or a fault.
    pub(super) fn value(&mut self, field: &Field, node: &Node, path: &str) -> Option<Value> {
        match field.shape {
            Shape::Text | Shape::Secret => self.text(node, path).map(Value::String),
            Shape::Issuer => {
                let text = self.text(node, path)?;
                match crate::oidc::endpoint(&text) {
                    _ if text.is_empty() => Some(Value::String(text)),
                    Ok(endpoint) => Some(Value::String(endpoint)),
                    Err(message) => self.wrong(node, path, &message),
                }
            }
            Shape::Choice(choices) => self.choice(choices, node, path),
            Shape::Flag => match node.what {
                What::Flag(flag) => Some(Value::Bool(flag)),
                _ => self.wrong(node, path, "must be true or false"),
            },
            Shape::Chosen => match node.what {
                What::Flag(true) => Some(Value::Bool(true)),
                // It says nothing: a default is taken over, not given up.
                What::Flag(false) => None,
                _ => self.wrong(node, path, "must be true or left out"),
            },
            Shape::Whole => self.whole(node, path, 0).map(Value::from),
            Shape::Amount => self.amount(node, path),
            Shape::Texts => self.texts(node, path),
            Shape::Usages => self.usages(node, path),
            Shape::Path => {
                let text = self.text(node, path)?;
                Some(format!("/{}", text.trim_matches('/')).into())
            }
            Shape::Ranges => self.ranges(node, path),
        }
    }

    /// A text; a number is one in the writer's own digits.
    pub(super) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.what {
            What::Text(text) if text.chars().count() > MOST_CHARS => {
                let message = format!("is too long (maximum is {MOST_CHARS} characters)");
                self.wrong(node, path, &message)
            }
            What::Text(text) if text.contains(is_odd) => {
                self.wrong(node, path, "contains characters that are not allowed")
            }
            // The server trims texts; untrimmed ones would differ for ever.
            What::Text(text) => Some(text.trim().to_owned()),
            What::Number(digits) => Some(digits.clone()),
            What::Null => Some(String::new()),
            _ => self.wrong(node, path, "must be a text"),
        }
    }

    fn choice(&mut self, choices: &[&str], node: &Node, path: &str) -> Option<Value> {
        let text = self.text(node, path)?;
        if choices.contains(&text.as_str()) {
            Some(Value::String(text))
        } else {
            let message = format!("must be one of {}", choices.join(", "));
            self.wrong(node, path, &message)
        }
    }

    /// A whole number of at least `least`.
    pub(super) fn whole(&mut self, node: &Node, path: &str, least: u64) -> Option<u64> {
        let number = match &node.what {
            What::Number(digits) => digits.parse::<i64>().ok(),
            _ => None,
        };
        let number = number.and_then(|number| u64::try_from(number).ok());
        match number.filter(|number| *number >= least) {
            Some(number) => Some(number),
            None => {
                let message = format!("must be a whole number, {least} or more");
                self.wrong(node, path, &message)
            }
        }
    }

    fn amount(&mut self, node: &Node, path: &str) -> Option<Value> {
        let number = match &node.what {
            What::Number(digits) => digits.parse::<f64>().ok(),
            _ => None,
        };
        match number.filter(|number| number.is_finite() && (0.0..=1e12).contains(number)) {
            Some(number) => Some(amount(number)),
            None => self.wrong(node, path, "must be an amount, 0 or more"),
        }
    }

    fn texts(&mut self, node: &Node, path: &str) -> Option<Value> {
        match &node.what {
            What::Null => Some(Value::Array(Vec::new())),
            What::Text(text) => Some(texts(text)),
            What::List(items) => {
                let items = items.iter().map(|item| match &item.what {
                    What::Text(text) if !text.contains(',') => Some(Value::from(text.trim())),
                    _ => self.wrong(item, path, "must be a list of texts without commas"),
                });
                items.collect()
            }
            _ => self.wrong(node, path, "must be a list of texts"),
        }
    }

    /// `metric`, or `{metric: delta}`.
    fn usages(&mut self, node: &Node, path: &str) -> Option<Value> {
        match &node.what {
            What::Text(metric) => Some(usage(metric, 1)),
            What::Map(members) if !members.is_empty() => {
                let mut usages = Map::new();
                for (key, node) in members {
                    let delta = self.whole(node, &super::join(path, &key.text), 1)?;
                    usages.insert(key.text.clone(), delta.into());
                }
                Some(Value::Object(usages))
            }
            _ => {
                let words = "must be a metric, or a mapping from metrics to what each counts";
                self.wrong(node, path, words)
            }
        }
    }

    /// `[{min: 1, max: 1000, cost_per_unit: 0.01}, …]`.
    fn ranges(&mut self, node: &Node, path: &str) -> Option<Value> {
        let What::List(items) = &node.what else {
            return self.wrong(node, path, "must be a list of ranges");
        };
        let mut all = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let path = format!("{path}[{n}]");
            let mut range = Map::new();
            for (key, value) in self.members(item, &path)? {
                let path = super::join(&path, &key.text);
                let (name, value) = match key.text.as_str() {
                    "min" => ("min", self.whole(value, &path, 1)?.into()),
                    "max" if value.what == What::Null => ("max", Value::Null),
                    "max" => ("max", self.whole(value, &path, 1)?.into()),
                    "cost_per_unit" => ("cost_per_unit", self.amount(value, &path)?),
                    _ => {
                        let words = "is nothing that a range has: min, max, cost_per_unit";
                        self.faults.add(key.at, &path, words);
                        return None;
                    }
                };
                range.insert(name.into(), value);
            }
            if !range.contains_key("cost_per_unit") {
                return self.wrong(item, &path, "needs cost_per_unit");
            }
            all.push(Value::Object(range));
        }
        let all = ranges(&Value::Array(all));
        let pairs = all.as_array().into_iter().flatten();
        let pairs: Vec<(Option<i64>, Option<i64>)> = pairs
            .map(|range| (range["min"].as_i64(), range["max"].as_i64()))
            .collect();
        let empty = pairs.iter().any(|(min, max)| max.is_some() && max < min);
        let overlap = pairs.windows(2).any(|pair| match pair {
            [(_, max), (min, _)] => max.is_none() || max >= min,
            _ => false,
        });
        if empty || overlap {
            return self.wrong(
                node,
                path,
                "has ranges that end before they begin, or overlap",
            );
        }
        Some(all)
    }

    pub(super) fn wrong<T>(&mut self, node: &Node, path: &str, message: &str) -> Option<T> {
        self.faults.add(node.at, path, message);
        None
    }
}

fn is_odd(letter: char) -> bool {
    (letter.is_control() && !matches!(letter, '\t' | '\n' | '\r'))
        || matches!(letter, '\u{fffe}' | '\u{ffff}')
}
