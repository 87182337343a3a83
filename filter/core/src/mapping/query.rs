//! The query parts of patterns: which parameters a rule asks for, and finding them in a request in one pass.
//!
//! Names and values are compared decoded. Of a repeated parameter the last one counts, of one that is both in
//! the query and in the form the form's. Nothing is read unless a rule that matched by path asks for it.

use super::{Pattern, Subject};
use crate::few::Few;
use crate::path::{decoded, raw_pairs};
use alloc::{boxed::Box, vec::Vec};

/// The names of all parameters that any rule of a set asks for, sorted: a name's place is its number.
#[derive(Debug)]
pub(super) struct Queries {
    names: Vec<Box<[u8]>>,
}

/// The parameters one rule asks for.
#[derive(Debug)]
pub(super) struct Query {
    parts: Box<[Part]>,
}

#[derive(Debug)]
struct Part {
    /// The name's number.
    name: u32,
    /// The value, decoded; none when any will do.
    value: Option<Box<[u8]>>,
}

/// What a request gives for the parameters that its candidate rules ask for: by number, still encoded.
pub(super) struct Values<'a> {
    given: Few<(u32, Option<&'a [u8]>), 8>,
}

// === impl Queries ===

impl Queries {
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let mut names: Vec<Box<[u8]>> = patterns
            .flat_map(Pattern::query)
            .map(|part| part.name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        Self { names }
    }

    pub(super) fn compile(&self, pattern: &Pattern) -> Query {
        let parts = pattern.query().iter().filter_map(|part| {
            let name = self.names.binary_search(&part.name).ok()?;
            Some(Part {
                name: u32::try_from(name).ok()?,
                value: part.value.clone(),
            })
        });
        Query {
            parts: parts.collect(),
        }
    }

    /// Finds what `queries` ask for: one pass over the request, one look-up per pair.
    pub(super) fn read<'a, 'q>(
        &self,
        queries: impl Iterator<Item = &'q Query>,
        subject: &Subject<'a>,
    ) -> Values<'a> {
        let mut values = Values::wanted(queries);
        for encoded in [subject.query, subject.form].into_iter().flatten() {
            for (name, value) in raw_pairs(encoded) {
                let wanted = values.given.as_mut_slice();
                let found = wanted.binary_search_by(|(number, _)| {
                    let wanted = self
                        .names
                        .get(*number as usize)
                        .map_or(&[][..], |name| name);
                    wanted.iter().copied().cmp(decoded(name))
                });
                if let Some((_, given)) = found.ok().and_then(|at| wanted.get_mut(at)) {
                    *given = Some(value);
                }
            }
        }
        values
    }
}

// === impl Query ===

impl Query {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn matches(&self, values: &Values<'_>) -> bool {
        self.parts
            .iter()
            .all(|part| match (values.get(part.name), &part.value) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(given), Some(wanted)) => wanted.iter().copied().eq(decoded(given)),
            })
    }
}

// === impl Values ===

impl Values<'_> {
    fn wanted<'q>(queries: impl Iterator<Item = &'q Query>) -> Self {
        let mut numbers = Few::<u32, 8>::new();
        for part in queries.flat_map(|query| &query.parts) {
            numbers.push(part.name);
        }
        numbers.as_mut_slice().sort_unstable();
        let mut given = Few::new();
        for same in numbers.as_slice().chunk_by(|left, right| left == right) {
            for number in same.iter().take(1) {
                given.push((*number, None));
            }
        }
        Self { given }
    }

    fn get(&self, number: u32) -> Option<&[u8]> {
        let given = self.given.as_slice();
        let at = given
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        given.get(at).and_then(|(_, value)| *value)
    }
}
