//! Tests the way from a client to a product's upstream: one request through the staging gateway, and what happened to it
//! at each step, so that a provider sees green or the exact reason.
//!
//! The request is a real one. It carries an application's credentials and counts as a call of it, and reaches the upstream.
//! Gateways know it by a signature ([`tallygate_core::probe`]) and tell in their answer what they decided, with a
//! signature of their own: whatever else answers at that address is not believed, and nothing of its answer is shown but
//! its status.

mod call;
mod caller;
mod request;
mod steps;

use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote::urls;
use crate::publish::{Environment, Frozen};
use crate::secrets::Secret;
use crate::store::gateways;
use crate::store::products::{self, ProductRow};
use crate::store::versions;
use serde_json::Value;
use tallygate_core::id::ProductId;
use tallygate_core::probe;
use tallygate_core::wire::ConfigV1;

pub use request::METHODS;
pub use steps::{Outcome, Step};

/// What is to be tried; what is left out is chosen.
#[derive(Debug, Default)]
pub struct Wanted {
    /// One of [`METHODS`].
    pub method: Option<&'static str>,
    /// Path and query below the public base URL.
    pub path: Option<String>,
    /// Whose credentials to send.
    pub application_id: Option<i64>,
    /// A `user_key` to send.
    pub user_key: Option<Secret>,
    /// An `app_id` to send.
    pub app_id: Option<String>,
    /// Its key.
    pub app_key: Option<Secret>,
    /// A token of the product's issuer to send.
    pub token: Option<Secret>,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// The version that staging follows.
    pub version: Option<i64>,
    /// What was sent, when something was.
    pub sent: Option<Sent>,
    /// The status that it was answered with, and how long that took.
    pub answer: Option<(u16, i64)>,
    /// What happened, in order; after one that failed, those that were not come to are skipped.
    pub steps: Vec<Step>,
}

/// A request as it is shown: without its credentials.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its method.
    pub method: String,
    /// Where it was sent, as a client would see it.
    pub url: String,
    /// Whose credentials it had.
    pub application_id: Option<i64>,
}

/// What staging follows, ready to be asked.
#[derive(Debug)]
struct Deployed {
    version: i64,
    config: ConfigV1,
    /// `sandbox_endpoint` as it was frozen.
    endpoint: String,
}

/// The gateways of staging, as far as they have told of themselves.
#[derive(Clone, Copy, Debug, Default)]
struct Fleet {
    gateways: usize,
    /// Since the last call of any of them.
    silent_secs: Option<i64>,
    /// By how many revisions the one that is ahead of the others is behind.
    behind: i64,
}

impl Report {
    /// Whether every step was passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.outcome == Outcome::Passed)
    }
}

/// Tests a product's staging configuration.
///
/// # Errors
/// 404 for a product that there is not; 422 for an application or a path that cannot be tried.
pub async fn run(app: &App, product_id: i64, wanted: Wanted) -> Result<Report, Error> {
    let mut tx = app.db.read().await?;
    let product = products::get(&mut tx, product_id).await?;
    let deployed = match deployed(app, &mut tx, &product).await? {
        Ok(deployed) => deployed,
        Err((version, step)) => {
            return Ok(Report {
                version,
                sent: None,
                answer: None,
                steps: steps::ending_with(Vec::new(), step),
            });
        }
    };
    let caller = caller::find(app, &mut tx, &product, &deployed.config, &wanted).await?;
    let fleet = fleet(&mut tx).await?;
    // The transaction ends before the request, which may take seconds.
    drop(tx);
    let now_secs = app.db.now_ms().await?.max(0).unsigned_abs() / 1_000;
    let until_secs = now_secs + probe::LIFETIME_SECS / 2;
    let token = deployed.config.secret_token.as_bytes();
    let signature = probe::sign(token, ProductId(product.id), until_secs);
    let gateway = app.config.staging_gateway.as_deref();
    let request = request::build(&deployed, &wanted, &caller, gateway, &signature)?;
    let sent = Sent {
        method: request.method.clone(),
        url: request.shown_url.clone(),
        application_id: caller
            .application
            .as_ref()
            .map(|application| application.id),
    };
    let backend = request::backend_of(&deployed.config, &request.path);
    let seen = call::send(request).await;
    let expected = steps::Expected {
        version: deployed.version,
        sent: &sent,
        rules: deployed.config.rules.len() + backend.map_or(0, |backend| backend.rules.len()),
        lacks_backend: backend.is_none() && !deployed.config.backends.is_empty(),
        proof: probe::answer(token, signature.as_bytes()),
        upstream: backend.map_or(deployed.config.upstream.as_ref(), |backend| {
            Some(&backend.upstream)
        }),
        takes_tokens_only: caller::takes_tokens_only(&deployed.config),
        caller: &caller,
        fleet,
    };
    let steps = steps::judge(&expected, &seen);
    Ok(Report {
        version: Some(deployed.version),
        answer: seen.ok().map(|seen| (seen.status, seen.duration_ms)),
        sent: Some(sent),
        steps,
    })
}

/// What staging follows; or the first step, which fails.
async fn deployed(
    app: &App,
    tx: &mut Tx,
    product: &ProductRow,
) -> Result<Result<Deployed, (Option<i64>, Step)>, Error> {
    let row = versions::current(tx, product.id, Environment::Staging.of_configs()).await?;
    let Some(row) = row else {
        let step = Step::failed(
            steps::DEPLOYED,
            "Nothing was deployed yet, so staging follows nothing.",
            format!(
                "Deploy the draft: POST /admin/api/services/{}/proxy/deploy.json",
                product.id
            ),
        );
        return Ok(Err((None, step)));
    };
    let content: Value = serde_json::from_str(&row.content).map_err(anyhow::Error::from)?;
    let endpoint = content
        .pointer("/proxy/sandbox_endpoint")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if urls::public(&endpoint).is_err() {
        let step = Step::failed(
            steps::DEPLOYED,
            format!(
                "Version {} has no public base URL for staging, so nobody can call it.",
                row.version
            ),
            "Set sandbox_endpoint and deploy again.",
        );
        return Ok(Err((Some(row.version), step)));
    }
    let config =
        Frozen::read(&row.content)?.config(Environment::Staging, row.version, &app.secrets)?;
    Ok(Ok(Deployed {
        version: row.version,
        config,
        endpoint,
    }))
}

async fn fleet(tx: &mut Tx) -> Result<Fleet, Error> {
    let now_ms = tx.now_ms().await?;
    let revision = gateways::revision(tx).await?;
    let all = gateways::all(tx).await?;
    let staging: Vec<_> = all
        .iter()
        .filter(|gateway| gateway.environment == "staging")
        .collect();
    let last_seen = staging
        .iter()
        .filter_map(|gateway| gateway.last_seen_at)
        .max();
    let newest = staging
        .iter()
        .filter_map(|gateway| gateway.revision_seen)
        .max();
    Ok(Fleet {
        gateways: staging.len(),
        silent_secs: last_seen.map(|at| (now_ms - at).max(0) / 1_000),
        behind: newest.map_or(0, |seen| (revision - seen).max(0)),
    })
}
