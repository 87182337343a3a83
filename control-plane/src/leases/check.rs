//! Which asks make no sense, whatever the database says.

use crate::error::Error;
use crate::ledger::batch::MOST;
use std::collections::HashSet;
use tallygate_core::wire::AskV1;

/// The most cells that one request may meet.
pub(super) const MOST_CELLS: usize = 1_024;

/// Refuses an ask without cells or with too many, with one cell twice, or with numbers beyond all use.
pub(super) fn sense(ask: &AskV1) -> Result<(), Error> {
    let bad = |message: String| Err(Error::invalid("cells", message));
    if ask.cells.is_empty() || ask.cells.len() > MOST_CELLS {
        return bad(format!("must be 1 to {MOST_CELLS}"));
    }
    let mut seen = HashSet::new();
    for asked in &ask.cells {
        let totals = &asked.totals;
        if !seen.insert((totals.metric, totals.period, totals.window)) {
            return bad(format!(
                "name the {} of metric {} twice",
                totals.period.as_str(),
                totals.metric
            ));
        }
        let numbers = [
            asked.need,
            asked.want,
            totals.granted,
            totals.spent,
            totals.returned,
        ];
        if numbers.into_iter().any(|number| number > MOST) {
            return bad(format!("have a number beyond {MOST}"));
        }
    }
    Ok(())
}
