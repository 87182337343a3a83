//! The gateway API: what Envoy's filters call. `snapshot` tells them what to decide by, `sync` takes what
//! they counted, `leases` gives credit to requests that wait for it, and `traffic`
//! hears how requests were answered.
//!
//! Gateways speak postcard, people and tools JSON, in both directions. Errors are problem+json.

pub mod auth;
pub mod leases;
pub mod snapshot;
pub mod sync;
pub mod traffic;

use crate::db::Db;
use crate::error::Error;
use crate::leases::fleet::Gauges;
use crate::leases::live::Live;
use crate::leases::{self as credit, Leases};
use crate::ledger::{Counters, Ledger};
use crate::ops::Metrics;
use crate::publish::ApplicationCount;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tallygate_core::wire;

/// What the calls of all gateways share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gateways {
    ledger: Ledger,
    leases: Leases,
    applications: Arc<ApplicationCount>,
    pages: Counter,
    /// What operators see of credit, by product.
    pub gauges: Gauges,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// [`wire::COMPACT`].
    Compact,
    /// [`wire::JSON`].
    Json,
}

// === impl Gateways ===

impl Gateways {
    /// With its metrics made known to `/metrics`.
    #[must_use]
    pub fn new(db: Db, metrics: &Metrics) -> Self {
        let (pages, counters) = (Counter::default(), Counters::default());
        let gauges = Gauges::default();
        let (live, asks) = (Live::default(), credit::Counters::default());
        metrics.register(|registry| {
            registry.register(
                "snapshot_pages",
                "Pages of snapshots sent to gateways",
                pages.clone(),
            );
            counters.register(registry);
            asks.register(registry);
            gauges.register(registry);
        });
        Self {
            ledger: Ledger::new(db.clone(), counters),
            leases: Leases::new(db, live, asks),
            applications: Arc::default(),
            pages,
            gauges,
        }
    }
    /// Where usage is counted.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where asks are decided.
    #[must_use]
    pub fn leases(&self) -> &Leases {
        &self.leases
    }
}

// === impl Form ===

impl Form {
    /// What the caller wants to read: compact when it says so, else JSON.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Self {
        let compact = [wire::COMPACT, wire::COMPACT_V2, wire::COMPACT_V3];
        if compact.iter().any(|form| accepts(headers, form)) {
            Self::Compact
        } else {
            Self::Json
        }
    }

    /// What the caller has sent.
    ///
    /// # Errors
    /// 415 when it is neither.
    pub fn sent(headers: &HeaderMap) -> Result<Self, Error> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match media_type(content_type) {
            sent if sent.eq_ignore_ascii_case(wire::COMPACT) => Ok(Self::Compact),
            sent if sent.eq_ignore_ascii_case(wire::JSON) => Ok(Self::Json),
            _ => Err(Error::Refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("send {} or {} (content-type)", wire::COMPACT, wire::JSON),
            )),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// 400 when it is not one.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, Error> {
        match self {
            Self::Compact => {
                wire::decode(bytes).map_err(|error| Error::bad_request(error.to_string()))
            }
            Self::Json => {
                serde_json::from_slice(bytes).map_err(|error| Error::bad_request(error.to_string()))
            }
        }
    }

    /// Writes a message.
    #[must_use]
    pub fn write<T: Serialize>(self, message: &T) -> Vec<u8> {
        match self {
            Self::Compact => wire::encode(message),
            // Plain data into memory: nothing that could fail.
            Self::Json => serde_json::to_vec(message).unwrap_or_default(),
        }
    }

    /// How long a part of a message is, with what separates it from the next.
    #[must_use]
    pub fn size<T: Serialize>(self, part: &T) -> usize {
        self.write(part).len() + usize::from(self == Self::Json)
    }

    /// An answer of 200, in the first version.
    fn answer<T: Serialize>(self, message: &T) -> Response {
        self.answer_as(wire::COMPACT, message)
    }

    /// The same, when its compact form has another media type.
    fn answer_as<T: Serialize>(self, compact: &'static str, message: &T) -> Response {
        let content_type = match self {
            Self::Compact => compact,
            Self::Json => wire::JSON,
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, self.write(message)).into_response()
    }
}

/// Whether a gateway reads this compact form.
fn accepts(headers: &HeaderMap, compact: &str) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| media_type(range).eq_ignore_ascii_case(compact))
}

fn media_type(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}
