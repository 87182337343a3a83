//! The only file that calls the host.
//!
//! It uses the calls that hand over bytes: their string twins unwrap UTF-8, and a client's header value would
//! trap the VM. (`clippy.toml` bans them everywhere.)

use crate::config::Config;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, MetricType, Status};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, UNIX_EPOCH};
use tallygate_core::request::Headers;
use tallygate_core::shared::{Lost, SharedData, Version};
use tallygate_core::wire;

/// Request headers as Envoy holds them: names in lower case, values any bytes.
pub(crate) struct RequestHeaders(Vec<(String, Vec<u8>)>);

/// Shared data of this Envoy process.
pub(crate) struct ProcessData;

/// A counter, gauge or histogram. Names are process wide, ids belong to a VM.
#[derive(Clone, Copy)]
pub(crate) struct Metric(Option<u32>);

/// An answer to a call of ours.
pub(crate) struct CallAnswer {
    /// HTTP status; none when the connection failed.
    pub(crate) status: Option<u16>,
    /// Empty when it was longer than Envoy keeps.
    pub(crate) body: Vec<u8>,
}

// === impl RequestHeaders ===

impl RequestHeaders {
    pub(crate) fn read() -> Self {
        Self(hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default())
    }

    /// The first value of a header, empty when there is none.
    pub(crate) fn first(&self, name: &str) -> &[u8] {
        self.get(name).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Names of the headers that start with `prefix`.
    pub(crate) fn starting_with(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(move |name| name.starts_with(prefix))
    }
}

impl Headers for RequestHeaders {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .for_each(|(_, value)| visit(value));
    }

    fn claim(&self, path: &[String]) -> Option<Vec<u8>> {
        let mut full = vec![
            "metadata",
            "filter_metadata",
            "envoy.filters.http.jwt_authn",
        ];
        full.extend(path.iter().map(String::as_str));
        hostcalls::get_property(full)
            .ok()
            .flatten()
            .filter(|claim| !claim.is_empty())
    }
}

/// Sets a request header, in place of all the client sent by that name.
pub(crate) fn set_request_header(name: &str, value: &[u8]) {
    let _ = hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value));
}

/// Removes a request header.
pub(crate) fn remove_request_header(name: &str) {
    let _ = hostcalls::remove_map_value(MapType::HttpRequestHeaders, name);
}

/// Sets a response header.
pub(crate) fn set_response_header(name: &str, value: &[u8]) {
    let _ = hostcalls::set_map_value_bytes(MapType::HttpResponseHeaders, name, Some(value));
}

/// The buffered request body.
pub(crate) fn request_body(size: usize) -> Vec<u8> {
    hostcalls::get_buffer(BufferType::HttpRequestBody, 0, size)
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// Replaces the buffered request body.
pub(crate) fn set_request_body(size: usize, body: &[u8]) {
    let _ = hostcalls::set_buffer(BufferType::HttpRequestBody, 0, size, body);
}

/// Answers the client without asking any upstream.
pub(crate) fn reply(status: u16, headers: &[(String, String)], body: &[u8]) {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let _ = hostcalls::send_http_response(u32::from(status), headers, Some(body));
}

/// An integer property of the stream.
pub(crate) fn integer_property(path: [&str; 2]) -> Option<u64> {
    let bytes = hostcalls::get_property(path.to_vec()).ok().flatten()?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// A text property of the stream, fit for a header; none when it is empty.
pub(crate) fn text_property(path: &[&str]) -> Option<String> {
    let bytes = hostcalls::get_property(path.to_vec()).ok().flatten()?;
    let text: String = String::from_utf8_lossy(&bytes)
        .chars()
        .map(|c| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        })
        .collect();
    Some(text).filter(|text| !text.is_empty())
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn clock_ms() -> u64 {
    let now = hostcalls::get_current_time().unwrap_or(UNIX_EPOCH);
    u64::try_from(
        now.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis(),
    )
    .unwrap_or_default()
}

/// 64 random bits: the keys of std's hasher come from the host's source of randomness.
pub(crate) fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(clock_ms());
    hasher.finish()
}

/// Asks for ticks.
pub(crate) fn tick_every(period: Duration) {
    let _ = hostcalls::set_tick_period(period);
}

/// Calls the control plane. The answer comes to the context that is active now.
pub(crate) fn call_control_plane(
    config: &Config,
    method: &str,
    path: &str,
    body: Option<&[u8]>,
    timeout: Duration,
) -> Result<u32, Status> {
    let bearer = format!("Bearer {}", config.token);
    let mut headers = vec![
        (":method", method),
        (":path", path),
        (":authority", config.authority.as_str()),
        ("authorization", bearer.as_str()),
        ("accept", wire::ACCEPT),
    ];
    if body.is_some() {
        headers.push(("content-type", wire::COMPACT));
    }
    hostcalls::dispatch_http_call(&config.cluster, headers, body, vec![], timeout)
}

/// Makes what follows act on another context of this VM, until the host's next call. Fails when that one has gone.
pub(crate) fn act_for(context: u32) -> Result<(), Status> {
    hostcalls::set_effective_context(context)
}

/// Lets the request of the context that is acted for go on.
pub(crate) fn resume_request() {
    let _ = hostcalls::resume_http_request();
}

/// The answer that is being delivered.
pub(crate) fn call_answer(body_size: usize) -> CallAnswer {
    let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status")
        .ok()
        .flatten();
    let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, body_size)
        .ok()
        .flatten();
    CallAnswer {
        status: status.and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok()),
        body: body.unwrap_or_default(),
    }
}

/// The plugin's configuration.
pub(crate) fn plugin_configuration() -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX)
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// Tells Envoy that a root context which asked to stay may go.
pub(crate) fn done() {
    let _ = hostcalls::done();
}

// === impl ProcessData ===

impl SharedData for ProcessData {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        #[cfg(feature = "trap")]
        crate::trap::step();
        match hostcalls::get_shared_data(key) {
            Ok((value, Some(version))) => (value, Version::At(version)),
            _ => (None, Version::Absent),
        }
    }

    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        #[cfg(feature = "trap")]
        crate::trap::step();
        // Envoy creates an absent key whatever version is given, and refuses a wrong one for a present key:
        // the highest version, which is next to never in use, therefore means "only if it is absent".
        let version = match version {
            Version::Absent => u32::MAX,
            Version::At(version) => version,
        };
        hostcalls::set_shared_data(key, Some(value), Some(version)).map_err(|_| Lost)
    }
}

// === impl Metric ===

impl Metric {
    pub(crate) fn counter(name: &str) -> Self {
        Self(hostcalls::define_metric(MetricType::Counter, name).ok())
    }

    pub(crate) fn gauge(name: &str) -> Self {
        Self(hostcalls::define_metric(MetricType::Gauge, name).ok())
    }

    pub(crate) fn histogram(name: &str) -> Self {
        Self(hostcalls::define_metric(MetricType::Histogram, name).ok())
    }

    /// Adds to a counter. (Envoy refuses to add nothing.)
    pub(crate) fn add(self, amount: u64) {
        if let Some(id) = self.0.filter(|_| amount > 0) {
            let _ = hostcalls::increment_metric(id, i64::try_from(amount).unwrap_or(i64::MAX));
        }
    }

    /// What the process has counted.
    pub(crate) fn value(self) -> u64 {
        self.0
            .and_then(|id| hostcalls::get_metric(id).ok())
            .unwrap_or_default()
    }

    pub(crate) fn record(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}
