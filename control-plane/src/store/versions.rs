//! Deployed configurations: immutable contents by version, and which of them each environment follows.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A version as an environment has, or had, it.
    #[derive(Clone, Debug)]
    pub struct ConfigRow {
        /// Id of the act by which the environment came to follow it.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
        /// The version.
        pub version: i64,
        /// sandbox or production.
        pub environment: String,
        /// What was frozen.
        pub content: String,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select proxy_config.id, proxy_config.product_id, proxy_config.version, proxy_config.environment,
             proxy_version.content
             from proxy_config
             join proxy_version on proxy_version.product_id = proxy_config.product_id
             and proxy_version.version = proxy_config.version ",
            $rest
        )
    };
}

/// One page of the versions that the environment ever followed, oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Tx,
    product_id: i64,
    environment: &str,
    page: Page,
) -> Result<(Vec<ConfigRow>, i64), Error> {
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, ConfigRow>(select!(
        "where proxy_config.id in (
             select max(id) from proxy_config where product_id = $1 and environment = $2 group by version)
         order by proxy_config.version limit $3 offset $4"
    ))
    .bind(product_id)
    .bind(environment)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    let total = on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select count(distinct version) from proxy_config where product_id = $1 and environment = $2"
    )
    .bind(product_id)
    .bind(environment)
    .fetch_one(c)
    })?;
    Ok((rows, total))
}

/// What was frozen as a version.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn content(tx: &mut Tx, product_id: i64, version: i64) -> Result<String, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar::<_, String>(
        "select content from proxy_version where product_id = $1 and version = $2"
    )
    .bind(product_id)
    .bind(version)
    .fetch_one(c))?)
}

/// The newest version that the environment ever followed and that is older than the one it follows.
///
/// # Errors
/// When the database does not answer.
pub async fn before_current(
    tx: &mut Tx,
    product_id: i64,
    environment: &str,
) -> Result<Option<ConfigRow>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, ConfigRow>(select!(
        "where proxy_config.product_id = $1 and proxy_config.environment = $2 and proxy_config.version < (
             select version from proxy_config where id = (
                 select max(id) from proxy_config where product_id = $1 and environment = $2))
         order by proxy_config.version desc, proxy_config.id desc limit 1"
    ))
    .bind(product_id)
    .bind(environment)
    .fetch_optional(c)
    })?)
}

/// What the environment follows.
///
/// # Errors
/// When the database does not answer.
pub async fn current(
    tx: &mut Tx,
    product_id: i64,
    environment: &str,
) -> Result<Option<ConfigRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ConfigRow>(select!(
        "where proxy_config.id = (
             select max(id) from proxy_config where product_id = $1 and environment = $2)"
    ))
    .bind(product_id)
    .bind(environment)
    .fetch_optional(c))?)
}

/// What the environment follows, for every product.
///
/// # Errors
/// When the database does not answer.
pub async fn current_of_all(tx: &mut Tx, environment: &str) -> Result<Vec<ConfigRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ConfigRow>(select!(
        "where proxy_config.id in (
             select max(proxy_config.id) from proxy_config
             join product on product.id = proxy_config.product_id and product.deleted_at is null
             where environment = $1 group by product_id)
         order by proxy_config.product_id"
    ))
    .bind(environment)
    .fetch_all(c))?)
}

/// One page of all versions of the products that may be reached in the environment, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page_of_all(
    tx: &mut Tx,
    environment: &str,
    reach: &Products,
    page: Page,
) -> Result<(Vec<ConfigRow>, i64), Error> {
    let reach = reach.listed();
    let rows = on!(tx, |c| sqlx::query_as::<_, ConfigRow>(select!(
        "where proxy_config.id in (
             select max(proxy_config.id) from proxy_config
             join product on product.id = proxy_config.product_id and product.deleted_at is null
             where environment = $1 and ($4 is null or $4 like '%,' || product_id || ',%')
             group by product_id, version)
         order by proxy_config.id limit $2 offset $3"
    ))
    .bind(environment)
    .bind(page.limit())
    .bind(page.offset())
    .bind(reach.as_deref())
    .fetch_all(c))?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from (
             select 1 as one from proxy_config
             join product on product.id = proxy_config.product_id and product.deleted_at is null
             where environment = $1 and ($2 is null or $2 like '%,' || product_id || ',%')
             group by product_id, version) as versions"
    )
    .bind(environment)
    .bind(reach.as_deref())
    .fetch_one(c))?;
    Ok((rows, total))
}

/// A version, if the environment ever followed it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(
    tx: &mut Tx,
    product_id: i64,
    environment: &str,
    version: i64,
) -> Result<ConfigRow, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, ConfigRow>(select!(
        "where proxy_config.id = (
             select max(id) from proxy_config where product_id = $1 and environment = $2 and version = $3)"
    ))
    .bind(product_id)
    .bind(environment)
    .bind(version)
    .fetch_one(c)
    })?)
}

/// Freezes a content as the product's next version. The product must be locked.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, product_id: i64, content: &str) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "insert into proxy_version (product_id, version, content, created_at)
         select $1, coalesce(max(version), 0) + 1, $2, $3 from proxy_version where product_id = $1
         returning version"
    )
    .bind(product_id)
    .bind(content)
    .bind(now)
    .fetch_one(c))?)
}

/// Makes the environment follow a version.
///
/// # Errors
/// When the database does not answer.
pub async fn follow(
    tx: &mut Tx,
    product_id: i64,
    environment: &str,
    version: i64,
) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into proxy_config (product_id, environment, version, created_at) values ($1, $2, $3, $4)"
    )
    .bind(product_id)
    .bind(environment)
    .bind(version)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}
