//! A product's draft configuration, except its mapping rules.

use crate::db::Tx;
use crate::error::Error;
use crate::oidc::DEFAULT_CLAIM;
use crate::{on, row, run};

row! {
    /// The draft.
    #[derive(Clone, Debug)]
    pub struct ProxyRow {
        /// Its product.
        pub product_id: i64,
        /// Public base URL in production; may be empty.
        pub endpoint: String,
        /// Public base URL in staging; may be empty.
        pub sandbox_endpoint: String,
        /// Private base URL; may be empty.
        pub api_backend: String,
        /// query, headers or authorization.
        pub credentials_location: String,
        /// Comma list that wins over the location.
        pub credentials_sources: Option<String>,
        /// Whether credentials are removed before the upstream.
        pub strip_credentials: bool,
        /// Name of the `user_key` parameter or header.
        pub auth_user_key: String,
        /// Name of the `app_id` parameter or header.
        pub auth_app_id: String,
        /// Name of the `app_key` parameter or header.
        pub auth_app_key: String,
        /// The claim that names the application, as it was written: see `oidc::claim_path`.
        pub jwt_claim: String,
        /// problem or custom.
        pub error_format: String,
        /// Body.
        pub error_auth_missing: Option<String>,
        /// Status.
        pub error_status_auth_missing: Option<i64>,
        /// Content type.
        pub error_headers_auth_missing: Option<String>,
        /// Body.
        pub error_auth_failed: Option<String>,
        /// Status.
        pub error_status_auth_failed: Option<i64>,
        /// Content type.
        pub error_headers_auth_failed: Option<String>,
        /// Body.
        pub error_no_match: Option<String>,
        /// Status.
        pub error_status_no_match: Option<i64>,
        /// Content type.
        pub error_headers_no_match: Option<String>,
        /// Body.
        pub error_limits_exceeded: Option<String>,
        /// Status.
        pub error_status_limits_exceeded: Option<i64>,
        /// Content type.
        pub error_headers_limits_exceeded: Option<String>,
        /// Sealed.
        pub secret_token: Vec<u8>,
        /// Sealed.
        pub debug_secret: Option<Vec<u8>>,
        /// Sent as the host instead of the private base URL's; may be empty.
        pub hostname_rewrite: String,
        /// Whether responses carry `RateLimit` headers.
        pub rate_limit_headers: bool,
        /// Whether form fields take part in mapping rules' query parts.
        pub form_in_rules: bool,
        /// allow or deny: before the first snapshot.
        pub cold_start: String,
        /// allow or deny: when the control plane is away.
        pub on_disconnect: String,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

row! {
    /// Where a product is reached, by its draft.
    #[derive(Clone, Debug)]
    pub struct EndpointRow {
        /// The product's name.
        pub name: String,
        /// In production.
        pub endpoint: String,
        /// In staging.
        pub sandbox_endpoint: String,
    }
}

/// A product's draft.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, product_id: i64) -> Result<ProxyRow, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, ProxyRow>(
        "select product_id, endpoint, sandbox_endpoint, api_backend, credentials_location, credentials_sources,
         strip_credentials, auth_user_key, auth_app_id, auth_app_key, jwt_claim, error_format,
         error_auth_missing, error_status_auth_missing, error_headers_auth_missing,
         error_auth_failed, error_status_auth_failed, error_headers_auth_failed,
         error_no_match, error_status_no_match, error_headers_no_match,
         error_limits_exceeded, error_status_limits_exceeded, error_headers_limits_exceeded,
         secret_token, debug_secret, hostname_rewrite, rate_limit_headers, form_in_rules,
         cold_start, on_disconnect, created_at, updated_at
         from proxy where product_id = $1"
    )
    .bind(product_id)
    .fetch_one(c)
    })?)
}

/// The draft of a new product: all defaults.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, product_id: i64, secret_token: &[u8]) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into proxy (product_id, secret_token, jwt_claim, created_at, updated_at) values ($1, $2, $3, $4, $4)"
    )
    .bind(product_id)
    .bind(secret_token)
    .bind(DEFAULT_CLAIM)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Writes everything that may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, proxy: &ProxyRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update proxy set endpoint = $2, sandbox_endpoint = $3, api_backend = $4, credentials_location = $5,
         credentials_sources = $6, strip_credentials = $7, auth_user_key = $8, auth_app_id = $9, auth_app_key = $10,
         jwt_claim = $11, error_format = $12,
         error_auth_missing = $13, error_status_auth_missing = $14, error_headers_auth_missing = $15,
         error_auth_failed = $16, error_status_auth_failed = $17, error_headers_auth_failed = $18,
         error_no_match = $19, error_status_no_match = $20, error_headers_no_match = $21,
         error_limits_exceeded = $22, error_status_limits_exceeded = $23, error_headers_limits_exceeded = $24,
         secret_token = $25, debug_secret = $26, hostname_rewrite = $27, rate_limit_headers = $28,
         form_in_rules = $29, cold_start = $30, on_disconnect = $31, updated_at = $32 where product_id = $1"
    )
    .bind(proxy.product_id)
    .bind(&proxy.endpoint)
    .bind(&proxy.sandbox_endpoint)
    .bind(&proxy.api_backend)
    .bind(&proxy.credentials_location)
    .bind(&proxy.credentials_sources)
    .bind(proxy.strip_credentials)
    .bind(&proxy.auth_user_key)
    .bind(&proxy.auth_app_id)
    .bind(&proxy.auth_app_key)
    .bind(&proxy.jwt_claim)
    .bind(&proxy.error_format)
    .bind(&proxy.error_auth_missing)
    .bind(proxy.error_status_auth_missing)
    .bind(&proxy.error_headers_auth_missing)
    .bind(&proxy.error_auth_failed)
    .bind(proxy.error_status_auth_failed)
    .bind(&proxy.error_headers_auth_failed)
    .bind(&proxy.error_no_match)
    .bind(proxy.error_status_no_match)
    .bind(&proxy.error_headers_no_match)
    .bind(&proxy.error_limits_exceeded)
    .bind(proxy.error_status_limits_exceeded)
    .bind(&proxy.error_headers_limits_exceeded)
    .bind(&proxy.secret_token)
    .bind(&proxy.debug_secret)
    .bind(&proxy.hostname_rewrite)
    .bind(proxy.rate_limit_headers)
    .bind(proxy.form_in_rules)
    .bind(&proxy.cold_start)
    .bind(&proxy.on_disconnect)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Where all other products are reached, by their drafts.
///
/// # Errors
/// When the database does not answer.
pub async fn other_endpoints(tx: &mut Tx, product_id: i64) -> Result<Vec<EndpointRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, EndpointRow>(
        "select product.name, proxy.endpoint, proxy.sandbox_endpoint
         from proxy join product on product.id = proxy.product_id
         where product.deleted_at is null and product.id <> $1"
    )
    .bind(product_id)
    .fetch_all(c))?)
}
