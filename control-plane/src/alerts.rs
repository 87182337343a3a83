//! Alerts: a limit came close, or was passed. Raised once for each level that a cell reaches, in the transaction of the
//! ledger that took it there.

pub mod growth;

use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::mail;
use crate::store::alerts::{self as rows, NewAlert};
use growth::Growth;

/// Percent of a limit at which an alert is raised, as in 3scale.
pub const LEVELS: &[i64] = &[50, 80, 90, 100, 120, 150, 200, 300];

/// Raises what the growth of a cell crosses under this limit.
///
/// # Errors
/// When the database does not answer.
pub async fn watch(tx: &mut Tx, growth: Growth, limit: i64) -> Result<(), Error> {
    let Some(level) = crossed(growth.before, growth.after, limit) else {
        return Ok(());
    };
    let key = growth.key;
    let alert = NewAlert {
        application_id: key.application,
        metric_id: key.metric,
        period: key.period.as_str(),
        window_start: key.window_start,
        level,
        used: growth.after,
        limit_value: limit,
    };
    match rows::raise(tx, alert).await? {
        Some(id) => {
            mail::alerts::raised(tx, id).await?;
            events::record(tx, events::ALERT_RAISED, id).await
        }
        None => Ok(()),
    }
}

/// The highest level that is reached and was not before. What is not sold at all (a limit of 0) raises none.
#[must_use]
pub fn crossed(before: i64, after: i64, limit: i64) -> Option<i64> {
    if limit <= 0 || after <= before {
        return None;
    }
    let reaches =
        |used: i64, level: i64| i128::from(used) * 100 >= i128::from(limit) * i128::from(level);
    let highest = LEVELS
        .iter()
        .rev()
        .copied()
        .find(|level| reaches(after, *level))?;
    (!reaches(before, highest)).then_some(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_crossed_once_and_the_highest_counts() {
        for (before, after, limit, expected) in [
            (0, 49, 100, None),
            (49, 50, 100, Some(50)),
            (50, 51, 100, None),
            (50, 79, 100, None),
            (50, 95, 100, Some(90)),
            (99, 100, 100, Some(100)),
            (100, 119, 100, None),
            (0, 1_000, 100, Some(300)),
            (300, 1_000, 100, None),
            (0, 1, 1, Some(100)),
            (1, 2, 3, Some(50)),
            (0, 1, 0, None),
            (5, 5, 5, None),
            (0, i64::MAX, i64::MAX, Some(100)),
            (i64::MAX - 1, i64::MAX, 1, None),
        ] {
            assert_eq!(
                crossed(before, after, limit),
                expected,
                "{before} {after} {limit}"
            );
        }
    }
}
