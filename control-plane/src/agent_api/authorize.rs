//! `GET /transactions/{authorize,authrep,oauth_authorize,oauth_authrep}.xml`.

use super::application::{self, Keys};
use super::once;
use super::options::Options;
use super::params::Params;
use super::product::Product;
use super::refusal::{Denial, Failure};
use super::status::Status;
use crate::app::App;
use crate::charges::standing::{self, Standing};
use crate::charges::{Charge, Outcome, What};
use crate::leases::terms::Terms;
use crate::secrets::APPLICATION_KEY_VALUE;
use crate::store::plans::{self, APPLICATION_PLAN};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use std::collections::BTreeSet;
use tallygate_core::metric::Usage;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    /// To know.
    Authorize,
    /// To count as well.
    Authrep,
}

/// `GET /transactions/authorize.xml`: whether a call with this `usage` would be let through; without any, whether no limit
/// is exceeded. Nothing is counted.
pub async fn authorize(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(
        &app,
        uri.path(),
        uri.query(),
        &headers,
        Verb::Authorize,
        Keys::Needed,
    )
    .await
}

/// `GET /transactions/authrep.xml`: lets a call through and counts its `usage`, or neither.
pub async fn authrep(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(
        &app,
        uri.path(),
        uri.query(),
        &headers,
        Verb::Authrep,
        Keys::Needed,
    )
    .await
}

/// `GET /transactions/oauth_authorize.xml`: as `authorize`, for products whose applications bring tokens of an issuer.
pub async fn oauth_authorize(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(
        &app,
        uri.path(),
        uri.query(),
        &headers,
        Verb::Authorize,
        Keys::IfSent,
    )
    .await
}

/// `GET /transactions/oauth_authrep.xml`: as `authrep`, for the same.
pub async fn oauth_authrep(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(
        &app,
        uri.path(),
        uri.query(),
        &headers,
        Verb::Authrep,
        Keys::IfSent,
    )
    .await
}

async fn answer(
    app: &App,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    verb: Verb,
    keys: Keys,
) -> Response {
    let options = Options::of(headers);
    match decide(app, path, query, headers, options, verb, keys).await {
        Ok(response) => response,
        Err(failure) => failure.response(options),
    }
}

async fn decide(
    app: &App,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    options: Options,
    verb: Verb,
    keys: Keys,
) -> Result<Response, Failure> {
    let params = Params::of_query(query)?;
    let now_secs = app.db.now_ms().await?.unsigned_abs() / 1000;
    let mut tx = app.db.read().await?;
    let product = Product::authenticate(&mut tx, &params).await?;
    let application = application::find(&mut tx, &product, &params).await?;
    let usage = params
        .usage()
        .map(|named| product.usage(&named, options.flat_usage))
        .transpose()?;
    let mut denial = application::denial(&mut tx, &product, &application, &params, keys).await?;
    let once = once(headers, product.row.id, path, &params)?;
    let plan = plans::get(&mut tx, APPLICATION_PLAN, application.plan_id).await?;
    let terms = Terms::read(&mut tx, &BTreeSet::from([application.id])).await?;
    let mut standings =
        standing::read(&mut tx, &terms, application.id, usage.as_ref(), now_secs).await?;
    let shown_keys = if options.list_app_keys {
        let mut shown = Vec::new();
        for key in application::keys_of(&mut tx, &application).await? {
            if let Some(sealed) = &key.value {
                let value = app.secrets.open(APPLICATION_KEY_VALUE, sealed);
                shown.push(value.map_err(crate::error::Error::from)?);
            }
        }
        let name = application.app_id.clone();
        Some((name.unwrap_or_else(|| application.id.to_string()), shown))
    } else {
        None
    };
    drop(tx);

    let mut retry_after_secs = None;
    if denial.is_none() {
        let short = match (verb, &usage) {
            (Verb::Authrep, Some(usage)) => {
                let what = What::Admit(application.id, usage.clone());
                charge(app, what, once, &mut standings).await?
            }
            _ => foresee(app, application.id, usage.as_ref(), &standings).await?,
        };
        if let Some(short) = short {
            retry_after_secs = short.retry_after_secs(&standings, usage.as_ref(), now_secs);
            denial = Some(short.denial);
        }
    }
    let status = Status {
        product: &product,
        plan: &plan.name,
        denial,
        standings: &standings,
        usage: usage.as_ref(),
        keys: shown_keys,
        oauth: (keys == Keys::IfSent).then(|| application.app_id.clone().unwrap_or_default()),
        retry_after_secs,
        now_secs,
    };
    Ok(status.response(options))
}

/// Why a call is not let through that is otherwise right.
#[derive(Debug)]
struct Short {
    denial: Denial,
    /// Gateways hold what is missing, and were asked for it.
    soon: bool,
}

/// Admits and counts; `standings` are then how the cells stand with it.
async fn charge(
    app: &App,
    what: What,
    once: Option<crate::charges::once::Once>,
    standings: &mut Vec<Standing>,
) -> Result<Option<Short>, Failure> {
    match app.charges.take(Charge { what, once }).await? {
        Outcome::Taken(now) => {
            *standings = now;
            Ok(None)
        }
        Outcome::Again => Ok(None),
        Outcome::Short {
            standings: now,
            soon,
        } => {
            *standings = now;
            Ok(Some(Short {
                denial: Denial::limits(),
                soon,
            }))
        }
        Outcome::NotLive => Ok(Some(Short {
            denial: Denial::not_active(),
            soon: false,
        })),
    }
}

/// Looks at the limits and takes nothing. What gateways hold and would be missing is asked for, so that the call which
/// follows finds it.
async fn foresee(
    app: &App,
    application: i64,
    usage: Option<&Usage>,
    standings: &[Standing],
) -> Result<Option<Short>, Failure> {
    let need = |standing: &Standing| usage.map_or(0, |usage| usage.get(standing.metric));
    let is_short =
        |standing: &&Standing| standing.is_exceeded() || need(standing) > standing.free();
    let short: Vec<&Standing> = standings.iter().filter(is_short).collect();
    if short.is_empty() {
        return Ok(None);
    }
    let mut soon = false;
    if let Some(usage) = usage.filter(|_| short.iter().any(|standing| standing.leased > 0)) {
        let what = What::Want(application, usage.clone());
        match app.charges.take(Charge { what, once: None }).await? {
            // It has come back meanwhile.
            Outcome::Taken(_) | Outcome::Again => return Ok(None),
            Outcome::Short { soon: held, .. } => soon = held,
            Outcome::NotLive => {}
        }
    }
    Ok(Some(Short {
        denial: Denial::limits(),
        soon,
    }))
}

impl Short {
    /// A second while gateways hold what is missing, else to the end of the last window that is used up; none when that
    /// has no end.
    fn retry_after_secs(
        &self,
        standings: &[Standing],
        usage: Option<&Usage>,
        now_secs: u64,
    ) -> Option<u64> {
        if self.soon {
            return Some(1);
        }
        if self.denial != Denial::limits() {
            return None;
        }
        let need = |standing: &Standing| usage.map_or(0, |usage| usage.get(standing.metric));
        let used_up = standings
            .iter()
            .filter(|standing| standing.is_exceeded() || need(standing) > standing.free());
        let ends: Option<Vec<u64>> = used_up.map(|standing| standing.window.end).collect();
        let last = ends?.into_iter().max()?;
        Some(last.saturating_sub(now_secs).max(1))
    }
}
