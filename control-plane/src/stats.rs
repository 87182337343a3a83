//! The analytics API: usage of a metric over time, by product, application or backend, read from the series.
//!
//! What a sync has answered for is in these numbers: the ledger writes the series in the same transaction.

mod answer;
pub mod range;
pub mod sums;
pub mod traffic;
pub mod zones;

use crate::admin_api::auth::ReadStats;
use crate::admin_api::format::Format;
use crate::admin_api::params::Params;
use crate::admin_api::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::series::Series;
use crate::store::backends;
use crate::store::stats::{self as store, Whose};
use answer::Usage;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use range::{Asked, Granularity, Period, Range, moment};
use zones::Zone;

/// `GET /stats/services/{id}/usage`
pub async fn of_service(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    Extension(format): Extension<Format>,
    call: ReadStats,
) -> Result<Response, Error> {
    let query = Query::read(call.params)?;
    let mut tx = app.db.read().await?;
    let product = store::product(&mut tx, id).await?;
    let metric = store::metric(&mut tx, product, &query.metric_name).await?;
    let metric = metric.ok_or_else(|| unknown("product"))?;
    usage(&mut tx, query, Whose::Product(product), metric, None)
        .await?
        .answer(format)
}

/// `GET /stats/applications/{id}/usage`
pub async fn of_application(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    Extension(format): Extension<Format>,
    call: ReadStats,
) -> Result<Response, Error> {
    let query = Query::read(call.params)?;
    let mut tx = app.db.read().await?;
    let application = store::application(&mut tx, id).await?;
    let metric = store::metric(&mut tx, application.product_id, &query.metric_name).await?;
    let metric = metric.ok_or_else(|| unknown("product"))?;
    usage(
        &mut tx,
        query,
        Whose::Application(id),
        metric,
        Some(application),
    )
    .await?
    .answer(format)
}

/// `GET /stats/backend_apis/{id}/usage`: in all products together.
pub async fn of_backend(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    Extension(format): Extension<Format>,
    call: ReadStats,
) -> Result<Response, Error> {
    let query = Query::read(call.params)?;
    let mut tx = app.db.read().await?;
    backends::get(&mut tx, id).await?;
    let metric = store::metric_of_backend(&mut tx, id, &query.metric_name).await?;
    let metric = metric.ok_or_else(|| unknown("backend"))?;
    usage(&mut tx, query, Whose::Backend(id), metric, None)
        .await?
        .answer(format)
}

fn unknown(owner: &str) -> Error {
    Error::invalid("metric_name", format!("is not a metric of this {owner}"))
}

/// What a client asks for.
struct Query {
    metric_name: String,
    asked: Asked,
    granularity: Granularity,
    zone: Zone,
    change: bool,
}

impl Query {
    fn read(mut params: Params) -> Result<Self, Error> {
        let metric_name = params.text("metric_name", 255);
        let period = params.opt_choice("period", &["year", "month", "week", "day", "eternity"]);
        let granularity = params
            .opt_text("granularity", 20)
            .filter(|text| !text.is_empty());
        let zone = params
            .opt_text("timezone", 64)
            .filter(|text| !text.is_empty());
        let since = params.opt_text("since", 64).filter(|text| !text.is_empty());
        let until = params.opt_text("until", 64).filter(|text| !text.is_empty());
        let skip_change = params.opt_bool("skip_change").unwrap_or(true);
        params.check()?;

        let zone = zone.as_deref().unwrap_or("UTC");
        let zone =
            Zone::named(zone).ok_or_else(|| bad(&format!("timezone {zone} is not a time zone")))?;
        let granularity = granularity
            .map(|name| {
                Granularity::parse(&name).ok_or_else(|| {
                    bad("granularity must be one of month, day, 21600 (six hours), hour, eternity")
                })
            })
            .transpose()?;
        let read = |name: &str, text: Option<String>| {
            text.map(|text| {
                moment(&text, &zone).ok_or_else(|| {
                    bad(&format!(
                        "{name} must be a date and time such as 2012-02-22 23:49:00"
                    ))
                })
            })
            .transpose()
        };
        let (since, until) = (read("since", since)?, read("until", until)?);
        let (asked, granularity) = match (period.map(named), since, until, granularity) {
            (Some(period), since, _, granularity) => (
                Asked::Period(period, since),
                granularity.unwrap_or(period.granularity()),
            ),
            (None, Some(since), Some(until), Some(granularity)) => {
                (Asked::Between(since, until), granularity)
            }
            _ => {
                return Err(bad(
                    "period is missing: send it, or since, until and granularity",
                ));
            }
        };
        Ok(Self {
            metric_name,
            asked,
            granularity,
            zone,
            change: !skip_change,
        })
    }
}

async fn usage(
    tx: &mut Tx,
    query: Query,
    whose: Whose,
    metric: store::Metric,
    application: Option<store::Application>,
) -> Result<Usage, Error> {
    let now = Timestamp::from_millisecond(tx.now_ms().await?)
        .map_err(|error| Error::internal(error.to_string()))?;
    let range = Range::new(&query.asked, query.granularity, &query.zone, now)
        .map_err(|error| bad(&error.0))?;
    let values = values(tx, whose, metric.id, query.granularity, &range.bounds).await?;
    let previous_total = if query.change {
        let before = values_between(tx, whose, metric.id, &range.previous).await?;
        Some(before.into_iter().fold(0_i64, i64::saturating_add))
    } else {
        None
    };
    let stretch = match range.bounds.as_slice() {
        [first, .., last] => [*first, *last],
        _ => [0, 0],
    };
    Ok(Usage {
        metric,
        application,
        period: match query.asked {
            Asked::Period(period, _) => Some(period),
            Asked::Between(..) => None,
        },
        granularity: query.granularity,
        zone: query.zone,
        stretch,
        values,
        previous_total,
    })
}

/// Usage in each bucket between these bounds, seconds since 1970. [`Granularity::Eternity`] has one.
///
/// # Errors
/// When the database does not answer.
pub async fn values(
    tx: &mut Tx,
    whose: Whose,
    metric: i64,
    granularity: Granularity,
    bounds: &[i64],
) -> Result<Vec<i64>, Error> {
    if granularity != Granularity::Eternity {
        return values_between(tx, whose, metric, bounds).await;
    }
    let rows = store::rows(tx, whose, metric, Series::Eternity, &[(0, 1)]).await?;
    Ok(vec![rows.first().map_or(0, |(_, value)| *value)])
}

/// Usage in each bucket between these bounds, whatever they are.
///
/// # Errors
/// When the database does not answer.
pub async fn values_between(
    tx: &mut Tx,
    whose: Whose,
    metric: i64,
    bounds: &[i64],
) -> Result<Vec<i64>, Error> {
    let mut values = vec![0; bounds.len().saturating_sub(1)];
    for (series, stretches) in sums::Plan::new(bounds).by_series() {
        let rows = store::rows(tx, whose, metric, series, &stretches).await?;
        sums::add(&mut values, bounds, &rows);
    }
    Ok(values)
}

fn named(period: &str) -> Period {
    match period {
        "year" => Period::Year,
        "month" => Period::Month,
        "week" => Period::Week,
        "day" => Period::Day,
        _ => Period::Eternity,
    }
}

/// 400, as 3scale answers to ranges it does not have.
fn bad(message: &str) -> Error {
    Error::bad_request(message)
}
