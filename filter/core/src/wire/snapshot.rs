//! What a gateway needs to decide, as changes since a cursor.
//!
//! A full snapshot is nothing but the changes since the beginning, in order of revision, in pages.

pub(super) mod version1;
pub(super) mod version2;

use super::Digest;
use crate::id::{ApplicationId, BackendId, MetricId, PlanId, ProductId};
use crate::period::Period;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// How far a gateway has read: everything up to and including these revisions.
///
/// As text (`after=`): `PRODUCTS.APPLICATIONS.ID`, or one number when all is read up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Products changed at or before this revision are known.
    pub products: i64,
    /// Applications changed before this revision are known …
    pub applications: i64,
    /// … and, of those changed at it, the ones up to this id.
    pub application: i64,
}

/// One page of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotV1 {
    /// The ledger's epoch: another one means the database was restored, and all is read again from the beginning.
    pub epoch: i64,
    /// The database's clock, milliseconds since 1970.
    pub now_ms: u64,
    /// Where the next call goes on.
    pub next: Cursor,
    /// Nothing more was waiting when this page was made.
    pub complete: bool,
    /// How many applications there are altogether: sizes the gateway's index.
    pub applications_total: u64,
    /// Changed products.
    pub products: Vec<ProductV1>,
    /// Changed applications; never before the products they name.
    pub applications: Vec<ApplicationV1>,
}

/// One product in the gateway's environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductV1 {
    /// Its id.
    pub id: ProductId,
    /// Revision of its last change.
    pub revision: i64,
    /// Its stable slug.
    pub system_name: String,
    /// Metrics and methods.
    pub metrics: Vec<MetricV1>,
    /// Application plans.
    pub plans: Vec<PlanV1>,
    /// Whether requests of applications with referrer filters must come from one of the hosts.
    #[serde(default)]
    pub referrers_required: bool,
    /// The promoted configuration; none when the product is deleted or nothing was deployed to this environment.
    pub config: Option<ConfigV1>,
}

/// A metric or method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricV1 {
    /// Its id.
    pub id: MetricId,
    /// Its parent, when it is a method.
    pub parent: Option<MetricId>,
    /// Its stable slug.
    pub system_name: String,
}

/// An application plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanV1 {
    /// Its id.
    pub id: PlanId,
    /// Its limits. A value of 0 disables the metric (403, not 429).
    pub limits: Vec<LimitV1>,
}

/// At most `value` of `metric` per `period`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitV1 {
    /// The limited metric.
    pub metric: MetricId,
    /// The period whose calendar windows bound it.
    pub period: Period,
    /// The most that may be used in one window.
    pub value: u64,
}

/// A promoted configuration version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigV1 {
    /// The proxy config's version.
    pub version: u64,
    /// Where clients reach it in this environment.
    pub public_urls: Vec<PublicUrlV1>,
    /// Mapping rules by position.
    pub rules: Vec<RuleV1>,
    /// Where credentials are looked for.
    pub credentials: CredentialsV1,
    /// How refusals look.
    pub errors: ErrorsV1,
    /// Where admitted requests go when the filter chooses the upstream.
    pub upstream: Option<UpstreamV1>,
    /// Sent upstream in `X-3scale-proxy-secret-token`; empty for none.
    pub secret_token: String,
    /// Digest of the debug secret, if one is set.
    pub debug_secret: Option<Digest>,
    /// Whether responses carry `RateLimit` and `RateLimit-Policy`.
    pub rate_limit_headers: bool,
    /// Whether form fields take part in mapping rules' query parts.
    pub form_in_rules: bool,
    /// What happens to requests without credit while the control plane answers nobody.
    #[serde(default)]
    pub on_disconnect: OnDisconnectV1,
    /// The product's backends: each serves the paths below its own. When there are any they take the place of
    /// `upstream`, and what is below none of them is served by nobody.
    #[serde(default)]
    pub backends: Vec<BackendV1>,
}

/// A backend within a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendV1 {
    /// Its id.
    pub id: BackendId,
    /// `/`, or the path below the product's base path that its requests begin with; the upstream does not see it.
    pub path: String,
    /// Its private base URL.
    pub upstream: UpstreamV1,
    /// The operator's cluster that leads there, when it is not one of the gateway's own.
    pub cluster: Option<String>,
    /// Its mapping rules by position; their patterns begin below `path`.
    pub rules: Vec<RuleV1>,
}

/// What happens to requests without credit while the control plane answers nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDisconnectV1 {
    /// They are refused with 503.
    Deny,
    /// Each gateway holds the limits by itself, and what it admits without credit is counted as overdraft.
    #[default]
    Allow,
}

/// A public base URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicUrlV1 {
    /// Lower case, without port; `*.example.com` for any name below.
    pub host: String,
    /// `/`, or the path that all of the product's requests begin with.
    pub base_path: String,
}

/// A mapping rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleV1 {
    /// HTTP methods; `ANY` for all.
    pub methods: Vec<String>,
    /// The path pattern.
    pub pattern: String,
    /// What a match adds.
    pub usages: Vec<(MetricId, u64)>,
    /// Whether a match ends the search.
    pub last: bool,
}

/// Which credentials a product takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKindV1 {
    /// One `user_key` (3scale: `backend_version` 1).
    UserKey,
    /// `app_id` and `app_key` (3scale: `backend_version` 2).
    AppIdAndKey,
}

/// A place to look for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceV1 {
    /// Query parameters.
    Query,
    /// Headers.
    Headers,
    /// HTTP Basic.
    Basic,
    /// A bearer token (`user_key` only).
    Bearer,
    /// Fields of an urlencoded body.
    Form,
    /// A claim verified by Envoy's `jwt_authn`: names the application, needs no key.
    Jwt,
}

/// Where credentials are looked for and what they are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsV1 {
    /// Which ones.
    pub kind: CredentialKindV1,
    /// In this order.
    pub sources: Vec<SourceV1>,
    /// Name of the `user_key` parameter or header.
    pub user_key: String,
    /// Name of the `app_id` parameter or header.
    pub app_id: String,
    /// Name of the `app_key` parameter or header.
    pub app_key: String,
    /// Path of the claim that names the application.
    pub jwt_claim: Vec<String>,
    /// Whether they are removed before the upstream sees the request.
    pub strip: bool,
}

/// How a product's refusals look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    clippy::large_enum_variant,
    reason = "one per product, and plain to write down; on wasm32 it is small"
)]
pub enum ErrorsV1 {
    /// `application/problem+json` with the default statuses.
    Problem,
    /// The provider's own texts.
    Custom {
        /// No credentials.
        auth_missing: ErrorTextV1,
        /// Wrong credentials, or not allowed.
        auth_failed: ErrorTextV1,
        /// No mapping rule.
        no_match: ErrorTextV1,
        /// Over a limit.
        limits_exceeded: ErrorTextV1,
    },
}

/// One configured refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorTextV1 {
    /// HTTP status, 200–599.
    pub status: u16,
    /// `content-type`.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// A private base URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamV1 {
    /// https or http.
    pub tls: bool,
    /// Host name or address, with the port unless it is the scheme's own.
    pub authority: String,
    /// What is put before the request's path; empty or `/…` without a final slash.
    pub path_prefix: String,
    /// Sent as the host instead of the authority.
    pub host_rewrite: Option<String>,
}

/// One application, or one identifier that no longer names any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationV1 {
    /// Its id.
    pub id: ApplicationId,
    /// Revision of its last change.
    pub revision: i64,
    /// Digest of its product and `app_id` or `user_key` ([`crate::key::ident`]): how a request finds it.
    pub ident: Digest,
    /// Its product.
    pub product: ProductId,
    /// Its plan.
    pub plan: PlanId,
    /// Whether it may call: live, and its account approved. False also when deleted or when `ident` was replaced.
    pub live: bool,
    /// Digests of its keys; empty in `user_key` mode.
    pub keys: Vec<Digest>,
    /// Hosts that its requests may come from, in lower case, `*` for any characters; any when empty.
    #[serde(default)]
    pub referrers: Vec<String>,
    /// Its keys that end; they are not among `keys`.
    #[serde(default)]
    pub ending: Vec<EndingKeyV1>,
}

/// A key that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingKeyV1 {
    /// Its digest.
    pub key: Digest,
    /// From this moment on it is none, seconds since 1970.
    pub end_secs: u64,
}

impl ApplicationV1 {
    /// Digests of all keys that are some at a moment, for who cannot be told when they end.
    #[must_use]
    pub fn keys_at(&self, now_secs: u64) -> Vec<Digest> {
        let ending = self.ending.iter().filter(|key| now_secs < key.end_secs);
        let ending = ending.map(|key| key.key);
        self.keys.iter().copied().chain(ending).collect()
    }
}
