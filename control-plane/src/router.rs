//! Every route of every surface, on one page.
//!
//! Two listeners: `admin` for providers, gateways and operators, `portal` for developers.

use crate::admin_api::format;
use crate::app::App;
use crate::error::Error;
use crate::{gateway_api, home, ops, stats};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// The most a request's body may have.
const BODY_BYTES: usize = 1024 * 1024;
/// The longest a request may take; long polls last 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The admin listener.
pub fn admin(app: &App) -> Router {
    let routes = Router::new()
        .merge(account_management())
        .merge(stats())
        .merge(gateways())
        .merge(operations())
        .with_state(app.clone());
    // Outside the router, because it changes the path that the router sees.
    Router::new()
        .fallback_service(layered(routes, app))
        .layer(from_fn(format::negotiate))
}

/// The portal's listener.
pub fn portal(app: &App) -> Router {
    let routes = Router::new()
        .route("/", get(home::home))
        .route("/healthz", get(ops::healthz))
        .with_state(app.clone());
    layered(routes, app)
}

/// The Account Management API, paths without `.xml` and `.json`.
#[rustfmt::skip]
fn account_management() -> Router<App> {
    Router::new()
}

/// The analytics API.
#[rustfmt::skip]
fn stats() -> Router<App> {
    Router::new()
        .route("/stats/services/{id}/usage", get(stats::of_service))
        .route("/stats/applications/{id}/usage", get(stats::of_application))
}

/// What gateways call.
#[rustfmt::skip]
fn gateways() -> Router<App> {
    Router::new()
        .route("/gateway/v1/snapshot", get(gateway_api::snapshot::snapshot))
        .route("/gateway/v1/sync", post(gateway_api::sync::sync))
}

/// What operators call.
#[rustfmt::skip]
fn operations() -> Router<App> {
    Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/livez", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
}

fn layered(routes: Router, app: &App) -> Router {
    routes
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || {
            Error::Refused(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed".into())
        })
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), ops::observe))
}
