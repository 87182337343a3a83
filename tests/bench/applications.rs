//! Rules and applications, written straight into the database.
//!
//! Through the API a million of them would take an hour; what they look like there is the same.

use crate::installation::Product;
use crate::targets;
use anyhow::{Context as _, Result};
use serde_json::json;
use tallygate::db::{Db, Handle, Tx};
use tallygate::{on, run};
use tallygate_core::id::ProductId;
use tallygate_core::key;

/// Applications per statement.
const AT_ONCE: u32 = 10_000;

/// What an application is known by, from its number.
pub(crate) fn app_id(number: u32) -> String {
    format!("{number:08x}")
}

/// Its only key.
pub(crate) fn app_key(number: u32) -> String {
    format!("{:032x}", u128::from(number) << 64 | 0x5ec7e7)
}

/// Replaces the product's mapping rules by `count` rules for `/v1/…` paths, each counting one method.
pub(crate) async fn write_rules(db: &Db, product: &Product, count: u32) -> Result<()> {
    let mut tx = db.begin().await?;
    run!(tx, |c| sqlx::query(
        "delete from mapping_rule where product_id = $1"
    )
    .bind(product.id)
    .execute(c))?;
    let (_, methods) = product
        .metrics
        .split_first()
        .context("a product without metrics")?;
    for (rule, metric) in (0..count).zip(methods.iter().cycle()) {
        run!(tx, |c| {
            sqlx::query(
            "insert into mapping_rule (product_id, methods, pattern, usages, position, created_at, updated_at)
             values ($1, '[\"GET\"]', $2, $3, $4, 0, 0)"
        )
        .bind(product.id)
        .bind(targets::pattern(rule))
        .bind(json!([{"metric_id": metric, "delta": 1}]).to_string())
        .bind(i64::from(rule) + 1)
        .execute(c)
        })?;
    }
    tx.commit().await?;
    Ok(())
}

/// Adds `count` live applications with a key each; gives back the id of the first, whose number is 1.
pub(crate) async fn write_applications(db: &Db, product: &Product, count: u32) -> Result<i64> {
    let mut tx = db.begin().await?;
    let revision = tx.next_revision().await?;
    let last: i64 = on!(tx, |c| sqlx::query_scalar(
        "select coalesce(max(id), 0) from application"
    )
    .fetch_one(c))?;
    let mut written = 0;
    while written < count {
        let batch = AT_ONCE.min(count - written);
        write_batch(&mut tx, product, revision, last, written, batch).await?;
        written += batch;
    }
    tx.commit().await?;
    Ok(last + 1)
}

/// Numbers `before + 1` to `before + count`. Digests travel as one value, 16 bytes each: a million statements would
/// take minutes.
async fn write_batch(
    tx: &mut Tx,
    product: &Product,
    revision: i64,
    last: i64,
    before: u32,
    count: u32,
) -> Result<()> {
    let ident = |number| key::ident(ProductId(product.id), app_id(number).as_bytes());
    let digest = |number| key::digest(app_key(number).as_bytes());
    let numbers = before + 1..=before + count;
    let idents: Vec<u8> = numbers.clone().flat_map(ident).collect();
    let digests: Vec<u8> = numbers.flat_map(digest).collect();
    let (applications, keys) = match tx.handle() {
        Handle::Sqlite(_) => SQLITE,
        Handle::Postgres(_) => POSTGRES,
    };
    run!(tx, |c| sqlx::query(applications)
        .bind(last)
        .bind(i64::from(before))
        .bind(i64::from(count))
        .bind(product.account)
        .bind(product.id)
        .bind(product.plan)
        .bind(revision)
        .bind(idents.as_slice())
        .execute(c))?;
    run!(tx, |c| sqlx::query(keys)
        .bind(last)
        .bind(i64::from(before))
        .bind(i64::from(count))
        .bind(digests.as_slice())
        .execute(c))?;
    Ok(())
}

const SQLITE: (&str, &str) = (
    "with recursive series (i) as (select 1 union all select i + 1 from series where i < $3)
     insert into application (id, account_id, product_id, plan_id, name, state, app_id, ident, revision, created_at, updated_at)
     select $1 + $2 + i, $4, $5, $6, 'Benchmark', 'live', printf('%08x', $2 + i), substr($8, i * 16 - 15, 16), $7, 0, 0
     from series",
    "with recursive series (i) as (select 1 union all select i + 1 from series where i < $3)
     insert into application_key (application_id, digest, created_at, updated_at)
     select $1 + $2 + i, substr($4, i * 16 - 15, 16), 0, 0 from series",
);

const POSTGRES: (&str, &str) = (
    "insert into application (id, account_id, product_id, plan_id, name, state, app_id, ident, revision, created_at, updated_at)
     overriding system value
     select $1 + $2 + i, $4, $5, $6, 'Benchmark', 'live', lpad(to_hex($2 + i), 8, '0'),
         substring($8 from (i * 16 - 15)::int for 16), $7, 0, 0
     from generate_series(1, $3) as series (i)",
    "insert into application_key (application_id, digest, created_at, updated_at)
     select $1 + $2 + i, substring($4 from (i * 16 - 15)::int for 16), 0, 0
     from generate_series(1, $3) as series (i)",
);
