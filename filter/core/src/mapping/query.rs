//! Rules that ask for query parameters: found by the request's parameters, not by trying one rule after the other.
//!
//! Each rule waits under one of its parameters, the one that fewest rules share; the others are checked when that
//! one is given. Names and values are compared decoded. Of a repeated parameter the last one counts, of one that is
//! both in the query and in the form the form's.

use super::pattern::QueryPart;
use super::{Candidate, Rule, Subject};
use crate::few::Few;
use crate::path::{decoded, raw_pairs};
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::cmp::Ordering;
use core::ops::Range;

/// All rules that ask for parameters.
#[derive(Debug)]
pub(super) struct AskingRules {
    /// The names they ask for, sorted: a name's place is its number.
    names: Vec<Box<[u8]>>,
    /// Path by path, and for one path by the parameter they wait under.
    rules: Vec<AskingRule>,
}

#[derive(Debug)]
struct AskingRule {
    waits_under: Parameter,
    others: Box<[Parameter]>,
    candidate: Candidate,
}

/// A parameter that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parameter {
    /// The name's number.
    name: u32,
    /// The value, decoded; none when any will do. None comes first.
    value: Option<Box<[u8]>>,
}

/// How many rules ask for each parameter.
pub(super) struct Askers(BTreeMap<Parameter, usize>);

/// What a request gives for the names that rules ask for: by number, each once, values still encoded.
pub(super) struct Values<'a> {
    given: Few<(u32, &'a [u8]), 8>,
}

// === impl AskingRules: compiling ===

impl AskingRules {
    /// Ready to take those of `rules` that ask for parameters, path by path.
    pub(super) fn of(rules: &[Rule]) -> (Self, Askers) {
        let parts = || rules.iter().flat_map(|rule| rule.pattern.query());
        let mut names: Vec<_> = parts().map(|part| part.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let asking = Self {
            names,
            rules: Vec::new(),
        };
        let mut askers = BTreeMap::new();
        for part in parts() {
            *askers.entry(asking.parameter(part)).or_default() += 1;
        }
        (asking, Askers(askers))
    }

    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn push(&mut self, candidate: Candidate, query: &[QueryPart], askers: &Askers) {
        let mut parameters: Vec<_> = query.iter().map(|part| self.parameter(part)).collect();
        // A given value says more than a given name.
        parameters.sort_by_key(|parameter| (parameter.value.is_none(), askers.0.get(parameter)));
        let mut parameters = parameters.into_iter();
        if let Some(waits_under) = parameters.next() {
            let others = parameters.collect();
            self.rules.push(AskingRule {
                waits_under,
                others,
                candidate,
            });
        }
    }

    /// To be called when all rules of one path, which begin at `start`, are there.
    pub(super) fn sort_from(&mut self, start: usize) {
        let rules = self.rules.get_mut(start..).unwrap_or_default();
        rules.sort_by(|left, right| left.waits_under.cmp(&right.waits_under));
    }

    fn parameter(&self, part: &QueryPart) -> Parameter {
        let (Ok(name) | Err(name)) = self.names.binary_search(&part.name);
        Parameter {
            name: u32::try_from(name).unwrap_or(u32::MAX),
            value: part.value.clone(),
        }
    }
}

// === impl AskingRules: searching ===

impl AskingRules {
    /// Finds what the rules may ask for: one pass over the request, one look-up per pair.
    pub(super) fn read<'a>(&self, subject: &Subject<'a>) -> Values<'a> {
        let mut all = Few::<(u32, &[u8]), 8>::new();
        for encoded in [subject.query, subject.form].into_iter().flatten() {
            for (name, value) in raw_pairs(encoded) {
                let known = self
                    .names
                    .binary_search_by(|known| known.iter().copied().cmp(decoded(name)));
                if let Ok(name) = known {
                    all.extend(u32::try_from(name).ok().map(|name| (name, value)));
                }
            }
        }
        // A stable sort: the last one stays last.
        all.as_mut_slice().sort_by_key(|(name, _)| *name);
        let mut given = Few::new();
        for same in all
            .as_slice()
            .chunk_by(|(left, _), (right, _)| left == right)
        {
            given.extend(same.last().copied());
        }
        Values { given }
    }

    /// Calls `take` with those of `rules` whose parameters are all given.
    pub(super) fn answered(
        &self,
        rules: Range<usize>,
        values: &Values<'_>,
        take: &mut impl FnMut(&Candidate),
    ) {
        let rules = self.rules.get(rules).unwrap_or_default();
        for (name, value) in values.given.as_slice() {
            let same_name = equal(rules, |rule| rule.waits_under.name.cmp(name));
            let any_value = equal(same_name, |rule| match rule.waits_under.value {
                None => Ordering::Equal,
                Some(_) => Ordering::Greater,
            });
            let same_value = equal(same_name, |rule| match &rule.waits_under.value {
                None => Ordering::Less,
                Some(wanted) => wanted.iter().copied().cmp(decoded(value)),
            });
            for rule in any_value.iter().chain(same_value) {
                if rule
                    .others
                    .iter()
                    .all(|parameter| parameter.is_given(values))
                {
                    take(&rule.candidate);
                }
            }
        }
    }
}

/// Those of the sorted `rules` that compare as equal.
fn equal(rules: &[AskingRule], compare: impl Fn(&AskingRule) -> Ordering) -> &[AskingRule] {
    let start = rules.partition_point(|rule| compare(rule).is_lt());
    let end = rules.partition_point(|rule| compare(rule).is_le());
    rules.get(start..end).unwrap_or_default()
}

// === impl Parameter ===

impl Parameter {
    fn is_given(&self, values: &Values<'_>) -> bool {
        match (values.get(self.name), &self.value) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(given), Some(wanted)) => wanted.iter().copied().eq(decoded(given)),
        }
    }
}

// === impl Values ===

impl Values<'_> {
    fn get(&self, name: u32) -> Option<&[u8]> {
        let given = self.given.as_slice();
        let at = given.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        given.get(at).map(|(_, value)| *value)
    }
}
