//! SQL of what operators see: who holds how much credit, and what gateways have done.
//!
//! Sums stay at the largest number rather than fail.

use super::{open_windows, stored};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::store::ledger::{column, json};
use crate::{on, row};
use tallygate_core::lease::{RECALL_MS, TTL_MS};

row! {
    /// Credit of one gateway's processes in one product's open windows.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Holding {
        /// The gateway.
        pub gateway_id: i64,
        /// The product.
        pub product_id: i64,
        /// What is left of all leases.
        pub credit_held: i64,
        /// How many leases have something left.
        pub leases: i64,
        /// How many of them are being recalled.
        pub recalls: i64,
        /// What processes have left that are not heard of any more: it may have been spent.
        pub unaccounted: i64,
    }
}

row! {
    /// What one gateway's processes have done for a product, those before with them.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Done {
        /// The gateway.
        pub gateway_id: i64,
        /// The product.
        pub product_id: i64,
        /// Requests admitted.
        pub admitted: i64,
        /// Requests that waited for credit.
        pub waited: i64,
        /// Calls made for credit.
        pub callouts: i64,
        /// Admitted without credit while the control plane was away.
        pub overdraft: i64,
    }
}

row! {
    /// A product, as metrics name it.
    #[derive(Clone, Debug)]
    pub struct Product {
        /// Its id.
        pub id: i64,
        /// Its slug.
        pub system_name: String,
    }
}

/// Who holds how much, of one product or of all.
///
/// # Errors
/// When the database does not answer.
pub async fn holdings(
    tx: &mut Tx,
    epoch: i64,
    now_ms: i64,
    product: Option<i64>,
) -> Result<Vec<Holding>, Error> {
    macro_rules! holdings {
        ($sum:literal, $most:literal, $leases:literal) => {
            concat!(
                "select gateway_id, product_id, cast(", $most, "(", $sum, "(credit), 9.2e18) as bigint) as credit_held,
                        count(*) as leases, cast(", $sum, "(recalled) as bigint) as recalls,
                        cast(", $most, "(", $sum, "(case when silent = 1 then credit else 0 end), 9.2e18) as bigint)
                        as unaccounted
                 from (
                     select instance.gateway_id, application.product_id,
                            l.granted - l.spent - l.returned as credit,
                            case when l.recalled_at > $3 then 1 else 0 end as recalled,
                            case when instance.last_seen_at <= $2 then 1 else 0 end as silent
                     from ", $leases, "
                     join instance on instance.instance = l.instance and instance.epoch = l.epoch
                     join application on application.id = l.application_id
                     where l.epoch = $1 and l.granted - l.spent > l.returned
                     and ($4 = 0 or application.product_id = $4)
                 ) as held
                 group by gateway_id, product_id order by gateway_id, product_id"
            )
        };
    }
    let open = open_windows(now_ms.unsigned_abs() / 1000);
    let (silent, recalled) = (now_ms - stored(TTL_MS), (now_ms - stored(RECALL_MS)).max(0));
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(holdings!(
                "total",
                "min",
                "json_each($5) as n join lease as l on l.period = n.value ->> 0 and l.window_start + 0 = n.value ->> 1"
            ))
            .bind(epoch)
            .bind(silent)
            .bind(recalled)
            .bind(product.unwrap_or(0))
            .bind(json(&open))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(holdings!(
                "sum",
                "least",
                // `offset 0` keeps the planner from reading all leases instead of those of each window.
                "unnest($5::text[], $6::bigint[]) as n (period, window_start)
                 cross join lateral (
                     select application_id, instance, epoch, granted, spent, returned, recalled_at from lease
                     where lease.period = n.period and lease.window_start + 0 = n.window_start offset 0
                 ) as l"
            ))
            .bind(epoch)
            .bind(silent)
            .bind(recalled)
            .bind(product.unwrap_or(0))
            .bind(column(&open, |(period, _)| *period))
            .bind(column(&open, |(_, start)| *start))
            .fetch_all(c)
            .await?
        }
    })
}

/// What gateways have done, for one product or for all.
///
/// # Errors
/// When the database does not answer.
pub async fn done(tx: &mut Tx, product: Option<i64>) -> Result<Vec<Done>, Error> {
    macro_rules! done {
        ($sum:literal, $most:literal) => {
            concat!(
                "select gateway_id, product_id, cast(",
                $most,
                "(",
                $sum,
                "(admitted), 9.2e18) as bigint) as admitted,
                        cast(",
                $most,
                "(",
                $sum,
                "(waited), 9.2e18) as bigint) as waited,
                        cast(",
                $most,
                "(",
                $sum,
                "(callouts), 9.2e18) as bigint) as callouts,
                        cast(",
                $most,
                "(",
                $sum,
                "(overdraft), 9.2e18) as bigint) as overdraft
                 from instance_product where $1 = 0 or product_id = $1
                 group by gateway_id, product_id order by gateway_id, product_id"
            )
        };
    }
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(done!("total", "min"))
                .bind(product.unwrap_or(0))
                .fetch_all(c)
                .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(done!("sum", "least"))
                .bind(product.unwrap_or(0))
                .fetch_all(c)
                .await?
        }
    })
}

/// Gateways that have a process which is heard of.
///
/// # Errors
/// When the database does not answer.
pub async fn live_gateways(tx: &mut Tx, epoch: i64, now_ms: i64) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select distinct gateway_id from instance where last_seen_at > $1 and epoch = $2 and not fenced"
    )
    .bind(now_ms - stored(TTL_MS))
    .bind(epoch)
    .fetch_all(c)
    })?)
}

/// All products that are not deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn products(tx: &mut Tx) -> Result<Vec<Product>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Product>(
        "select id, system_name from product where deleted_at is null order by id"
    )
    .fetch_all(c))?)
}
