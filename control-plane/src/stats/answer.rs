//! Statistics as 3scale's clients read them.

use super::range::{Granularity, Period, zoned};
use super::zones::Zone;
use crate::admin_api::format::Format;
use crate::error::Error;
use crate::store::stats::{Application, Metric};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;
use serde_json::{Map, Value, json};

/// Usage of one metric, and what was asked for.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    /// The metric.
    pub(super) metric: Metric,
    /// The application, unless it is a whole product's.
    pub(super) application: Option<Application>,
    /// The period that was asked for.
    pub(super) period: Option<Period>,
    /// How it is cut.
    pub(super) granularity: Granularity,
    /// Whose days and months.
    pub(super) zone: Zone,
    /// From its first second to the first after it, since 1970.
    pub(super) stretch: [i64; 2],
    /// The buckets' sums.
    pub(super) values: Vec<i64>,
    /// The sum of the stretch of the same length before, if that was asked for.
    pub(super) previous_total: Option<i64>,
}

impl Usage {
    /// Rendered.
    ///
    /// # Errors
    /// When the stretch lies outside of all time.
    pub(super) fn answer(&self, format: Format) -> Result<Response, Error> {
        let (content_type, text) = match format {
            Format::Json => ("application/json; charset=utf-8", self.json()?.to_string()),
            Format::Xml => ("application/xml; charset=utf-8", self.xml()?),
        };
        let headers = [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-store"),
        ];
        Ok((headers, text).into_response())
    }

    fn total(&self) -> i64 {
        self.values
            .iter()
            .fold(0, |total, value| total.saturating_add(*value))
    }

    fn since_and_until(&self) -> Result<[String; 2], Error> {
        if self.granularity == Granularity::Eternity {
            return Ok(["1970-01-01T00:00:00Z".into(), "9999-12-31T23:59:59Z".into()]);
        }
        let [start, end] = self.stretch;
        Ok([iso(&self.zone, start)?, iso(&self.zone, end - 1)?])
    }

    fn granularity(&self) -> Value {
        match self.granularity {
            Granularity::Month => "month".into(),
            Granularity::Day => "day".into(),
            Granularity::SixHours => 21_600.into(),
            Granularity::Hour => "hour".into(),
            Granularity::Eternity => "eternity".into(),
        }
    }

    fn json(&self) -> Result<Value, Error> {
        let [since, until] = self.since_and_until()?;
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| drop(answer.insert(name.into(), value));
        put(
            "metric",
            json!({
                "id": self.metric.id,
                "name": self.metric.friendly_name,
                "system_name": self.metric.system_name,
                "unit": self.metric.unit,
            }),
        );
        put(
            "period",
            json!({
                "name": self.period.map(Period::as_str),
                "since": since,
                "until": until,
                "timezone": self.zone.name,
                "granularity": self.granularity(),
            }),
        );
        put("total", self.total().into());
        put("values", self.values.clone().into());
        if let Some(previous) = self.previous_total {
            put("previous_total", previous.into());
            put("change", change(self.total(), previous).into());
        }
        if let Some(application) = &self.application {
            let Application { id, account_id, .. } = application;
            put(
                "application",
                json!({
                    "id": id,
                    "name": application.name,
                    "state": application.state,
                    "link": format!("/admin/api/accounts/{account_id}/applications/{id}.json"),
                    "description": application.description,
                    "plan": { "id": application.plan_id, "name": application.plan_name },
                    "account": { "id": account_id, "name": application.org_name },
                    "service": { "id": application.product_id },
                }),
            );
        }
        Ok(answer.into())
    }

    fn xml(&self) -> Result<String, Error> {
        let [since, until] = self.since_and_until()?;
        let granularity = match self.granularity() {
            Value::String(name) => name,
            other => other.to_string(),
        };
        let values: Vec<String> = self.values.iter().map(i64::to_string).collect();
        let metric = &self.metric;
        let application = self
            .application
            .as_ref()
            .map_or_else(String::new, |application| {
                format!(
                    "<application><id>{}</id><name>{}</name><plan><id>{}</id><name>{}</name></plan>\
                 <account><name>{}</name><id>{}</id></account></application>",
                    application.id,
                    escape(&application.name),
                    application.plan_id,
                    escape(&application.plan_name),
                    escape(&application.org_name),
                    application.account_id,
                )
            });
        Ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<usage>\
             <metric><id>{}</id><name>{}</name><system_name>{}</system_name><unit>{}</unit></metric>\
             <period><since>{since}</since><until>{until}</until><name>{}</name><timezone>{}</timezone>\
             <granularity>{granularity}</granularity></period>\
             <data><total>{}</total><values length=\"{}\">{}</values></data>{application}</usage>",
            metric.id,
            escape(&metric.friendly_name),
            escape(&metric.system_name),
            escape(&metric.unit),
            self.period.map_or("", Period::as_str),
            escape(&self.zone.name),
            self.total(),
            values.len(),
            values.join(","),
        ))
    }
}

/// In percent, to two decimals; from nothing to something is 100.
fn change(total: i64, previous: i64) -> f64 {
    match (total, previous) {
        (0, 0) => 0.0,
        (_, 0) => 100.0,
        #[expect(clippy::cast_precision_loss, reason = "a percentage of two decimals")]
        (total, previous) => ((total as f64 / previous as f64 - 1.0) * 10_000.0).round() / 100.0,
    }
}

/// `2009-12-03T12:00:00+01:00`, and `Z` in UTC.
fn iso(zone: &Zone, at_secs: i64) -> Result<String, Error> {
    let at = zoned(zone, at_secs).map_err(|error| Error::bad_request(error.to_string()))?;
    let offset = if zone.name.ends_with("UTC") {
        "Z".to_owned()
    } else {
        at.strftime("%:z").to_string()
    };
    Ok(format!("{}{offset}", at.strftime("%Y-%m-%dT%H:%M:%S")))
}
