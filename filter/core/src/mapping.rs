//! Mapping rules: which requests a product serves, and what each of them uses.
//!
//! A rule list is an allow-list: a request that no rule matches goes nowhere. All rules that match count, in order
//! of position, until one that is `last`. Rules are compiled once ([`RuleSet::compile`]): by path (`index`), and
//! those of one path by the query parameters they ask for (`query`). A request then costs what its own length and
//! its matches cost, however many rules there are.

mod index;
mod pattern;
mod query;
mod rule;

use crate::few::{Few, Filler};
use crate::metric::Usage;
use alloc::vec::Vec;
use core::ops::Range;
use index::{Index, IndexedPath};
use query::{AskingRules, Values};

pub use pattern::{MAX_PATTERN_CHARS, Pattern, PatternError};
pub use rule::{MOST_DELTA, Methods, Rule, RuleError};

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
    /// The paths of the rules, by number.
    paths: Index,
    /// What there is at each path, by its number.
    at_path: Vec<AtPath>,
    /// The rules that ask nothing of the query, path by path.
    open: Vec<Candidate>,
    /// The rules that do, path by path.
    asking: AskingRules,
}

/// The rules of one path: where they are among all that ask, or do not ask, for query parameters.
#[derive(Debug)]
struct AtPath {
    open: Range<usize>,
    asking: Range<usize>,
}

/// A rule that matches by path: all that the search still needs of it.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    position: u32,
    methods: Methods,
    last: bool,
}

/// The rules that a request matched, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    positions: Few<u32, 8>,
}

// === impl Candidate ===

impl Filler for Candidate {
    const FILLER: Self = Self {
        position: 0,
        methods: Methods::ANY,
        last: false,
    };
}

// === impl RuleSet ===

impl RuleSet {
    /// Compiles rules, given in order of position.
    #[must_use]
    pub fn compile(rules: Vec<Rule>) -> Self {
        let mut by_path: Vec<(IndexedPath<'_>, &Rule)> = (0..)
            .zip(&rules)
            .map(|(position, rule)| (rule.pattern.indexed(position), rule))
            .collect();
        by_path.sort_unstable_by_key(|(path, _)| *path);

        let mut paths = Vec::new();
        let mut at_path = Vec::new();
        let mut open = Vec::new();
        let (mut asking, askers) = AskingRules::of(&rules);
        let same_path = |(left, _): &(IndexedPath<'_>, _), (right, _): &(IndexedPath<'_>, _)| {
            (left.path, left.anchored) == (right.path, right.anchored)
        };
        for (number, rules) in (0..).zip(by_path.chunk_by(same_path)) {
            let (open_start, asking_start) = (open.len(), asking.len());
            for (path, rule) in rules {
                let candidate = Candidate {
                    position: path.number,
                    methods: rule.methods,
                    last: rule.last,
                };
                match rule.pattern.query() {
                    [] => open.push(candidate),
                    query => asking.push(candidate, query, &askers),
                }
            }
            asking.sort_from(asking_start);
            at_path.push(AtPath {
                open: open_start..open.len(),
                asking: asking_start..asking.len(),
            });
            paths.extend(
                rules
                    .first()
                    .map(|(path, _)| IndexedPath { number, ..*path }),
            );
        }
        let paths = Index::of(&paths);
        Self {
            rules,
            paths,
            at_path,
            open,
            asking,
        }
    }

    /// The rules that match, by position, up to and including the first that is `last`.
    #[must_use]
    pub fn matching(&self, subject: &Subject<'_>) -> Matches {
        let method = Methods::of(subject.method);
        let mut candidates = Few::<Candidate, 8>::new();
        let mut take = |candidate: &Candidate| {
            if candidate.methods.overlap(method) {
                candidates.push(*candidate);
            }
        };
        let mut values = None;
        for path in self.paths.find(subject.path).as_slice() {
            let Some(at_path) = self.at_path.get(*path as usize) else {
                continue;
            };
            let open = self.open.get(at_path.open.clone()).unwrap_or_default();
            open.iter().for_each(&mut take);
            if !at_path.asking.is_empty() {
                let values: &Values<'_> = values.get_or_insert_with(|| self.asking.read(subject));
                self.asking
                    .answered(at_path.asking.clone(), values, &mut take);
            }
        }

        let candidates = candidates.as_mut_slice();
        candidates.sort_unstable_by_key(|candidate| candidate.position);
        let end = candidates.iter().position(|candidate| candidate.last);
        let counting = end.map_or(candidates.len(), |last| last + 1);
        let mut matches = Matches::default();
        matches.positions.extend(
            candidates
                .iter()
                .take(counting)
                .map(|candidate| candidate.position),
        );
        matches
    }

    /// Whether the last of these matches kept later rules from counting.
    #[must_use]
    pub fn ends_search(&self, matches: &Matches) -> bool {
        matches
            .iter()
            .last()
            .and_then(|position| self.rule(position))
            .is_some_and(|rule| rule.last)
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
        self.positions
            .as_slice()
            .iter()
            .map(|position| *position as usize)
    }

    /// Whether no rule matched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.as_slice().is_empty()
    }
}
