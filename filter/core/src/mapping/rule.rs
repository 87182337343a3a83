//! One mapping rule, checked: what the control plane refuses to save would fail here too.

use super::pattern::{Pattern, PatternError};
use crate::id::MetricId;
use crate::metric::Usage;
use crate::wire::RuleV1;
use alloc::string::String;

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
    NoDelta(MetricId),
    /// A match would add more than a ledger takes of many.
    #[error("usages: the delta of metric {0} must be at most {MOST_DELTA}")]
    TooMuch(MetricId),
}

/// The most that one match may add to a metric. The ledger takes 2^53 − 1 of one metric in a minute: millions of these.
pub const MOST_DELTA: u64 = 1_000_000_000;

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
        if let Some((metric, _)) = rule.usages.iter().find(|(_, delta)| *delta > MOST_DELTA) {
            return Err(RuleError::TooMuch(*metric));
        }
        Ok(Self {
            methods: Methods::parse(rule.methods.iter().map(String::as_str))?,
            pattern: Pattern::parse(&rule.pattern)?,
            usages: rule.usages.iter().copied().collect(),
            last: rule.last,
        })
    }
}

// === impl Methods ===

impl Methods {
    /// Every method, known or not.
    pub const ANY: Self = Self(u8::MAX);
    /// All the methods that a rule cannot name.
    const OTHERS: Self = Self(1 << 7);

    /// Reads a list of method names.
    ///
    /// # Errors
    /// When the list is empty or a name is not known.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, RuleError> {
        let mut methods = 0;
        for name in names {
            methods |= match name {
                "ANY" => Self::ANY.0,
                name => match Self::of(name.as_bytes()) {
                    Self::OTHERS => return Err(RuleError::UnknownMethod(name.into())),
                    method => method.0,
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
        self.overlap(Self::of(method))
    }

    /// The set of one method, as a request names it.
    pub(super) fn of(method: &[u8]) -> Self {
        match method {
            b"GET" => Self(1),
            b"POST" => Self(1 << 1),
            b"DELETE" => Self(1 << 2),
            b"PUT" => Self(1 << 3),
            b"PATCH" => Self(1 << 4),
            b"HEAD" => Self(1 << 5),
            b"OPTIONS" => Self(1 << 6),
            _ => Self::OTHERS,
        }
    }

    pub(super) fn overlap(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
