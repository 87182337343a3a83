//! Mapping rules of a product's draft, and of backends. Positions are 1, 2, 3, … without gaps.

use super::owners::Owner;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};
use serde::{Deserialize, Serialize};

row! {
    /// A rule, as it is stored.
    #[derive(Clone, Debug)]
    pub struct RuleRow {
        /// Its id.
        pub id: i64,
        /// Its product, when it is a product's.
        pub product_id: Option<i64>,
        /// Its backend, when it is a backend's.
        pub backend_id: Option<i64>,
        /// JSON list of HTTP methods, or `["ANY"]`.
        pub methods: String,
        /// The path pattern.
        pub pattern: String,
        /// JSON list of [`RuleUsage`].
        pub usages: String,
        /// From 1.
        pub position: i64,
        /// Whether a match ends the search.
        pub last: bool,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

/// What a match adds to one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleUsage {
    /// The metric.
    pub metric_id: i64,
    /// How much.
    pub delta: i64,
}

impl RuleRow {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::of(self.product_id, self.backend_id)
    }

    /// Its methods.
    #[must_use]
    pub fn method_list(&self) -> Vec<String> {
        serde_json::from_str(&self.methods).unwrap_or_default()
    }

    /// What a match adds.
    #[must_use]
    pub fn usage_list(&self) -> Vec<RuleUsage> {
        serde_json::from_str(&self.usages).unwrap_or_default()
    }

    /// Replaces its methods.
    pub fn set_methods(&mut self, methods: &[String]) {
        self.methods = serde_json::json!(methods).to_string();
    }

    /// Replaces what a match adds.
    pub fn set_usages(&mut self, usages: &[RuleUsage]) {
        self.usages = serde_json::json!(usages).to_string();
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, product_id, backend_id, methods, pattern, usages, position, last, created_at, updated_at
             from mapping_rule where (product_id = $1 or backend_id = $2) ",
            $rest
        )
    };
}

/// All of a product's, by position.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Tx, product_id: i64) -> Result<Vec<RuleRow>, Error> {
    list_of(tx, Owner::Product(product_id)).await
}

/// All of a product's or backend's, by position.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of(tx: &mut Tx, owner: Owner) -> Result<Vec<RuleRow>, Error> {
    let (product_id, backend_id) = owner.ids();
    Ok(on!(tx, |c| sqlx::query_as::<_, RuleRow>(select!(
        "order by position, id"
    ))
    .bind(product_id)
    .bind(backend_id)
    .fetch_all(c))?)
}

/// One of a product's or backend's.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, owner: Owner, id: i64) -> Result<RuleRow, Error> {
    let (product_id, backend_id) = owner.ids();
    Ok(on!(tx, |c| sqlx::query_as::<_, RuleRow>(select!(
        "and id = $3"
    ))
    .bind(product_id)
    .bind(backend_id)
    .bind(id)
    .fetch_one(c))?)
}

/// How many a product or backend has.
///
/// # Errors
/// When the database does not answer.
pub async fn count(tx: &mut Tx, owner: Owner) -> Result<i64, Error> {
    let (product_id, backend_id) = owner.ids();
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from mapping_rule where product_id = $1 or backend_id = $2"
    )
    .bind(product_id)
    .bind(backend_id)
    .fetch_one(c))?)
}

/// Writes a new one at its position, moving those from there on down. Its owner must be locked.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, rule: &RuleRow) -> Result<i64, Error> {
    shift(tx, rule.owner(), rule.position, i64::MAX, 1).await?;
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "insert into mapping_rule (
             product_id, backend_id, methods, pattern, usages, position, last, created_at, updated_at
         ) values ($1, $2, $3, $4, $5, $6, $7, $8, $8) returning id"
    )
    .bind(rule.product_id)
    .bind(rule.backend_id)
    .bind(&rule.methods)
    .bind(&rule.pattern)
    .bind(&rule.usages)
    .bind(rule.position)
    .bind(rule.last)
    .bind(now)
    .fetch_one(c)
    })?)
}

/// Writes a changed one, and moves it from `from` to its position. Its owner must be locked.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, rule: &RuleRow, from: i64) -> Result<(), Error> {
    if rule.position < from {
        shift(tx, rule.owner(), rule.position, from - 1, 1).await?;
    } else if rule.position > from {
        shift(tx, rule.owner(), from + 1, rule.position, -1).await?;
    }
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update mapping_rule set methods = $2, pattern = $3, usages = $4, position = $5, last = $6, updated_at = $7
         where id = $1"
    )
    .bind(rule.id)
    .bind(&rule.methods)
    .bind(&rule.pattern)
    .bind(&rule.usages)
    .bind(rule.position)
    .bind(rule.last)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Removes one and closes the gap. Its owner must be locked.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, rule: &RuleRow) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from mapping_rule where id = $1"
    )
    .bind(rule.id)
    .execute(c))?;
    shift(tx, rule.owner(), rule.position, i64::MAX, -1).await
}

async fn shift(tx: &mut Tx, owner: Owner, from: i64, to: i64, by: i64) -> Result<(), Error> {
    let (product_id, backend_id) = owner.ids();
    run!(tx, |c| sqlx::query(
        "update mapping_rule set position = position + $5
         where (product_id = $1 or backend_id = $2) and position >= $3 and position <= $4"
    )
    .bind(product_id)
    .bind(backend_id)
    .bind(from)
    .bind(to)
    .bind(by)
    .execute(c))?;
    Ok(())
}
