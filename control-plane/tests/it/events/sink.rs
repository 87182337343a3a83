//! A receiver of webhooks: it keeps what it is sent, and answers as it is told.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex};
use tallygate::secrets::Secret;
use tallygate::webhooks::send::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, signature};
use tokio::net::TcpListener;

/// What came in.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

#[derive(Clone, Debug)]
pub(super) struct Sink {
    pub(super) url: String,
    state: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    received: Vec<Received>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn event_id(&self) -> &str {
        self.header(ID_HEADER)
    }

    /// `account created`.
    pub(super) fn what(&self) -> String {
        format!("{} {}", self.element("type"), self.element("action"))
    }

    /// The text of the first such element.
    pub(super) fn element(&self, name: &str) -> &str {
        let (_, rest) = self.body.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0
    }

    /// Whether it is signed with this secret, about now.
    pub(super) fn is_signed_with(&self, secret: &str) -> bool {
        let timestamp = self.header(TIMESTAMP_HEADER);
        let expected = signature(&Secret::new(secret), timestamp, self.event_id(), &self.body);
        self.header(SIGNATURE_HEADER) == expected
    }
}

impl Sink {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let inner = Inner {
            status: StatusCode::OK,
            received: Vec::new(),
        };
        let state = Arc::new(Mutex::new(inner));
        let router = Router::new().fallback(take).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    pub(super) fn answer_with(&self, status: StatusCode) {
        self.state.lock().unwrap().status = status;
    }

    /// What came in since this was last asked.
    pub(super) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.lock().unwrap().received)
    }

    /// What the events were that came in, sorted.
    pub(super) fn what(&self) -> Vec<String> {
        let mut what: Vec<String> = self.received().iter().map(Received::what).collect();
        what.sort();
        what
    }
}

async fn take(State(state): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut state = state.lock().unwrap();
    state.received.push(Received {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    (state.status, [("location", "/elsewhere")]).into_response()
}
