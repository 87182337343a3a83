//! Referrer filters of applications: hosts that their requests may come from.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};
use sqlx::AssertSqlSafe;

row! {
    /// A referrer filter.
    #[derive(Clone, Debug)]
    pub struct ReferrerFilterRow {
        /// Its id.
        pub id: i64,
        /// The application it is of.
        pub application_id: i64,
        /// A host; `*` stands for anything.
        pub value: String,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, application_id, value, created_at, updated_at from referrer_filter where ",
            $rest
        )
    };
}

/// Those of some applications, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, application_ids: &[i64]) -> Result<Vec<ReferrerFilterRow>, Error> {
    let sql = format!(
        "{} application_id in ({}) order by application_id, id",
        select!(""),
        super::id_list(application_ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, ReferrerFilterRow>(
        AssertSqlSafe(sql.as_str())
    )
    .fetch_all(c))?)
}

/// One of an application.
///
/// # Errors
/// [`Error::NotFound`], also when it is another application's.
pub async fn get(tx: &mut Tx, application_id: i64, id: i64) -> Result<ReferrerFilterRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ReferrerFilterRow>(
        select!("application_id = $1 and id = $2")
    )
    .bind(application_id)
    .bind(id)
    .fetch_one(c))?)
}

/// Adds one.
///
/// # Errors
/// 409 when the application has it already.
pub async fn insert(tx: &mut Tx, application_id: i64, value: &str) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "insert into referrer_filter (application_id, value, created_at, updated_at)
         values ($1, $2, $3, $3) returning id"
    )
    .bind(application_id)
    .bind(value)
    .bind(now)
    .fetch_one(c))?)
}

/// Removes one.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from referrer_filter where id = $1"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Removes all of an application that is no more.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx, application_id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from referrer_filter where application_id = $1"
    )
    .bind(application_id)
    .execute(c))?;
    Ok(())
}
