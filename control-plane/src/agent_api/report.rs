//! `POST /transactions.xml`: usage that has happened, counted whatever the limits say.
//!
//! One bad transaction does not spoil the others: 202 whenever the call itself is in order, as in 3scale, and a body that
//! names each transaction which was left out, with its code; the header `3scale-rejected-transactions` says how many.

use super::application;
use super::once;
use super::options::Options;
use super::params::{Params, Transaction};
use super::product::Product;
use super::refusal::{Failure, Refusal, XML, xml_text};
use crate::app::App;
use crate::charges::{Charge, Line, What};
use crate::db::Tx;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::collections::HashMap;
use std::fmt::Write as _;

/// How long ago usage may have happened, in seconds.
const OLDEST_SECS: u64 = 24 * 3600;
/// How far an agent's clock may be ahead, in seconds.
const AHEAD_SECS: u64 = 3600;

/// Takes a report.
pub async fn report(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let options = Options::of(&headers);
    match take(&app, uri.path(), uri.query(), &headers, options, &body).await {
        Ok(response) => response,
        Err(failure) => failure.response(options),
    }
}

async fn take(
    app: &App,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    options: Options,
    body: &[u8],
) -> Result<Response, Failure> {
    let params = Params::of_body(query, headers, body)?;
    let now_secs = app.db.now_ms().await?.unsigned_abs() / 1000;
    let mut tx = app.db.read().await?;
    let product = Product::authenticate(&mut tx, &params).await?;
    let transactions = params.transactions()?;
    let once = once(headers, product.row.id, path, &params)?;
    let mut applications = Applications::default();
    let mut lines = Vec::new();
    let mut rejected = Vec::new();
    for transaction in &transactions {
        let line = applications
            .line(&mut tx, &product, transaction, options, now_secs)
            .await?;
        match line {
            Ok(Some(line)) => lines.push(line),
            Ok(None) => {}
            Err(refusal) => rejected.push((transaction.label.as_str(), refusal)),
        }
    }
    drop(tx);
    if !lines.is_empty() {
        let what = What::Count(lines);
        app.charges.take(Charge { what, once }).await?;
    }
    app.charges.counters().count_rejected(rejected.len());
    if let Some((_, first)) = rejected.first() {
        tracing::warn!(
            product = product.row.id,
            transactions = rejected.len(),
            code = first.code,
            "an agent has reported transactions that cannot be counted"
        );
    }
    Ok(accepted(&rejected, options))
}

/// 202, and what was left out.
fn accepted(rejected: &[(&str, Refusal)], options: Options) -> Response {
    if rejected.is_empty() {
        return StatusCode::ACCEPTED.into_response();
    }
    let mut body =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rejected_transactions>");
    for (label, refusal) in rejected {
        let (label, text) = (xml_text(label), xml_text(&refusal.text));
        let code = refusal.code;
        let _ = write!(
            body,
            "<transaction index=\"{label}\" code=\"{code}\">{text}</transaction>"
        );
    }
    body.push_str("</rejected_transactions>\n");
    let mut response = if options.no_body {
        StatusCode::ACCEPTED.into_response()
    } else {
        (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, XML)], body).into_response()
    };
    response.headers_mut().insert(
        "3scale-rejected-transactions",
        HeaderValue::from(rejected.len()),
    );
    response
}

/// Applications that were looked up already: reports name the same ones again and again.
#[derive(Default)]
struct Applications(HashMap<(Option<String>, Option<String>), Result<i64, Refusal>>);

impl Applications {
    /// What a transaction adds up to; none when it uses nothing.
    async fn line(
        &mut self,
        tx: &mut Tx,
        product: &Product,
        transaction: &Transaction,
        options: Options,
        now_secs: u64,
    ) -> Result<Result<Option<Line>, Refusal>, Failure> {
        let params = &transaction.params;
        let application = match self.id(tx, product, params).await? {
            Ok(application) => application,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let named = params.usage().unwrap_or_default();
        let line = product.usage(&named, options.flat_usage).and_then(|usage| {
            let at_secs = at_secs(params.text("timestamp"), now_secs)?;
            let line = Line {
                application,
                at_secs,
                usage,
            };
            Ok((!line.usage.is_empty()).then_some(line))
        });
        Ok(line)
    }

    async fn id(
        &mut self,
        tx: &mut Tx,
        product: &Product,
        params: &Params,
    ) -> Result<Result<i64, Refusal>, Failure> {
        let name = (
            params.text("app_id").map(str::to_owned),
            params.text("user_key").map(str::to_owned),
        );
        if let Some(known) = self.0.get(&name) {
            return Ok(known.clone());
        }
        let found = match application::find(tx, product, params).await {
            Ok(application) => Ok(application.id),
            Err(Failure::Refused(refusal)) => Err(refusal),
            Err(failed) => return Err(failed),
        };
        self.0.insert(name, found.clone());
        Ok(found)
    }
}

/// When it happened, seconds since 1970: now, unless a time is named that can be read.
fn at_secs(timestamp: Option<&str>, now_secs: u64) -> Result<u64, Refusal> {
    let Some(at_secs) = timestamp.and_then(parse) else {
        return Ok(now_secs);
    };
    let now = i64::try_from(now_secs).unwrap_or(i64::MAX);
    let (oldest, ahead) = (OLDEST_SECS.cast_signed(), AHEAD_SECS.cast_signed());
    if at_secs < now.saturating_sub(oldest) {
        return Err(Refusal::too_old(OLDEST_SECS));
    }
    if at_secs > now.saturating_add(ahead) {
        return Err(Refusal::too_new(AHEAD_SECS));
    }
    Ok(u64::try_from(at_secs).unwrap_or(now_secs))
}

/// `2026-01-31 12:00:00 +0100`, without an offset in UTC; RFC 3339; or seconds since 1970.
fn parse(text: &str) -> Option<i64> {
    if let Ok(secs) = text.parse::<i64>() {
        return Some(secs);
    }
    for form in ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %:z"] {
        if let Ok(zoned) = jiff::fmt::strtime::parse(form, text)
            && let Ok(time) = zoned.to_timestamp()
        {
            return Some(time.as_second());
        }
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let civil = text
        .strip_suffix(" UTC")
        .unwrap_or(text)
        .parse::<DateTime>();
    let time = jiff::tz::TimeZone::UTC.to_timestamp(civil.ok()?).ok()?;
    Some(time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_agents_write() {
        let at = 1_769_860_800; // 2026-01-31T12:00:00Z
        for text in [
            "2026-01-31 12:00:00",
            "2026-01-31 12:00:00 UTC",
            "2026-01-31 12:00:00 +0000",
            "2026-01-31 13:30:00 +0130",
            "2026-01-31 13:30:00 +01:30",
            "2026-01-31T04:00:00-08:00",
            "2026-01-31T12:00:00Z",
            "1769860800",
        ] {
            assert_eq!(parse(text), Some(at), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01 00:00:00",
            "2026-01-31 25:00:00",
            "1e9",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let now = at.cast_unsigned();
        assert_eq!(at_secs(Some("yesterday"), now), Ok(now));
        assert_eq!(at_secs(None, now), Ok(now));
        assert!(at_secs(Some("2026-01-30 12:00:00"), now).is_ok());
        assert_eq!(
            at_secs(Some("2026-01-30 11:59:59"), now).unwrap_err().code,
            "transaction_timestamp_too_old"
        );
        assert!(at_secs(Some("2026-01-31 13:00:00"), now).is_ok());
        assert_eq!(
            at_secs(Some("2026-01-31 13:00:01"), now).unwrap_err().code,
            "transaction_timestamp_too_new"
        );
        assert_eq!(
            at_secs(Some("-9223372036854775808"), now).unwrap_err().code,
            "transaction_timestamp_too_old"
        );
    }
}
