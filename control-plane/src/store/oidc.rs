//! Whose tokens a product takes: the part of its draft that is about OpenID Connect.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// OpenID Connect in a product's draft.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OidcRow {
        /// The issuer's address; empty for none.
        pub issuer_endpoint: String,
        /// keycloak or rest.
        pub issuer_type: String,
        /// How the claim is written: plain or liquid.
        pub claim_type: String,
        /// Comma list of whom tokens must be meant for; empty for anybody.
        pub audiences: String,
        /// Where the issuer's keys are; empty to ask the issuer.
        pub jwks_uri: String,
        /// Authorization code flow.
        pub standard_flow_enabled: bool,
        /// Implicit flow.
        pub implicit_flow_enabled: bool,
        /// Client credentials flow.
        pub service_accounts_enabled: bool,
        /// Resource owner password flow.
        pub direct_access_grants_enabled: bool,
    }
}

impl Default for OidcRow {
    /// What a product has before anything was set; the same as the table's defaults.
    fn default() -> Self {
        Self {
            issuer_endpoint: String::new(),
            issuer_type: "keycloak".into(),
            claim_type: "plain".into(),
            audiences: String::new(),
            jwks_uri: String::new(),
            standard_flow_enabled: true,
            implicit_flow_enabled: false,
            service_accounts_enabled: false,
            direct_access_grants_enabled: false,
        }
    }
}

/// A product's, or the defaults.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Tx, product_id: i64) -> Result<OidcRow, Error> {
    let row = on!(tx, |c| {
        sqlx::query_as::<_, OidcRow>(
        "select issuer_endpoint, issuer_type, claim_type, audiences, jwks_uri, standard_flow_enabled,
         implicit_flow_enabled, service_accounts_enabled, direct_access_grants_enabled
         from proxy_oidc where product_id = $1"
    )
    .bind(product_id)
    .fetch_optional(c)
    })?;
    Ok(row.unwrap_or_default())
}

/// Sets a product's. The product must be locked.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx, product_id: i64, row: &OidcRow) -> Result<(), Error> {
    run!(tx, |c| {
        sqlx::query(
        "insert into proxy_oidc (product_id, issuer_endpoint, issuer_type, claim_type, audiences, jwks_uri,
         standard_flow_enabled, implicit_flow_enabled, service_accounts_enabled, direct_access_grants_enabled)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (product_id) do update set issuer_endpoint = excluded.issuer_endpoint,
         issuer_type = excluded.issuer_type, claim_type = excluded.claim_type, audiences = excluded.audiences,
         jwks_uri = excluded.jwks_uri, standard_flow_enabled = excluded.standard_flow_enabled,
         implicit_flow_enabled = excluded.implicit_flow_enabled,
         service_accounts_enabled = excluded.service_accounts_enabled,
         direct_access_grants_enabled = excluded.direct_access_grants_enabled"
    )
    .bind(product_id)
    .bind(&row.issuer_endpoint)
    .bind(&row.issuer_type)
    .bind(&row.claim_type)
    .bind(&row.audiences)
    .bind(&row.jwks_uri)
    .bind(row.standard_flow_enabled)
    .bind(row.implicit_flow_enabled)
    .bind(row.service_accounts_enabled)
    .bind(row.direct_access_grants_enabled)
    .execute(c)
    })?;
    Ok(())
}
