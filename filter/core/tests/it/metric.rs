//! Usage and how methods roll up.

use proptest::prelude::*;
use std::collections::BTreeMap;
use tallygate_core::id::MetricId;
use tallygate_core::metric::{Hierarchy, Usage, roll_up};

const HITS: MetricId = MetricId(1);

fn usage(entries: &[(i64, u64)]) -> Usage {
    entries
        .iter()
        .map(|(metric, delta)| (MetricId(*metric), *delta))
        .collect()
}

#[test]
fn methods_add_to_hits() {
    let methods_of_hits = Hierarchy::new([(MetricId(2), HITS), (MetricId(3), HITS)]);
    let check = |used: &[(i64, u64)], rolled_up: &[(i64, u64)]| {
        assert_eq!(roll_up(&usage(used), &methods_of_hits), usage(rolled_up));
    };
    check(&[], &[]);
    check(&[(1, 1)], &[(1, 1)]);
    check(&[(2, 1)], &[(1, 1), (2, 1)]);
    check(&[(2, 1), (3, 5)], &[(1, 6), (2, 1), (3, 5)]);
    // A parent that is named too gets both.
    check(&[(1, 1), (2, 1)], &[(1, 2), (2, 1)]);
    // A metric outside the tree stands alone.
    check(&[(9, 4)], &[(9, 4)]);
    check(
        &[(2, u64::MAX), (3, 1)],
        &[(1, u64::MAX), (2, u64::MAX), (3, 1)],
    );
}

#[test]
fn all_ancestors_are_added_to_and_circles_end() {
    let chain = Hierarchy::new([(MetricId(3), MetricId(2)), (MetricId(2), HITS)]);
    assert_eq!(
        roll_up(&usage(&[(3, 2)]), &chain),
        usage(&[(1, 2), (2, 2), (3, 2)])
    );
    assert_eq!(chain.parent(MetricId(3)), Some(MetricId(2)));
    assert_eq!(chain.parent(HITS), None);

    let circle = Hierarchy::new([(MetricId(1), MetricId(2)), (MetricId(2), MetricId(1))]);
    assert!(roll_up(&usage(&[(1, 1)]), &circle).get(MetricId(2)) >= 1);
}

proptest! {
    #[test]
    fn usage_is_a_map(entries in prop::collection::vec((0_i64..12, any::<u64>()), 0..40)) {
        let mut model = BTreeMap::new();
        let mut usage = Usage::new();
        for (metric, delta) in entries {
            usage.add(MetricId(metric), delta);
            let total: &mut u64 = model.entry(MetricId(metric)).or_default();
            *total = total.saturating_add(delta);
        }
        prop_assert_eq!(usage.is_empty(), model.is_empty());
        for metric in (0..12).map(MetricId) {
            prop_assert_eq!(usage.get(metric), model.get(&metric).copied().unwrap_or(0));
        }
        prop_assert_eq!(usage.iter().collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
    }
}
