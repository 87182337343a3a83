//! Mapping rules: their order counts, and two may have the same methods and pattern.

use super::{Action, Change, deletion, field_changes};
use crate::catalogue::tree::{Path, Resource};

/// The changes, in the order in which they can be made, and what is left alone.
pub(super) fn diff(
    wanted: &[Resource],
    there: &[Resource],
    parent: &Path,
    delete: bool,
) -> (Vec<Change>, Vec<Path>) {
    let found = pair(wanted, there);
    let (mut changes, mut left_alone) = (Vec::new(), Vec::new());
    let mut order: Vec<Token> = Vec::new();
    for (n, rule) in there.iter().enumerate() {
        let path = parent.join(rule.kind, &rule.name);
        if found.contains(&Some(n)) {
            order.push(Token::There(n));
        } else if delete {
            changes.push(deletion(rule, path));
        } else {
            order.push(Token::There(n));
            left_alone.push(path);
        }
    }
    let stay = longest_run(&found);
    let mut before: Option<Token> = None;
    for (n, (rule, found)) in wanted.iter().zip(&found).enumerate() {
        let token = found.map_or(Token::New(n), Token::There);
        let existing = found.and_then(|found| there.get(found));
        let moves = found.is_none_or(|found| !stay.contains(&found));
        let position = moves.then(|| {
            order.retain(|it| *it != token);
            let index = place(&order, before, &stay);
            order.insert(index, token);
            index + 1
        });
        before = Some(token);
        let fields = field_changes(rule, existing);
        if !fields.is_empty() || position.is_some() {
            changes.push(Change {
                action: existing.map_or(Action::Create, |_| Action::Update),
                path: parent.join(rule.kind, &rule.name),
                id: existing.and_then(|rule| rule.id),
                at: rule.at,
                fields,
                position,
            });
        }
    }
    (changes, left_alone)
}

/// A rule, as it is moved about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    There(usize),
    New(usize),
}

/// After the rule before it; the first one before the first that stays, or at the end.
fn place(order: &[Token], before: Option<Token>, stay: &[usize]) -> usize {
    let index_of = |token| order.iter().position(|it| *it == token);
    match before {
        Some(before) => index_of(before).map(|index| index + 1),
        None => stay
            .first()
            .and_then(|first| index_of(Token::There(*first))),
    }
    .unwrap_or(order.len())
}

/// Which rule there is the wanted one: the same in everything if possible, else of the same methods and pattern.
fn pair(wanted: &[Resource], there: &[Resource]) -> Vec<Option<usize>> {
    let mut found: Vec<Option<usize>> = vec![None; wanted.len()];
    let mut free: Vec<bool> = vec![true; there.len()];
    for exact in [true, false] {
        let mut after = 0;
        for (rule, found) in wanted.iter().zip(&mut found) {
            if let Some(place) = *found {
                after = place;
                continue;
            }
            let fits = |place: &usize| {
                let it = there.get(*place).filter(|it| it.name == rule.name);
                free.get(*place) == Some(&true)
                    && it.is_some_and(|it| !exact || field_changes(rule, Some(it)).is_empty())
            };
            // Where all are in order already, taking the next one each time finds that.
            let place = (after..there.len())
                .find(fits)
                .or_else(|| (0..after).find(fits));
            if let Some(free) = place.and_then(|place| free.get_mut(place)) {
                *free = false;
                after = place.unwrap_or(after);
                *found = place;
            }
        }
    }
    found
}

/// As many rules as possible that are in the wanted order already: these stay where they are.
fn longest_run(found: &[Option<usize>]) -> Vec<usize> {
    // The best run that ends at each, as its length and the one before.
    let places: Vec<usize> = found.iter().flatten().copied().collect();
    let mut best: Vec<(usize, Option<usize>)> = Vec::new();
    for (n, place) in places.iter().enumerate() {
        let earlier = places.iter().zip(&best).enumerate().take(n);
        let longest = earlier
            .filter(|(_, (it, _))| *it < place)
            .max_by_key(|(index, (_, (length, _)))| (*length, std::cmp::Reverse(*index)));
        best.push(match longest {
            Some((index, (_, (length, _)))) => (length + 1, Some(index)),
            None => (1, None),
        });
    }
    let ends = best.iter().enumerate();
    let mut next = ends
        .max_by_key(|(index, (length, _))| (*length, std::cmp::Reverse(*index)))
        .map(|(index, _)| index);
    let mut run = Vec::new();
    while let Some(index) = next {
        run.extend(places.get(index).copied());
        next = best.get(index).and_then(|(_, before)| *before);
    }
    run.reverse();
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::kind::Kind;
    use crate::catalogue::tree::Name;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(name: u8, metric: u8) -> Resource {
        let name = Name::Rule {
            methods: vec!["GET".into()],
            pattern: format!("/{name}"),
        };
        let mut rule = Resource::new(Kind::Rule, name);
        rule.fields = vec![("usages", json!({ format!("m{metric}"): 1 }))];
        rule
    }

    fn rules(names: &[(u8, u8)]) -> Vec<Resource> {
        names
            .iter()
            .map(|(name, metric)| rule(*name, *metric))
            .collect()
    }

    /// What the server does with the changes.
    fn apply(there: &[Resource], changes: &[Change]) -> Vec<Resource> {
        let mut list: Vec<Resource> = there.to_vec();
        for (n, rule) in list.iter_mut().enumerate() {
            rule.id = i64::try_from(n).ok();
        }
        for change in changes {
            let at = list
                .iter()
                .position(|it| change.id.is_some() && it.id == change.id);
            let mut rule = at.map_or_else(
                || Resource::new(Kind::Rule, change.name().clone()),
                |at| list.remove(at),
            );
            if change.action == Action::Delete {
                continue;
            }
            for field in &change.fields {
                rule.fields.retain(|(name, _)| *name != field.name);
                rule.fields.push((field.name, field.to.clone()));
            }
            let index = change.position.map(|position| position - 1).or(at);
            list.insert(index.unwrap_or(list.len()).min(list.len()), rule);
        }
        list
    }

    fn with_ids(mut rules: Vec<Resource>) -> Vec<Resource> {
        for (n, rule) in rules.iter_mut().enumerate() {
            rule.id = i64::try_from(n).ok();
        }
        rules
    }

    #[test]
    fn only_what_moves_is_moved() {
        let there = with_ids(rules(&[(1, 1), (2, 1), (3, 1)]));
        for (wanted, positions) in [
            (vec![(1, 1), (2, 1), (3, 1)], vec![]),
            (vec![(9, 1), (1, 1), (2, 1), (3, 1)], vec![1]),
            (vec![(2, 1), (3, 1), (1, 1)], vec![3]),
            (vec![(3, 1), (2, 1), (1, 1)], vec![1, 2]),
            (vec![(1, 1), (2, 1), (3, 1), (4, 1)], vec![4]),
        ] {
            let (changes, _) = diff(&rules(&wanted), &there, &Path::default(), false);
            let seen: Vec<_> = changes
                .iter()
                .filter_map(|change| change.position)
                .collect();
            assert_eq!(seen.len(), positions.len(), "{wanted:?}: {changes:?}");
            let done = apply(&there, &changes);
            let (again, _) = diff(&rules(&wanted), &with_ids(done), &Path::default(), false);
            assert_eq!(again, [], "{wanted:?}");
        }
    }

    proptest! {
        #[test]
        fn any_list_becomes_any_other(
            there in proptest::collection::vec((0_u8..6, 0_u8..3), 0..9),
            wanted in proptest::collection::vec((0_u8..6, 0_u8..3), 0..9),
            delete in any::<bool>(),
        ) {
            let there = with_ids(rules(&there));
            let wanted = rules(&wanted);
            let (changes, left_alone) = diff(&wanted, &there, &Path::default(), delete);
            let done = apply(&there, &changes);
            let plain = |rules: &[Resource]| -> Vec<_> {
                rules.iter().map(|rule| (rule.name.clone(), rule.fields.clone())).collect()
            };
            if delete {
                prop_assert_eq!(plain(&done), plain(&wanted));
            }
            prop_assert_eq!(done.len(), wanted.len() + left_alone.len());
            let (again, _) = diff(&wanted, &with_ids(done), &Path::default(), delete);
            prop_assert_eq!(again, []);
        }
    }
}
