//! A catalogue as a tree of resources: what a file wants, or what an installation has.

use super::fault::Place;
use super::kind::Kind;
use serde_json::Value;
use std::fmt;

/// The metric that every product has.
pub const HITS: &str = "hits";

/// A resource with all that it contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// What tells it from its siblings: its system name; for a rule methods and pattern, for a limit its metric and
    /// period.
    pub name: Name,
    /// Its id in the installation.
    pub id: Option<i64>,
    /// Its place in the file.
    pub at: Option<Place>,
    /// Its fields, as far as the file mentions them or the installation says them.
    pub fields: Vec<(&'static str, Value)>,
    /// What it contains, by kind. A kind that the file does not mention is not here: nothing is said about it.
    pub groups: Vec<(Kind, Vec<Self>)>,
}

/// What tells a resource from its siblings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// There is only one.
    Only,
    /// Its system name, or whatever else is one text.
    System(String),
    /// A mapping rule.
    Rule {
        /// HTTP methods, or `ANY`.
        methods: Vec<String>,
        /// The pattern.
        pattern: String,
    },
    /// Something of a plan about a metric.
    OfMetric {
        /// The metric's or method's system name.
        metric: String,
        /// A limit's period.
        part: String,
    },
}

/// The way to a resource from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<(Kind, Name)>);

// === impl Resource ===

impl Resource {
    /// Without fields and contents.
    #[must_use]
    pub fn new(kind: Kind, name: Name) -> Self {
        Self {
            kind,
            name,
            id: None,
            at: None,
            fields: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// A field's value.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }

    /// What it contains of a kind; nothing when nothing is said.
    #[must_use]
    pub fn all(&self, kind: Kind) -> &[Self] {
        self.group(kind).unwrap_or_default()
    }

    /// What it contains of a kind, when anything is said about that.
    #[must_use]
    pub fn group(&self, kind: Kind) -> Option<&[Self]> {
        let found = self.groups.iter().find(|(known, _)| *known == kind);
        found.map(|(_, resources)| resources.as_slice())
    }

    /// One of a kind by system name.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Self> {
        self.all(kind).iter().find(|it| it.name.is(name))
    }

    /// Whether it is a metric or method of this name, or has one.
    #[must_use]
    pub fn has_metric(&self, name: &str) -> bool {
        self.find(Kind::Metric, name).is_some() || self.find(Kind::Method, name).is_some()
    }

    /// The names of its metrics and methods.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        let both = self.all(Kind::Metric).iter().chain(self.all(Kind::Method));
        both.filter_map(|metric| metric.name.system())
    }
}

// === impl Name ===

impl Name {
    /// Whether it is this system name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.system() == Some(name)
    }

    /// The system name, if it is one.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        match self {
            Self::System(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only => Ok(()),
            Self::System(name) => f.write_str(name),
            Self::Rule { methods, pattern } => write!(f, "{} {pattern}", methods.join(",")),
            Self::OfMetric { metric, part } => write!(f, "{metric} per {part}"),
        }
    }
}

// === impl Path ===

impl Path {
    /// The way to something within.
    #[must_use]
    pub fn join(&self, kind: Kind, name: &Name) -> Self {
        let mut path = self.clone();
        path.0.push((kind, name.clone()));
        path
    }

    /// The name of the nearest resource of a kind on the way.
    #[must_use]
    pub fn name_of(&self, kind: Kind) -> Option<&Name> {
        let mut found = self.0.iter().rev().filter(|(known, _)| *known == kind);
        found.next().map(|(_, name)| name)
    }

    /// The way to the nearest resource of a kind on the way.
    #[must_use]
    pub fn up_to(&self, kind: Kind) -> Option<Self> {
        let index = self.0.iter().rposition(|(known, _)| *known == kind)?;
        Some(Self(self.0.iter().take(index + 1).cloned().collect()))
    }

    /// The way to what contains it.
    #[must_use]
    pub fn parent(&self) -> Self {
        let most = self.0.len().saturating_sub(1);
        Self(self.0.iter().take(most).cloned().collect())
    }
}

impl fmt::Display for Path {
    /// As in `product mail, plan bronze, limit hits per minute`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (kind, name)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            let space = if *name == Name::Only { "" } else { " " };
            write!(f, "{comma}{}{space}{name}", kind.word())?;
        }
        Ok(())
    }
}
