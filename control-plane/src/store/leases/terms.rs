//! SQL of what credit is granted by.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::row;
use crate::store::ledger::json;

row! {
    /// What the grant of credit needs to know of an application.
    #[derive(Clone, Copy, Debug)]
    pub struct Application {
        /// Its id.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
        /// Its plan.
        pub plan_id: i64,
        /// Whether it may call.
        pub live: bool,
        /// Its revision, or its product's if that is newer: limits are those of a plan, and which plan it is.
        pub limits_rev: i64,
    }
}

/// The applications of these ids that exist, deleted ones too.
///
/// # Errors
/// When the database does not answer.
pub async fn applications(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Application>, Error> {
    macro_rules! select {
        ($ids:literal) => {
            concat!(
                "select application.id, application.product_id, application.plan_id,
                        application.state = 'live' and application.deleted_at is null and account.state = 'approved'
                        and account.deleted_at is null and product.deleted_at is null as live,
                        case when application.revision > product.revision then application.revision
                        else product.revision end as limits_rev
                 from application
                 join product on product.id = application.product_id
                 join account on account.id = application.account_id
                 where application.id ",
                $ids
            )
        };
    }
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(select!("in (select value from json_each($1))"))
                .bind(json(&ids))
                .fetch_all(c)
                .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(select!("= any($1)"))
                .bind(ids)
                .fetch_all(c)
                .await?
        }
    })
}
