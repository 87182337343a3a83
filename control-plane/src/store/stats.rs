//! SQL of statistics: rows of series, and whom they are about.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::series::Series;
use crate::stats::sums::Stretch;
use crate::{on, row};

row! {
    /// A metric or method.
    #[derive(Clone, Debug)]
    pub struct Metric {
        /// Its id.
        pub id: i64,
        /// For people.
        pub friendly_name: String,
        /// Its slug.
        pub system_name: String,
        /// What one of it is called.
        pub unit: String,
    }
}

row! {
    /// An application, with what its statistics say of it.
    #[derive(Clone, Debug)]
    pub struct Application {
        /// Its id.
        pub id: i64,
        /// Its name.
        pub name: String,
        /// pending, live or suspended
        pub state: String,
        /// Its description.
        pub description: String,
        /// Its product.
        pub product_id: i64,
        /// Its plan.
        pub plan_id: i64,
        /// Its plan's name.
        pub plan_name: String,
        /// Its account.
        pub account_id: i64,
        /// Its account's name.
        pub org_name: String,
    }
}

/// Whose usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The application with this id.
    Application(i64),
    /// The product with this id: of all its applications.
    Product(i64),
    /// The backend with this id: in all products that use it or did.
    Backend(i64),
}

/// Whether there is such a product.
///
/// # Errors
/// Not found, or when the database does not answer.
pub async fn product(tx: &mut Tx, id: i64) -> Result<i64, Error> {
    on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select id from product where id = $1 and deleted_at is null"
    )
    .bind(id)
    .fetch_optional(c))?
    .ok_or(Error::NotFound)
}

/// An application.
///
/// # Errors
/// Not found, or when the database does not answer.
pub async fn application(tx: &mut Tx, id: i64) -> Result<Application, Error> {
    on!(tx, |c| sqlx::query_as::<_, Application>(
        "select application.id, application.name, application.state, application.description,
             application.product_id, application.plan_id, plan.name as plan_name,
             application.account_id, account.org_name
         from application join plan on plan.id = application.plan_id join account on account.id = application.account_id
         where application.id = $1 and application.deleted_at is null"
    )
    .bind(id)
    .fetch_optional(c))?
    .ok_or(Error::NotFound)
}

/// A product's metric of this name: its own, or one of a backend that it uses or did, by the name that ends with the
/// backend's id.
///
/// # Errors
/// When the database does not answer.
pub async fn metric(tx: &mut Tx, product: i64, system_name: &str) -> Result<Option<Metric>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Metric>(
        "select id, friendly_name, $2 as system_name, unit from metric
         where deleted_at is null and (
             (product_id = $1 and system_name = $2)
             or (backend_id in (select backend_id from backend_usage where product_id = $1)
                 and system_name || '.' || backend_id = $2)
         ) order by case when product_id is null then 1 else 0 end limit 1"
    )
    .bind(product)
    .bind(system_name)
    .fetch_optional(c))?)
}

/// A backend's metric of this name, with or without the backend's id at its end.
///
/// # Errors
/// When the database does not answer.
pub async fn metric_of_backend(
    tx: &mut Tx,
    backend: i64,
    system_name: &str,
) -> Result<Option<Metric>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Metric>(
        "select id, friendly_name, system_name || '.' || backend_id as system_name, unit from metric
         where deleted_at is null and backend_id = $1
         and (system_name || '.' || backend_id = $2 or system_name = $2)
         order by case when system_name = $2 then 0 else 1 end limit 1"
    )
    .bind(backend)
    .bind(system_name)
    .fetch_optional(c)
    })?)
}

/// Rows of a series in stretches of time, as (start, value).
///
/// # Errors
/// When the database does not answer.
pub async fn rows(
    tx: &mut Tx,
    whose: Whose,
    metric: i64,
    series: Series,
    stretches: &[Stretch],
) -> Result<Vec<(i64, i64)>, Error> {
    let (Whose::Application(id) | Whose::Product(id) | Whose::Backend(id)) = whose;
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            let sql = match whose {
                Whose::Application(_) => {
                    "select u.window_start, u.value from json_each($1) as n cross join usage_application as u
                     on u.application_id = $2 and u.metric_id = $3 and u.period = $4
                     and u.window_start >= n.value ->> 0 and u.window_start < n.value ->> 1"
                }
                Whose::Product(_) => {
                    "select u.window_start, u.value from json_each($1) as n cross join usage_product as u
                     on u.product_id = $2 and u.metric_id = $3 and u.period = $4
                     and u.window_start >= n.value ->> 0 and u.window_start < n.value ->> 1"
                }
                Whose::Backend(_) => {
                    "select u.window_start, sum(u.value) from json_each($1) as n cross join usage_product as u
                     on u.product_id in (select product_id from backend_usage where backend_id = $2)
                     and u.metric_id = $3 and u.period = $4
                     and u.window_start >= n.value ->> 0 and u.window_start < n.value ->> 1
                     group by u.window_start"
                }
            };
            let stretches = serde_json::to_string(stretches).unwrap_or_default();
            sqlx::query_as(sql)
                .bind(stretches)
                .bind(id)
                .bind(metric)
                .bind(series.as_str())
                .fetch_all(c)
                .await?
        }
        Handle::Postgres(c) => {
            let sql = match whose {
                Whose::Application(_) => {
                    "select u.window_start, u.value from unnest($1::bigint[], $2::bigint[]) as n (from_start, to_start)
                     join usage_application as u on u.application_id = $3 and u.metric_id = $4 and u.period = $5
                     and u.window_start >= n.from_start and u.window_start < n.to_start"
                }
                Whose::Product(_) => {
                    "select u.window_start, u.value from unnest($1::bigint[], $2::bigint[]) as n (from_start, to_start)
                     join usage_product as u on u.product_id = $3 and u.metric_id = $4 and u.period = $5
                     and u.window_start >= n.from_start and u.window_start < n.to_start"
                }
                Whose::Backend(_) => {
                    "select u.window_start, sum(u.value)::bigint
                     from unnest($1::bigint[], $2::bigint[]) as n (from_start, to_start)
                     join usage_product as u
                     on u.product_id in (select product_id from backend_usage where backend_id = $3)
                     and u.metric_id = $4 and u.period = $5
                     and u.window_start >= n.from_start and u.window_start < n.to_start
                     group by u.window_start"
                }
            };
            let (starts, ends): (Vec<i64>, Vec<i64>) = stretches.iter().copied().unzip();
            sqlx::query_as(sql)
                .bind(starts)
                .bind(ends)
                .bind(id)
                .bind(metric)
                .bind(series.as_str())
                .fetch_all(c)
                .await?
        }
    })
}
