//! SQL of snapshots: what changed, page by page, in order of revision.
//!
//! Never a query per row: what belongs to the rows of a page is fetched by the same condition as the page.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::{on, row};

row! {
    /// The state that a page is read from.
    #[derive(Clone, Copy, Debug)]
    pub struct Head {
        /// The newest revision.
        pub revision: i64,
        /// The ledger's epoch.
        pub epoch: i64,
    }
}

row! {
    /// A changed product.
    #[derive(Clone, Debug)]
    pub struct Product {
        /// Its id.
        pub id: i64,
        /// Revision of its last change.
        pub revision: i64,
        /// Its slug.
        pub system_name: String,
        /// Whether its applications' referrer filters count.
        pub referrer_filters_required: bool,
        /// Set when it is deleted.
        pub deleted_at: Option<i64>,
    }
}

row! {
    /// A metric or method.
    #[derive(Clone, Debug)]
    pub struct Metric {
        /// Its id.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
        /// The parent of a method.
        pub parent_id: Option<i64>,
        /// Its slug.
        pub system_name: String,
    }
}

row! {
    /// A plan, with one of its limits if it has any.
    #[derive(Clone, Debug)]
    pub struct PlanLimit {
        /// The plan.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
        /// The limited metric.
        pub metric_id: Option<i64>,
        /// Name of the limit's period.
        pub period: Option<String>,
        /// The limit.
        pub value: Option<i64>,
    }
}

row! {
    /// The configuration that a product follows in the environment.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// The product.
        pub product_id: i64,
        /// Its version.
        pub version: i64,
        /// Its frozen content.
        pub content: String,
    }
}

row! {
    /// A changed application.
    #[derive(Clone, Debug)]
    pub struct Application {
        /// Its id.
        pub id: i64,
        /// Revision of its last change.
        pub revision: i64,
        /// What requests find it by.
        pub ident: Vec<u8>,
        /// Its product.
        pub product_id: i64,
        /// Its plan.
        pub plan_id: i64,
        /// Whether it may call.
        pub live: bool,
        /// Digests of its keys, in hexadecimal, with commas between; behind a colon when one ends, milliseconds since 1970.
        pub keys: Option<String>,
        /// Its referrer filters, with commas between.
        pub referrers: Option<String>,
    }
}

row! {
    /// An identifier that no longer names its application.
    #[derive(Clone, Debug)]
    pub struct Retired {
        /// The application it named.
        pub application_id: i64,
        /// Since which revision.
        pub revision: i64,
        /// What requests found it by.
        pub ident: Vec<u8>,
        /// The application's product.
        pub product_id: i64,
        /// The application's plan.
        pub plan_id: i64,
    }
}

/// The newest revision, and the epoch.
///
/// # Errors
/// When the database does not answer.
pub async fn head(tx: &mut Tx) -> Result<Head, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Head>(
        "select revision.n as revision, ledger_epoch.epoch from revision cross join ledger_epoch"
    )
    .fetch_one(c))?)
}

/// How many applications there are, with those that are deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn count_applications(tx: &mut Tx) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from application"
    )
    .fetch_one(c))?)
}

/// The revision up to which there are at least `most` changed products, or `head`.
///
/// # Errors
/// When the database does not answer.
pub async fn products_up_to(tx: &mut Tx, after: i64, head: i64, most: i64) -> Result<i64, Error> {
    let revision = on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select revision from product where revision > $1 and revision <= $2 order by revision limit 1 offset $3"
    )
    .bind(after)
    .bind(head)
    .bind(most - 1)
    .fetch_optional(c)
    })?;
    Ok(revision.unwrap_or(head))
}

/// Products changed in (`after`, `up_to`].
///
/// # Errors
/// When the database does not answer.
pub async fn products(tx: &mut Tx, after: i64, up_to: i64) -> Result<Vec<Product>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Product>(
        "select id, revision, system_name, referrer_filters_required, deleted_at from product
         where revision > $1 and revision <= $2 order by revision, id"
    )
    .bind(after)
    .bind(up_to)
    .fetch_all(c))?)
}

/// Metrics of those products, by id: their own, and those of backends that they use or did. A backend's `hits` is a child
/// of the product's, and names of a backend's metrics end with its id.
///
/// # Errors
/// When the database does not answer.
pub async fn metrics(tx: &mut Tx, after: i64, up_to: i64) -> Result<Vec<Metric>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Metric>(
        "select metric.id, metric.product_id, metric.parent_id, metric.system_name
         from metric join product on product.id = metric.product_id
         where product.revision > $1 and product.revision <= $2 and metric.deleted_at is null
         union
         select metric.id, product.id as product_id,
             case when metric.system_name = 'hits' then hits.id else metric.parent_id end as parent_id,
             metric.system_name || '.' || metric.backend_id as system_name
         from product join backend_usage on backend_usage.product_id = product.id
         join metric on metric.backend_id = backend_usage.backend_id
         left join metric as hits
             on hits.product_id = product.id and hits.system_name = 'hits' and hits.deleted_at is null
         where product.revision > $1 and product.revision <= $2 and metric.deleted_at is null
         order by 1"
    )
    .bind(after)
    .bind(up_to)
    .fetch_all(c)
    })?)
}

/// Application plans of those products, with their limits.
///
/// # Errors
/// When the database does not answer.
pub async fn plans(tx: &mut Tx, after: i64, up_to: i64) -> Result<Vec<PlanLimit>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, PlanLimit>(
        "select plan.id, plan.product_id, plan_limit.metric_id, plan_limit.period, plan_limit.value
         from plan join product on product.id = plan.product_id left join plan_limit on plan_limit.plan_id = plan.id
         where product.revision > $1 and product.revision <= $2
         and plan.type = 'application_plan' and plan.deleted_at is null
         order by plan.id, plan_limit.id"
    )
    .bind(after)
    .bind(up_to)
    .fetch_all(c)
    })?)
}

/// What those products follow in an environment, `sandbox` or `production`.
///
/// # Errors
/// When the database does not answer.
pub async fn configs(
    tx: &mut Tx,
    after: i64,
    up_to: i64,
    environment: &str,
) -> Result<Vec<Config>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Config>(
        "select current.product_id, current.version, proxy_version.content
         from product
         join proxy_config as current on current.id = (
             select max(id) from proxy_config where product_id = product.id and environment = $3)
         join proxy_version on proxy_version.product_id = current.product_id and proxy_version.version = current.version
         where product.revision > $1 and product.revision <= $2"
    )
    .bind(after)
    .bind(up_to)
    .bind(environment)
    .fetch_all(c)
    })?)
}

/// Where a stretch of changes begins, in order of revision and id.
///
/// Two queries and not one with `(revision, id) > (…)`: SQLite would go through all ids of the revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At this revision, after this id.
    Within(i64, i64),
    /// After this revision.
    After(i64),
}

/// Keys are looked up row by row within the one query: joined, PostgreSQL would read all keys for each page.
macro_rules! applications {
    ($begin:literal, $hex:literal) => {
        concat!(
            "select a.id, a.revision, a.ident, a.product_id, a.plan_id, a.live,
                 case when a.live and a.app_id is not null then (
                     select string_agg(",
            $hex,
            " || coalesce(':' || expires_at, ''), ',' order by id) from application_key where application_id = a.id
                 ) end as keys,
                 case when a.live then (
                     select string_agg(value, ',' order by id) from referrer_filter where application_id = a.id
                 ) end as referrers
             from (
                 select application.id, application.revision, application.ident, application.product_id,
                     application.plan_id, application.app_id,
                     application.state = 'live' and application.deleted_at is null
                     and account.state = 'approved' and account.deleted_at is null as live
                 from application join account on account.id = application.account_id
                 where ",
            $begin,
            " and application.revision <= $3
                 and (application.deleted_at is null or not exists (
                     select 1 from application as other
                     where other.ident = application.ident and other.deleted_at is null))
                 order by application.revision, application.id limit $4
             ) as a
             order by a.revision, a.id"
        )
    };
}

/// Applications changed up to `head`, at most `limit`.
///
/// A deleted one whose identifier names another by now is left out: it would take that one's place.
///
/// # Errors
/// When the database does not answer.
pub async fn applications(
    tx: &mut Tx,
    from: From,
    head: i64,
    limit: usize,
) -> Result<Vec<Application>, Error> {
    macro_rules! begin {
        ($hex:literal) => {
            match from {
                From::Within(revision, id) => (
                    applications!("application.revision = $1 and application.id > $2", $hex),
                    revision,
                    id,
                ),
                From::After(revision) => (
                    applications!("application.revision > $1 and application.id > $2", $hex),
                    revision,
                    0,
                ),
            }
        };
    }
    let (sql, revision, id) = match tx.handle() {
        Handle::Sqlite(_) => begin!("hex(digest)"),
        Handle::Postgres(_) => begin!("encode(digest, 'hex')"),
    };
    Ok(on!(tx, |c| sqlx::query_as::<_, Application>(sql)
        .bind(revision)
        .bind(id)
        .bind(head)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(c))?)
}

macro_rules! retired {
    ($begin:literal) => {
        concat!(
            "select retired_ident.application_id, retired_ident.revision, retired_ident.ident,
                 application.product_id, application.plan_id
             from retired_ident join application on application.id = retired_ident.application_id
             where ",
            $begin,
            " and retired_ident.revision <= $3
             and not exists (
                 select 1 from application as other
                 where other.ident = retired_ident.ident and other.deleted_at is null)
             order by retired_ident.revision, retired_ident.application_id, retired_ident.id limit $4"
        )
    };
}

/// Identifiers retired up to `head`, at most `limit`; not those that name another application by now.
///
/// # Errors
/// When the database does not answer.
pub async fn retired(
    tx: &mut Tx,
    from: From,
    head: i64,
    limit: usize,
) -> Result<Vec<Retired>, Error> {
    let (sql, revision, id) = match from {
        From::Within(revision, id) => (
            retired!("retired_ident.revision = $1 and retired_ident.application_id > $2"),
            revision,
            id,
        ),
        From::After(revision) => (
            retired!("retired_ident.revision > $1 and retired_ident.application_id > $2"),
            revision,
            0,
        ),
    };
    Ok(on!(tx, |c| sqlx::query_as::<_, Retired>(sql)
        .bind(revision)
        .bind(id)
        .bind(head)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(c))?)
}
