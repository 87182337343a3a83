//! For those who run it: health, readiness, metrics, and one log line per request.
//!
//! Paths are logged and counted as the route's pattern, never as sent: paths hold application keys, and
//! query strings hold tokens.

use crate::app::App;
use crate::error::Error;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The control plane's own metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    /// The newest committed revision this process knows of.
    pub revision: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// How long a scrape waits for the database.
const PATIENCE: Duration = Duration::from_secs(2);
/// Upper bounds of the latency histogram, in seconds.
const BUCKETS_SECS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 30.0];

impl Metrics {
    /// Registers everything.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tallygate");
        let requests = Family::default();
        let durations = Family::new_with_constructor(new_histogram as fn() -> Histogram);
        let in_flight = Gauge::default();
        let revision = Gauge::default();
        registry.register(
            "http_requests_in_flight",
            "Requests being served, long polls included",
            in_flight.clone(),
        );
        registry.register("http_requests", "Requests served", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "How long they took",
            durations.clone(),
        );
        registry.register(
            "revision",
            "The newest revision committed",
            revision.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            requests,
            durations,
            in_flight,
            revision,
        }
    }

    /// Adds metrics of another part.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        if let Ok(mut registry) = self.registry.lock() {
            add(&mut registry);
        }
    }
}

fn new_histogram() -> Histogram {
    Histogram::new(BUCKETS_SECS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// `GET /livez`, `GET /healthz`: the process runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: requests can be served; false from the moment a stop was asked for.
pub async fn readyz(State(app): State<App>) -> Response {
    if app.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match tokio::time::timeout(Duration::from_secs(2), app.db.revision()).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        )
            .into_response(),
    }
}

/// `GET /metrics`, in the `OpenMetrics` text format.
pub async fn metrics(State(app): State<App>) -> Result<Response, Error> {
    app.metrics.revision.set(*app.db.revisions().borrow());
    // Without the database there is still much to be seen.
    let gauges = app.gateways.gauges.refresh(&app.db);
    match tokio::time::timeout(PATIENCE, gauges).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "cannot read what gateways hold for /metrics"),
        Err(_) => {
            tracing::warn!("the database takes too long to say what gateways hold for /metrics")
        }
    }
    let mut text = String::new();
    let encoded = match app.metrics.registry.lock() {
        Ok(registry) => encode(&mut text, &registry).is_ok(),
        Err(_) => false,
    };
    if !encoded {
        return Err(Error::internal("encoding metrics"));
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

/// Counts and logs each request.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _in_flight = InFlight::new(&app.metrics.in_flight);
    let method = known_method(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    app.metrics
        .durations
        .get_or_create(&RouteLabels {
            route: route.clone(),
        })
        .observe(took.as_secs_f64());
    app.metrics
        .requests
        .get_or_create(&RequestLabels {
            method: method.into(),
            route: route.clone(),
            status,
        })
        .inc();
    tracing::debug!(method, route, status, ms = took.as_millis(), "request");
    response
}

/// Counts a request until it is dropped: answered, or given up by its client.
struct InFlight(Gauge);

impl InFlight {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Clients may invent methods; labels may not grow with what they invent.
fn known_method(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
