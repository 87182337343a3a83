//! What the batches of a group say that are the next of their instances.

use super::Delivery;
use super::batch::{self, Known, Rejection};
use super::claim::Claim;
use super::credit::Told;
use super::totals::{Entry, merge};
use crate::db::Tx;
use crate::error::Error;
use crate::leases::key::{CellKey, Named};
use std::collections::BTreeMap;

/// What the batches that are the next of their instances say.
#[derive(Default)]
pub(super) struct Taken<'a> {
    /// What the database knows of what they name.
    pub(super) known: Known,
    /// Usage of good rows, sorted and merged.
    pub(super) entries: Vec<Entry>,
    /// What good rows tell of leases.
    pub(super) told: Vec<Told>,
    /// Such that makes no sense.
    pub(super) senseless: u64,
    /// Bad rows, by delivery.
    pub(super) rejections: BTreeMap<usize, Vec<Rejection<'a>>>,
    /// How many rows there were.
    pub(super) rows: usize,
}

impl<'a> Taken<'a> {
    /// Reads and checks them.
    pub(super) async fn read(
        tx: &mut Tx,
        now_ms: i64,
        deliveries: &'a [Delivery],
        claims: &[Claim],
    ) -> Result<Self, Error> {
        let mut taken = Self::default();
        let batches: Vec<(usize, Vec<batch::Row<'a>>)> = deliveries
            .iter()
            .zip(claims)
            .enumerate()
            .filter(|(_, (_, claim))| matches!(claim, Claim::Next { .. }))
            .map(|(n, (delivery, _))| (n, batch::read(&delivery.sync.rows)))
            .collect();
        if batches.is_empty() {
            return Ok(taken);
        }
        taken.known = Known::look_up(tx, batches.iter().flat_map(|(_, rows)| rows)).await?;
        let now_secs = now_ms.unsigned_abs() / 1000;
        let mut cells = Vec::new();
        for (n, rows) in batches {
            taken.rows += rows.len();
            let rejections = taken
                .known
                .sort_out(rows, now_ms, &mut taken.entries, &mut cells);
            taken.rejections.insert(n, rejections);
            for (application, told) in cells.drain(..) {
                let (key, named) =
                    CellKey::named(application, told.metric, told.period, told.window, now_secs);
                match named {
                    Named::Kept if taken.known.belong(application, told.metric.0) => {
                        taken.told.push(Told {
                            delivery: n,
                            key,
                            spent: told.spent,
                            returned: told.returned,
                        });
                    }
                    Named::Over => {}
                    Named::Kept | Named::Wrong => taken.senseless += 1,
                }
            }
        }
        merge(&mut taken.entries);
        Ok(taken)
    }
}
