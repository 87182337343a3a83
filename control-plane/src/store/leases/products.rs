//! SQL of what gateway processes say they have done for each product.

use super::stored;
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::store::ledger::{column, json};
use tallygate_core::wire::{Instance, ProductHealthV1};

/// Notes the totals of a process. They only grow: what is lower than known is old.
///
/// # Errors
/// When the database does not answer.
pub async fn note(
    tx: &mut Tx,
    gateway: i64,
    name: &Instance,
    products: &[ProductHealthV1],
) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            let rows: Vec<_> = products
                .iter()
                .map(|done| {
                    (
                        done.product.0,
                        stored(done.admitted),
                        stored(done.waited),
                        stored(done.callouts),
                        stored(done.overdraft),
                    )
                })
                .collect();
            sqlx::query(
                "insert into instance_product (product_id, instance, gateway_id, admitted, waited, callouts, overdraft)
                 select value ->> 0, $2, $3, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each($1)
                 where value ->> 0 in (select id from product)
                 on conflict (product_id, instance) do update set gateway_id = excluded.gateway_id,
                 admitted = max(instance_product.admitted, excluded.admitted),
                 waited = max(instance_product.waited, excluded.waited),
                 callouts = max(instance_product.callouts, excluded.callouts),
                 overdraft = max(instance_product.overdraft, excluded.overdraft)
                 where excluded.admitted > instance_product.admitted or excluded.waited > instance_product.waited
                 or excluded.callouts > instance_product.callouts or excluded.overdraft > instance_product.overdraft
                 or excluded.gateway_id <> instance_product.gateway_id",
            )
            .bind(json(&rows))
            .bind(name.as_slice())
            .bind(gateway)
            .execute(c)
            .await?;
        }
        Handle::Postgres(c) => {
            sqlx::query(
                "insert into instance_product (product_id, instance, gateway_id, admitted, waited, callouts, overdraft)
                 select n.product_id, $6, $7, n.admitted, n.waited, n.callouts, n.overdraft
                 from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                 as n (product_id, admitted, waited, callouts, overdraft)
                 where n.product_id in (select id from product)
                 on conflict (product_id, instance) do update set gateway_id = excluded.gateway_id,
                 admitted = greatest(instance_product.admitted, excluded.admitted),
                 waited = greatest(instance_product.waited, excluded.waited),
                 callouts = greatest(instance_product.callouts, excluded.callouts),
                 overdraft = greatest(instance_product.overdraft, excluded.overdraft)
                 where excluded.admitted > instance_product.admitted or excluded.waited > instance_product.waited
                 or excluded.callouts > instance_product.callouts or excluded.overdraft > instance_product.overdraft
                 or excluded.gateway_id <> instance_product.gateway_id",
            )
            .bind(column(products, |done| done.product.0))
            .bind(column(products, |done| stored(done.admitted)))
            .bind(column(products, |done| stored(done.waited)))
            .bind(column(products, |done| stored(done.callouts)))
            .bind(column(products, |done| stored(done.overdraft)))
            .bind(name.as_slice())
            .bind(gateway)
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
