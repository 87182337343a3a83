//! Collections with a form of their own: mapping rules and limits.

use super::{Reader, join};
use crate::catalogue::fault::did_you_mean;
use crate::catalogue::kind::Kind;
use crate::catalogue::node::{Node, What};
use crate::catalogue::tree::{Name, Resource};
use tallygate_core::mapping::{Methods, Pattern};
use tallygate_core::period::Period;

/// What a plan says about a metric that it is not for.
pub(in crate::catalogue) const DISABLED: &str = "disabled";
/// Where the limit of 0 stands that disables a metric.
pub(in crate::catalogue) const DISABLING_PERIOD: &str = "eternity";

impl Reader {
    /// `- {methods: [GET, HEAD], pattern: /v3/mail/, usages: web_api, last: true}`.
    pub(super) fn rules(&mut self, node: &Node, path: &str) -> Vec<Resource> {
        let items = match &node.what {
            What::List(items) => items.as_slice(),
            What::Null => &[],
            _ => {
                self.faults.add(node.at, path, "must be a list of rules");
                &[]
            }
        };
        let mut rules = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let path = format!("{path}[{n}]");
            if let Some(rule) = self.rule(item, &path) {
                rules.push(rule);
            }
        }
        rules
    }

    fn rule(&mut self, node: &Node, path: &str) -> Option<Resource> {
        let mut methods = None;
        let mut pattern = None;
        let mut rest = Vec::new();
        for (key, value) in self.members(node, path)? {
            let path = join(path, &key.text);
            match key.text.as_str() {
                "methods" | "http_method" => methods = Some(self.methods(value, &path)?),
                "pattern" => pattern = Some(self.pattern(value, &path)?),
                _ => rest.push((key.clone(), value.clone())),
            }
        }
        let Some((methods, pattern)) = methods.zip(pattern) else {
            return self.wrong(node, path, "needs methods and a pattern");
        };
        let mut rule = Resource::new(Kind::Rule, Name::Rule { methods, pattern });
        rule.at = Some(node.at);
        let noted = self.faults.0.len();
        let fields = Node {
            at: node.at,
            what: What::Map(rest),
        };
        self.fill(&mut rule, &fields, path);
        if rule.field("usages").is_none() && self.faults.0.len() == noted {
            return self.wrong(node, path, "needs usages: the metric that counts");
        }
        Some(rule)
    }

    fn methods(&mut self, node: &Node, path: &str) -> Option<Vec<String>> {
        let texts: Option<Vec<&str>> = match &node.what {
            What::Text(text) => Some(text.split(',').map(str::trim).collect()),
            What::List(items) => items
                .iter()
                .map(|item| match &item.what {
                    What::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let Some(texts) = texts else {
            return self.wrong(
                node,
                path,
                "must be ANY, or methods as in GET or [GET, HEAD]",
            );
        };
        match Methods::parse(texts.iter().copied()) {
            Ok(_) => Some(texts.into_iter().map(str::to_owned).collect()),
            Err(error) => {
                let message = error.to_string();
                self.wrong(node, path, message.trim_start_matches("methods: "))
            }
        }
    }

    fn pattern(&mut self, node: &Node, path: &str) -> Option<String> {
        let pattern = self.text(node, path)?;
        match Pattern::parse(&pattern) {
            Ok(_) => Some(pattern),
            Err(error) => self.wrong(node, path, &format!("is not valid: {error}")),
        }
    }

    /// `name: value`.
    pub(super) fn brief(
        &mut self,
        kind: Kind,
        field: &str,
        node: &Node,
        path: &str,
    ) -> Vec<Resource> {
        let mut resources = Vec::new();
        for (key, node) in self.members(node, path).unwrap_or_default() {
            let path = join(path, &key.text);
            let mut resource = Resource::new(kind, Name::System(key.text.clone()));
            resource.at = Some(key.at);
            if let Some(field) = kind.field(field)
                && let Some(value) = self.value(field, node, &path)
            {
                resource.fields.push((field.name, value));
            }
            resources.push(resource);
        }
        resources
    }

    /// `[name, name]`.
    pub(super) fn names(&mut self, kind: Kind, node: &Node, path: &str) -> Vec<Resource> {
        let items = match &node.what {
            What::List(items) => items.as_slice(),
            What::Null => &[],
            _ => {
                self.faults.add(node.at, path, "must be a list of names");
                &[]
            }
        };
        let mut resources: Vec<Resource> = Vec::new();
        for item in items {
            let Some(name) = self.text(item, path) else {
                continue;
            };
            if resources.iter().any(|it| it.name.is(&name)) {
                let message = format!("names {name} twice");
                self.faults.add(item.at, path, message);
            }
            let mut resource = Resource::new(kind, Name::System(name));
            resource.at = Some(item.at);
            resources.push(resource);
        }
        resources
    }

    /// `hits: {minute: 600}`, or `newsletter_api: disabled`.
    pub(super) fn limits(&mut self, node: &Node, path: &str) -> Vec<Resource> {
        let mut limits = Vec::new();
        for (key, node) in self.members(node, path).unwrap_or_default() {
            let path = join(path, &key.text);
            let limit = |period: &str, value: u64| {
                let name = Name::OfMetric {
                    metric: key.text.clone(),
                    part: period.to_owned(),
                };
                let mut limit = Resource::new(Kind::Limit, name);
                limit.at = Some(key.at);
                limit.fields.push(("value", value.into()));
                limit
            };
            match &node.what {
                What::Text(text) if text == DISABLED => limits.push(limit(DISABLING_PERIOD, 0)),
                What::Map(periods) => {
                    for (period, node) in periods {
                        let path = join(&path, &period.text);
                        let known = Period::ALL.map(Period::as_str);
                        if !known.contains(&period.text.as_str()) {
                            let hint = did_you_mean(&period.text, known);
                            let message = format!(
                                "is no period: it must be one of {}{hint}",
                                known.join(", ")
                            );
                            self.faults.add(period.at, &path, message);
                        } else if let Some(value) = self.whole(node, &path, 0) {
                            limits.push(Resource {
                                at: Some(period.at),
                                ..limit(&period.text, value)
                            });
                        }
                    }
                }
                _ => {
                    let words = "must be a mapping from periods to values, or disabled";
                    self.faults.add(node.at, &path, words);
                }
            }
        }
        limits
    }
}
