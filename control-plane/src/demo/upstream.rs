//! The demo's upstream: answers every request with what it got, so that one sees what the gateway sent.

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Json, Response};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Longer bodies are refused: they are held in memory to be shown.
const BODY_BYTES: usize = 32 * 1024 * 1024;

/// A running upstream; it ends when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

// === impl Upstream ===

impl Upstream {
    /// Listens and serves in the background.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("the upstream on {address}"))?;
        let address = listener.local_addr()?;
        let requests = Arc::new(AtomicU64::new(0));
        let app = Router::new().fallback(show).with_state(requests.clone());
        let server = tokio::spawn(async move {
            // Accepting goes on for ever; there is no error to come back with.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            address,
            requests,
            server,
        })
    }

    /// Its address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests have come this far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn show(State(requests): State<Arc<AtomicU64>>, request: Request<Body>) -> Response {
    requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let body = match to_bytes(body, BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => {
            return (axum::http::StatusCode::BAD_REQUEST, error.to_string()).into_response();
        }
    };
    let mut headers = Map::new();
    for name in head.headers.keys() {
        let values: Vec<_> = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        headers.insert(name.to_string(), Value::String(values.join(", ")));
    }
    Json(json!({
        "method": head.method.as_str(),
        "path": head.uri.path_and_query().map_or("/", |path| path.as_str()),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    }))
    .into_response()
}
