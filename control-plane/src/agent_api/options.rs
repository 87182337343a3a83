//! The header `3scale-options`: what an agent wants to be told, and how it counts.

use axum::http::HeaderMap;

/// What was asked for, as in `3scale-options: no_body=1&limit_headers=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the protocol's own flags, each by itself"
)]
pub struct Options {
    /// Status and headers only.
    pub no_body: bool,
    /// `3scale-rejection-reason` on what is denied.
    pub rejection_reason_header: bool,
    /// `3scale-limit-*` of the limit that is nearest.
    pub limit_headers: bool,
    /// Methods were added to their parents by the agent already.
    pub flat_usage: bool,
    /// The application's keys.
    pub list_app_keys: bool,
    /// Which metrics have which methods.
    pub hierarchy: bool,
}

impl Options {
    /// From the call's headers; what is not known is ignored.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut options = Self::default();
        for header in headers.get_all("3scale-options") {
            for (name, value) in form_urlencoded::parse(header.as_bytes()) {
                let option = match &*name {
                    "no_body" => &mut options.no_body,
                    "rejection_reason_header" => &mut options.rejection_reason_header,
                    "limit_headers" => &mut options.limit_headers,
                    "flat_usage" => &mut options.flat_usage,
                    "list_app_keys" => &mut options.list_app_keys,
                    "hierarchy" => &mut options.hierarchy,
                    _ => continue,
                };
                *option = matches!(&*value, "1" | "true");
            }
        }
        options
    }
}
