//! 10 000 applications, written straight into the database: through the API they would take minutes, and what they look
//! like there is the same.

use anyhow::{Context as _, Result};
use serde_json::Value;
use tallygate::db::Db;
use tallygate::{on, run};
use tallygate_core::id::ProductId;
use tallygate_core::key;
use tallygate_core::period::Period::{Day, Minute, Month};
use tallygate_tests::fleet::Fleet;
use tallygate_tests::product::{Application, Limit};

/// Who calls.
pub(crate) const APPLICATIONS: u32 = 10_000;
/// Plans, each for the ranks up to a number, with hits per minute, day and month.
const PLANS: [(&str, u32, u64, u64, u64); 4] = [
    ("platinum", 10, 60_000, 50_000_000, 1_000_000_000),
    ("gold", 100, 6_000, 5_000_000, 100_000_000),
    ("silver", 1_000, 600, 500_000, 10_000_000),
    ("bronze", APPLICATIONS, 60, 50_000, 1_000_000),
];
/// The plans with their limits.
pub(crate) fn plans() -> [(&'static str, [Limit; 3]); 4] {
    PLANS.map(|(name, _, minute, day, month)| {
        let limits = [
            Limit("hits", Minute, minute),
            Limit("hits", Day, day),
            Limit("hits", Month, month),
        ];
        (name, limits)
    })
}

/// Applications of all ranks, on the plans that fit them; a request for each.
pub(crate) async fn make(fleet: &Fleet) -> Result<Vec<Vec<u8>>> {
    let mut plans = Vec::new();
    let path = format!(
        "/admin/api/services/{}/application_plans.json",
        fleet.product.id
    );
    let all = fleet.api.get(&path).await?;
    let all = all["plans"].as_array().context("no plans")?;
    for (name, up_to, ..) in PLANS {
        let plan = all.iter().find(|it| {
            it.pointer("/application_plan/system_name")
                .is_some_and(|known| known == name)
        });
        let plan = plan
            .and_then(|plan| plan.pointer("/application_plan/id"))
            .and_then(Value::as_i64);
        plans.push((up_to, plan.with_context(|| format!("no plan {name}"))?));
    }
    write(fleet, &plans).await?;
    let caller = |rank| Application {
        id: 0,
        user_key: user_key(rank),
    };
    let requests: Vec<Vec<u8>> = (0..APPLICATIONS)
        .map(|rank| caller(rank).get("/letter"))
        .collect();
    Ok(requests)
}

/// What the application of this rank is known by.
fn user_key(rank: u32) -> String {
    format!("key-of-rank-{rank:05}")
}

/// Writes them; `plans` are ids with the first rank that is no longer on each.
async fn write(fleet: &Fleet, plans: &[(u32, i64)]) -> Result<()> {
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
