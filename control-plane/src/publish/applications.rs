//! Changed applications, and identifiers that no longer name one.

use super::Room;
use crate::db::Tx;
use crate::error::Error;
use crate::store::snapshot::{self as store, From};
use tallygate_core::id::{ApplicationId, PlanId, ProductId};
use tallygate_core::wire::{ApplicationV1, Cursor, Digest, EndingKeyV1};

/// About what a live application takes: bounds how many rows are worth asking for.
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
    let limit = (room.left / LEAST_BYTES).max(2);
    let mut entries = Vec::new();
    let mut end = None;
    for from in [
        From::Within(after.applications, after.application),
        From::After(after.applications),
    ] {
        let retired = retired(store::retired(tx, from, head, limit).await?);
        let live = live(store::applications(tx, from, head, limit).await?);
        // Beyond the end of a list that was cut off, nothing is known of what should come between.
        end = [cut_off(&retired, limit), cut_off(&live, limit)]
            .into_iter()
            .flatten()
            .min();
        entries.extend(retired);
        entries.extend(live);
        if end.is_some() || entries.len() >= limit {
            // The rest is for the next page, which asks again.
            end = end.or_else(|| entries.iter().map(|(place, _)| *place).max());
            break;
        }
    }
    // Stable: of one application what was retired comes before what is live.
    entries.sort_by_key(|(place, _)| *place);

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
fn cut_off(entries: &[(Place, ApplicationV1)], limit: usize) -> Option<Place> {
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
        .map(|row| {
            let application = ApplicationV1 {
                id: ApplicationId(row.application_id),
                revision: row.revision,
                ident: digest(&row.ident, row.application_id).unwrap_or_default(),
                product: ProductId(row.product_id),
                plan: PlanId(row.plan_id),
                live: false,
                keys: Vec::new(),
                referrers: Vec::new(),
                ending: Vec::new(),
            };
            ((row.revision, row.application_id), application)
        })
        .collect()
}

fn live(rows: Vec<store::Application>) -> Vec<(Place, ApplicationV1)> {
    rows.into_iter()
        .map(|row| {
            let ident = digest(&row.ident, row.id);
            let (keys, ending) = keys(row.keys.as_deref());
            let application = ApplicationV1 {
                id: ApplicationId(row.id),
                revision: row.revision,
                ident: ident.unwrap_or_default(),
                product: ProductId(row.product_id),
                plan: PlanId(row.plan_id),
                live: row.live && ident.is_some(),
                keys,
                referrers: referrers(row.referrers.as_deref()),
                ending,
            };
            ((row.revision, row.id), application)
        })
        .collect()
}

/// Keys that do not end, and those that do.
fn keys(listed: Option<&str>) -> (Vec<Digest>, Vec<EndingKeyV1>) {
    let (mut keys, mut ending) = (Vec::new(), Vec::new());
    for listed in listed.unwrap_or_default().split(',') {
        let (digest, end_ms) = match listed.split_once(':') {
            Some((digest, end_ms)) => (digest, Some(end_ms)),
            None => (listed, None),
        };
        let mut key = Digest::default();
        if hex::decode_to_slice(digest, &mut key).is_err() {
            continue;
        }
        match end_ms {
            None => keys.push(key),
            Some(end_ms) => ending.push(EndingKeyV1 {
                key,
                // One that cannot be read has ended.
                end_secs: end_ms.parse::<u64>().unwrap_or_default().div_ceil(1_000),
            }),
        }
    }
    (keys, ending)
}

/// Filters as they are compared: case says nothing in a host.
fn referrers(listed: Option<&str>) -> Vec<String> {
    let listed = listed.unwrap_or_default().split(',');
    listed
        .filter(|filter| !filter.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// A digest as stored; what is none lets nobody in.
fn digest(bytes: &[u8], application: i64) -> Option<Digest> {
    let digest = Digest::try_from(bytes).ok();
    if digest.is_none() {
        tracing::error!(
            application,
            "a stored digest has not 16 bytes: it lets nobody in"
        );
    }
    digest
}
