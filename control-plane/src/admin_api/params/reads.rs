//! Which parameters handlers read, for whoever holds the API's description against what it does.

use axum::extract::{Extension, MatchedPath};
use axum::http::request::Parts;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Collects what is read by the requests of a router that has [`ReadLog::layer`].
#[derive(Clone, Debug, Default)]
pub struct ReadLog(Arc<Mutex<BTreeSet<Read>>>);

/// A method, a route, and a parameter that is read there.
type Read = (String, String, String);

/// The log, for one request.
pub(super) struct OfRoute {
    log: ReadLog,
    method: String,
    route: String,
}

impl ReadLog {
    /// For a router, around everything.
    pub fn layer(&self) -> Extension<Self> {
        Extension(self.clone())
    }

    /// All reads so far: (method, route, parameter).
    #[must_use]
    pub fn reads(&self) -> Vec<(String, String, String)> {
        let reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.iter().cloned().collect()
    }
}

impl OfRoute {
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let log = parts.extensions.get::<ReadLog>()?.clone();
        let route = parts.extensions.get::<MatchedPath>()?.as_str().to_owned();
        let method = parts.method.to_string();
        Some(Self { log, method, route })
    }

    pub(super) fn note(&self, name: &str) {
        let read = (self.method.clone(), self.route.clone(), name.to_owned());
        let mut reads = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.insert(read);
    }
}
