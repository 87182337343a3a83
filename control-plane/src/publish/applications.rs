//! Changed applications, and identifiers that no longer name one.

use super::Room;
use crate::db::Tx;
use crate::error::Error;
use crate::store::snapshot as store;
use tallygate_core::id::{ApplicationId, PlanId, ProductId};
use tallygate_core::wire::{ApplicationV1, Cursor, Digest};

/// The smallest entry: bounds how many rows are worth asking for.
const LEAST_BYTES: usize = 40;

/// Place of an entry in the order that cursors count in.
type Place = (i64, i64);

/// Applications changed after the cursor up to `head`, as far as there is room, and where to go on, if anywhere.
pub(super) async fn changed(
    tx: &mut Tx,
    after: Cursor,
    head: i64,
    room: &mut Room,
) -> Result<(Vec<ApplicationV1>, Option<Cursor>), Error> {
    let limit = (room.left / LEAST_BYTES).max(1);
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut entries = retired(store::retired(tx, after, head, rows).await?);
    let retired_end = end(&entries, limit);
    let live = with_keys(store::applications(tx, after, head, rows).await?);
    let live_end = end(&live, limit);
    entries.extend(live);
    // Stable: of one application what was retired comes before what is live.
    entries.sort_by_key(|(place, _)| *place);

    // Beyond the end of a list that was cut off, nothing is known of what should come between.
    let end = [retired_end, live_end].into_iter().flatten().min();
    let mut applications = Vec::new();
    let mut read_up_to = (after.applications, after.application);
    let mut all = end.is_none();
    for group in entries.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((place, _)) = group.first() else {
            continue;
        };
        let of_place: Vec<&ApplicationV1> = group.iter().map(|(_, entry)| entry).collect();
        if end.is_some_and(|end| *place > end) || !room.take(&of_place) {
            all = false;
            break;
        }
        applications.extend(of_place.into_iter().cloned());
        read_up_to = *place;
    }
    let next = Cursor {
        products: after.products,
        applications: read_up_to.0,
        application: read_up_to.1,
    };
    Ok((applications, (!all).then_some(next)))
}

/// The last place of a list that may go on, none when it is whole.
fn end(entries: &[(Place, ApplicationV1)], limit: usize) -> Option<Place> {
    if entries.len() < limit {
        return None;
    }
    let last = entries.last()?.0;
    // Of the last place there may be more, unless there is no other.
    entries
        .iter()
        .rev()
        .map(|(place, _)| *place)
        .find(|place| *place != last)
        .or(Some(last))
}

fn retired(rows: Vec<store::Retired>) -> Vec<(Place, ApplicationV1)> {
    rows.into_iter()
        .filter_map(|row| {
            let application = ApplicationV1 {
                id: ApplicationId(row.application_id),
                revision: row.revision,
                ident: digest(&row.ident, row.application_id)?,
                product: ProductId(row.product_id),
                plan: PlanId(row.plan_id),
                live: false,
                keys: Vec::new(),
            };
            Some(((row.revision, row.application_id), application))
        })
        .collect()
}

/// One entry for the rows of each application.
fn with_keys(rows: Vec<store::Application>) -> Vec<(Place, ApplicationV1)> {
    let mut applications: Vec<(Place, ApplicationV1)> = Vec::new();
    for row in rows {
        let key = row.digest.as_deref().and_then(|key| digest(key, row.id));
        if let Some((_, application)) = applications.last_mut()
            && application.id.0 == row.id
        {
            application.keys.extend(key);
            continue;
        }
        let Some(ident) = digest(&row.ident, row.id) else {
            continue;
        };
        let application = ApplicationV1 {
            id: ApplicationId(row.id),
            revision: row.revision,
            ident,
            product: ProductId(row.product_id),
            plan: PlanId(row.plan_id),
            live: row.live,
            keys: key.into_iter().collect(),
        };
        applications.push(((row.revision, row.id), application));
    }
    applications
}

fn digest(bytes: &[u8], application: i64) -> Option<Digest> {
    let digest = Digest::try_from(bytes).ok();
    if digest.is_none() {
        tracing::error!(
            application,
            "a stored digest has not 16 bytes: it is left out of the snapshot"
        );
    }
    digest
}
