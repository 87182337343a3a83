//! Paths → patterns, and their order.

use super::usages;
use crate::catalogue::kind::Kind;
use crate::catalogue::tree::{Name, Resource};
use tallygate_core::mapping::Pattern;

/// A rule to be.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    methods: Vec<String>,
    pattern: String,
    metric: String,
    segments: Vec<Segment>,
    /// Whether it matches whatever comes after, too.
    is_open: bool,
}

/// A part of a path between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Template,
}

/// The pattern of a path, or why there is none.
pub(super) fn pattern(base: &str, path: &str) -> Result<String, String> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let whole = format!("{base}{slash}{path}");
    let (path, query) = match whole.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (whole.as_str(), None),
    };
    let mut pattern = String::new();
    let mut seen: Vec<String> = Vec::new();
    let mut rest = path;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        pattern.push_str(before);
        let Some((name, after)) = after.get(1..).and_then(|after| after.split_once('}')) else {
            return Err("a variable has no end".into());
        };
        // As some gateways write "and whatever comes after".
        if name.ends_with(['+', '*']) {
            return checked(&pattern);
        }
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        };
        let name: String = name.chars().map(plain).collect();
        let name = crate::names::free(if name.is_empty() { "x" } else { &name }, &seen);
        pattern.push_str(&format!("{{{name}}}"));
        seen.push(name);
        rest = after;
    }
    pattern.push_str(rest);
    pattern.push('$');
    if let Some(query) = query {
        pattern.push('?');
        pattern.push_str(query);
    }
    checked(&pattern)
}

fn checked(pattern: &str) -> Result<String, String> {
    match Pattern::parse(pattern) {
        Ok(_) => Ok(pattern.to_owned()),
        Err(error) => Err(format!("{error}; left out")),
    }
}

/// The rules in the order in which OpenAPI would look at them.
pub(super) fn ordered(drafts: Vec<Draft>) -> Vec<Resource> {
    let mut order: Vec<Draft> = Vec::new();
    for draft in drafts {
        let same = order
            .iter_mut()
            .find(|it| it.pattern == draft.pattern && it.metric == draft.metric);
        if let Some(same) = same {
            same.methods.extend(draft.methods);
            continue;
        }
        let wider = order
            .iter()
            .position(|it| it.overlaps(&draft) && draft.is_narrower(it));
        order.insert(wider.unwrap_or(order.len()), draft);
    }
    let mut rules = Vec::new();
    for (n, draft) in order.iter().enumerate() {
        let mut later = order.iter().skip(n + 1);
        let last = later.any(|it| it.overlaps(draft) && it.shares_method(draft));
        let name = Name::Rule {
            methods: draft.methods.clone(),
            pattern: draft.pattern.clone(),
        };
        let mut rule = Resource::new(Kind::Rule, name);
        rule.fields = vec![("usages", usages(&draft.metric)), ("last", last.into())];
        rules.push(rule);
    }
    rules
}

// === impl Draft ===

impl Draft {
    pub(super) fn new(method: &str, pattern: String, metric: String) -> Self {
        let path = pattern.split('?').next().unwrap_or_default();
        let is_open = !path.ends_with('$');
        let segments = path.trim_end_matches('$').split('/').skip(1);
        let segments = segments.map(|segment| match segment.contains('{') {
            true => Segment::Template,
            false => Segment::Literal(segment.to_owned()),
        });
        let mut segments: Vec<Segment> = segments.collect();
        if is_open {
            // What it ends with may go on.
            segments.pop();
        }
        Self {
            methods: vec![method.to_owned()],
            segments,
            is_open,
            pattern,
            metric,
        }
    }

    fn shares_method(&self, other: &Self) -> bool {
        self.methods
            .iter()
            .any(|method| other.methods.contains(method))
    }

    /// Whether a path may match both.
    fn overlaps(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.segments.len(), other.segments.len());
        let lengths = match (self.is_open, other.is_open) {
            (false, false) => ours == theirs,
            (true, false) => ours < theirs,
            (false, true) => ours > theirs,
            (true, true) => true,
        };
        let mut both = self.segments.iter().zip(&other.segments);
        lengths
            && both.all(|pair| match pair {
                (Segment::Literal(one), Segment::Literal(other)) => one == other,
                _ => true,
            })
    }

    /// Whether it says more about the paths that match both.
    fn is_narrower(&self, other: &Self) -> bool {
        if self.is_open != other.is_open {
            return other.is_open;
        }
        let both = self.segments.iter().zip(&other.segments);
        let mut differ = both.filter(|(one, other)| {
            matches!(one, Segment::Template) != matches!(other, Segment::Template)
        });
        match differ.next() {
            Some((one, _)) => matches!(one, Segment::Literal(_)),
            None => self.segments.len() > other.segments.len(),
        }
    }
}
