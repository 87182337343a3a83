//! Products. Whatever a gateway sees of one is stamped with a revision by [`touch`].

use crate::db::Tx;
use crate::error::Error;
use crate::{on, run};

/// Tells gateways that something they see of the product has changed: metrics, plans, limits, its promoted
/// configuration, or that it is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn touch(tx: &mut Tx, product_id: i64) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update product set revision = $1, updated_at = $2 where id = $3"
    )
    .bind(revision)
    .bind(now)
    .bind(product_id)
    .execute(c))?;
    Ok(())
}

/// Holds everything below the product still until the transaction ends; not found when it is deleted.
///
/// # Errors
/// [`Error::NotFound`], or when the database does not answer.
pub async fn lock(tx: &mut Tx, product_id: i64) -> Result<(), Error> {
    // PostgreSQL's `for update` is unknown to SQLite; writing the row locks it on both.
    on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "update product set revision = revision where id = $1 and deleted_at is null returning id"
    )
    .bind(product_id)
    .fetch_optional(c))?
    .map(|_| ())
    .ok_or(Error::NotFound)
}
