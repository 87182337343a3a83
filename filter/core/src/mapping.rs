//! Mapping rules: which requests a product serves, and what each of them uses.
//!
//! A rule list is an allow-list: a request that no rule matches goes nowhere. All rules that match count, in order
//! of position, until one that is `last`. Rules are compiled once ([`RuleSet::compile`]); a request then costs what
//! its own length and its matches cost, however many rules there are.

mod index;
mod pattern;
mod query;

use crate::few::Few;
use crate::metric::Usage;
use crate::wire::RuleV1;
use alloc::{string::String, vec::Vec};
use index::Index;
use query::{Queries, Query};

pub use pattern::{MAX_PATTERN_CHARS, Pattern, PatternError};

/// The methods a rule may name; `ANY` stands for these and every other one.
const METHODS: [&str; 7] = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"];

/// A mapping rule that is fit to be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The methods it applies to.
    pub methods: Methods,
    /// The paths and queries it applies to.
    pub pattern: Pattern,
    /// What a match adds; never empty.
    pub usages: Usage,
    /// Whether a match ends the search.
    pub last: bool,
}

/// A set of HTTP methods. Their names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods(u8);

/// Why a rule cannot be used, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The list of methods is empty.
    #[error("methods: name at least one HTTP method, or ANY for all of them")]
    NoMethods,
    /// A method outside the list.
    #[error(
        "methods: \"{0}\" is not one of GET, POST, DELETE, PUT, PATCH, HEAD, OPTIONS, or ANY for all methods (in capitals)"
    )]
    UnknownMethod(String),
    /// The pattern breaks the grammar.
    #[error("pattern: {0}")]
    Pattern(#[from] PatternError),
    /// A match would use nothing.
    #[error("usages: name at least one metric and what a match adds to it")]
    NoUsages,
    /// A match would add 0 to a metric.
    #[error(
        "usages: the delta of metric {0} must be at least 1; leave the metric out if a match should not use it"
    )]
    NoDelta(crate::id::MetricId),
}

/// What rules see of a request.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The method, as sent.
    pub method: &'a [u8],
    /// The path in [canonical form](crate::path::canonical_path).
    pub path: &'a [u8],
    /// The query, as sent, without the `?`.
    pub query: Option<&'a [u8]>,
    /// The urlencoded body, when the product lets form fields count; they win over the query's.
    pub form: Option<&'a [u8]>,
}

/// A product's rules, compiled.
#[derive(Debug)]
pub struct RuleSet {
    /// By position.
    rules: Vec<Rule>,
    /// What must hold besides the path, by position.
    conditions: Vec<Condition>,
    paths: Index,
    queries: Queries,
}

/// What a rule asks besides its path: all that the search reads of a rule.
#[derive(Debug)]
struct Condition {
    methods: Methods,
    last: bool,
    query: Query,
}

/// The rules that a request matched, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    rules: Few<u32, 8>,
}

// === impl Methods ===

impl Methods {
    /// Every method, known or not.
    pub const ANY: Self = Self(u8::MAX);
    /// The bit of all the methods that rules cannot name.
    const OTHERS: u8 = 1 << METHODS.len();

    /// Reads a list of method names.
    ///
    /// # Errors
    /// When the list is empty or a name is not known.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, RuleError> {
        let mut methods = 0;
        for name in names {
            methods |= match name {
                "ANY" => Self::ANY.0,
                name => match Self::bit(name.as_bytes()) {
                    Self::OTHERS => return Err(RuleError::UnknownMethod(name.into())),
                    bit => bit,
                },
            };
        }
        if methods == 0 {
            return Err(RuleError::NoMethods);
        }
        Ok(Self(methods))
    }

    /// Whether `method` is one of these.
    #[must_use]
    pub fn contain(self, method: &[u8]) -> bool {
        self.0 & Self::bit(method) != 0
    }

    fn bit(method: &[u8]) -> u8 {
        let known = METHODS.iter().position(|name| name.as_bytes() == method);
        known.map_or(Self::OTHERS, |at| 1 << at)
    }
}

// === impl Rule ===

impl TryFrom<&RuleV1> for Rule {
    type Error = RuleError;

    fn try_from(rule: &RuleV1) -> Result<Self, RuleError> {
        if rule.usages.is_empty() {
            return Err(RuleError::NoUsages);
        }
        if let Some((metric, _)) = rule.usages.iter().find(|(_, delta)| *delta == 0) {
            return Err(RuleError::NoDelta(*metric));
        }
        Ok(Self {
            methods: Methods::parse(rule.methods.iter().map(String::as_str))?,
            pattern: Pattern::parse(&rule.pattern)?,
            usages: rule.usages.iter().copied().collect(),
            last: rule.last,
        })
    }
}

// === impl RuleSet ===

impl RuleSet {
    /// Compiles rules, given in order of position.
    #[must_use]
    pub fn compile(rules: Vec<Rule>) -> Self {
        let queries = Queries::of(rules.iter().map(|rule| &rule.pattern));
        let conditions = rules
            .iter()
            .map(|rule| Condition {
                methods: rule.methods,
                last: rule.last,
                query: queries.compile(&rule.pattern),
            })
            .collect();
        let paths = Index::of(rules.iter().map(|rule| &rule.pattern));
        Self {
            rules,
            conditions,
            paths,
            queries,
        }
    }

    /// The rules that match, by position, up to and including the first that is `last`.
    #[must_use]
    pub fn matching(&self, subject: &Subject<'_>) -> Matches {
        let method = Methods::bit(subject.method);
        let mut found = self.paths.find(subject.path);
        let found = found.as_mut_slice();
        found.sort_unstable();

        let candidates = found.iter().filter_map(|rule| {
            let condition = self.conditions.get(*rule as usize)?;
            (condition.methods.0 & method != 0).then_some((*rule, condition))
        });
        let mut values = None;
        let mut matches = Matches::default();
        for (rule, condition) in candidates.clone() {
            if !condition.query.is_empty() {
                let queries = candidates.clone().map(|(_, condition)| &condition.query);
                let values = values.get_or_insert_with(|| self.queries.read(queries, subject));
                if !condition.query.matches(values) {
                    continue;
                }
            }
            matches.rules.push(rule);
            if condition.last {
                break;
            }
        }
        matches
    }

    /// The rule at a position.
    #[must_use]
    pub fn rule(&self, position: usize) -> Option<&Rule> {
        self.rules.get(position)
    }

    /// All rules, by position.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What a request that matched these rules uses, before methods are rolled up.
    #[must_use]
    pub fn usage(&self, matches: &Matches) -> Usage {
        let mut usage = Usage::new();
        for rule in matches.iter().filter_map(|position| self.rule(position)) {
            usage.add_all(&rule.usages);
        }
        usage
    }
}

// === impl Matches ===

impl Matches {
    /// Positions of the matched rules, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.rules.as_slice().iter().map(|rule| *rule as usize)
    }

    /// Whether no rule matched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.as_slice().is_empty()
    }
}
