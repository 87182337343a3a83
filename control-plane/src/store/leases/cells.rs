//! SQL of cells as accounts take them: locked and read, written back whole.

use super::{instance, key_rows, number, stored};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::row;
use crate::store::ledger::{column, json};
use tallygate_core::book::{Cell, Reservation};

row! {
    struct CellRow {
        ord: i64,
        used: i64,
        leased: i64,
        version: i64,
        reserved_for: Option<Vec<u8>>,
        need: i64,
        reserved_until: i64,
    }
}

/// Locks those of the cells that exist, in the order of the list; `keys` sorted.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(tx: &mut Tx, keys: &[CellKey]) -> Result<Vec<(usize, Cell)>, Error> {
    let rows: Vec<CellRow> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select n.key as ord, cell.used, cell.leased, cell.version, cell.reserved_for, cell.need, cell.reserved_until
                 from json_each($1) as n cross join cell
                 on cell.application_id = n.value ->> 0 and cell.metric_id = n.value ->> 1
                 and cell.period = n.value ->> 2 and cell.window_start = n.value ->> 3",
            )
            .bind(json(&key_rows(keys)))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select n.ord - 1 as ord, cell.used, cell.leased, cell.version, cell.reserved_for, cell.need,
                        cell.reserved_until
                 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                 with ordinality as n (application_id, metric_id, period, window_start, ord)
                 join cell using (application_id, metric_id, period, window_start)
                 order by n.ord for no key update of cell",
            )
            .bind(column(keys, |key| key.application))
            .bind(column(keys, |key| key.metric))
            .bind(column(keys, |key| key.period.as_str()))
            .bind(column(keys, |key| key.window_start))
            .fetch_all(c)
            .await?
        }
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((usize::try_from(row.ord).ok()?, cell(&row))))
        .collect())
}

/// Writes cells, whole; `cells` in the order of the table's key.
///
/// # Errors
/// When the database does not answer.
pub async fn put(tx: &mut Tx, cells: &[(CellKey, Cell)]) -> Result<(), Error> {
    let reserved_for = |cell: &Cell| cell.reservation.map(|kept| kept.instance);
    let need = |cell: &Cell| cell.reservation.map_or(0, |kept| stored(kept.need));
    let until = |cell: &Cell| cell.reservation.map_or(0, |kept| stored(kept.until_ms));
    match tx.handle() {
        Handle::Sqlite(c) => {
            let rows: Vec<_> = cells
                .iter()
                .map(|(key, cell)| {
                    (
                        (
                            key.application,
                            key.metric,
                            key.period.as_str(),
                            key.window_start,
                        ),
                        stored(cell.used),
                        stored(cell.leased),
                        stored(cell.version),
                        reserved_for(cell).map(hex::encode),
                        need(cell),
                        until(cell),
                    )
                })
                .collect();
            sqlx::query(
                "insert into cell (application_id, metric_id, period, window_start, used, leased, version, reserved_for, need,
                                   reserved_until)
                 select value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]', value ->> 1,
                        value ->> 2, value ->> 3, unhex(value ->> 4), value ->> 5, value ->> 6
                 from json_each($1) where true
                 on conflict (application_id, metric_id, period, window_start) do update set used = excluded.used,
                 leased = excluded.leased, version = excluded.version, reserved_for = excluded.reserved_for,
                 need = excluded.need, reserved_until = excluded.reserved_until",
            )
            .bind(json(&rows))
            .execute(c)
            .await?;
        }
        Handle::Postgres(c) => {
            sqlx::query(
                "insert into cell (application_id, metric_id, period, window_start, used, leased, version, reserved_for, need,
                                   reserved_until)
                 select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                                      $7::bigint[], $8::bytea[], $9::bigint[], $10::bigint[])
                 on conflict (application_id, metric_id, period, window_start) do update set used = excluded.used,
                 leased = excluded.leased, version = excluded.version, reserved_for = excluded.reserved_for,
                 need = excluded.need, reserved_until = excluded.reserved_until",
            )
            .bind(column(cells, |(key, _)| key.application))
            .bind(column(cells, |(key, _)| key.metric))
            .bind(column(cells, |(key, _)| key.period.as_str()))
            .bind(column(cells, |(key, _)| key.window_start))
            .bind(column(cells, |(_, cell)| stored(cell.used)))
            .bind(column(cells, |(_, cell)| stored(cell.leased)))
            .bind(column(cells, |(_, cell)| stored(cell.version)))
            .bind(column(cells, |(_, cell)| reserved_for(cell).map(|name| name.to_vec())))
            .bind(column(cells, |(_, cell)| need(cell)))
            .bind(column(cells, |(_, cell)| until(cell)))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

fn cell(row: &CellRow) -> Cell {
    let reservation = row
        .reserved_for
        .as_deref()
        .and_then(instance)
        .map(|instance| Reservation {
            instance,
            need: number(row.need),
            until_ms: number(row.reserved_until),
        });
    Cell {
        limit: None,
        used: number(row.used),
        leased: number(row.leased),
        version: number(row.version),
        reservation,
    }
}
