//! 10 000 applications, written straight into the database: through the API they would take minutes, and what they look
//! like there is the same.

use crate::zipf::APPLICATIONS;
use anyhow::{Context as _, Result};
use tallygate::db::Db;
use tallygate::{on, run};
use tallygate_core::id::ProductId;
use tallygate_core::key;
use tallygate_tests::fleet::Fleet;

/// What the application of this rank is known by.
pub(crate) fn user_key(rank: u32) -> String {
    format!("key-of-rank-{rank:05}")
}

/// Writes them; `plans` are ids with the first rank that is no longer on each.
pub(crate) async fn write(fleet: &Fleet, plans: &[(u32, i64)]) -> Result<()> {
    let db = Db::connect(&fleet.database_url, 1).await?;
    let mut tx = db.begin().await?;
    let revision = tx.next_revision().await?;
    let account: i64 = on!(tx, |c| sqlx::query_scalar(
        "select account_id from application where product_id = $1 limit 1"
    )
    .bind(fleet.product.id)
    .fetch_one(c))?;
    for rank in 0..APPLICATIONS {
        let plan = plans.iter().find(|(up_to, _)| rank < *up_to);
        let (_, plan) = plan.context("a rank without a plan")?;
        let ident = key::ident(ProductId(fleet.product.id), user_key(rank).as_bytes());
        run!(tx, |c| {
            sqlx::query(
            "insert into application (account_id, product_id, plan_id, name, state, ident, revision, created_at, updated_at)
             values ($1, $2, $3, 'Customer', 'live', $4, $5, 0, 0)"
        )
        .bind(account)
        .bind(fleet.product.id)
        .bind(*plan)
        .bind(ident.as_slice())
        .bind(revision)
        .execute(c)
        })?;
    }
    tx.commit().await?;
    db.close().await;
    Ok(())
}
