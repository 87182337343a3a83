//! Signing in at somebody else's: an OpenID Connect provider, or one of OAuth 2.0 such as GitHub.
//!
//! `begin` sends the browser there; `exchange` makes a [`Person`] of what it comes back with; `account` finds the user who
//! that is, or makes one. No page is rendered here, and no SQL is written.

mod account;
mod begin;
mod exchange;
mod http;

use crate::error::Error;
use crate::secrets::Secret;
use crate::store::authentication_providers::AuthenticationProvider;
use serde::{Deserialize, Serialize};

pub use account::{Arrival, arrive};
pub use begin::begin;
pub use exchange::exchange;

/// A provider that people can sign in with, and what proves who we are there.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its row.
    pub row: AuthenticationProvider,
    /// Its client secret.
    pub secret: Secret,
    /// Where it sends the browser back to.
    pub callback_url: String,
    /// Whether its addresses may be private ones.
    pub may_be_private: bool,
}

/// What has to be remembered while the browser is there. Nobody else may know it: it goes into a sealed cookie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// The provider's system name.
    pub system_name: String,
    /// What the browser must bring back.
    pub state: String,
    /// What the token must say.
    pub nonce: String,
    /// What proves to the provider that whoever began also ends (PKCE).
    pub verifier: String,
    /// A path of the portal.
    pub return_to: String,
    /// Milliseconds since 1970.
    pub began_at: i64,
}

/// Who somebody is, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What names the person there, for good.
    pub identifier: String,
    /// What it is called there.
    pub username: String,
    /// An address that is known to be the person's own.
    pub email: Option<String>,
    /// Its organisation or name, for the account.
    pub org_name: String,
}

/// Endpoints of a provider.
#[derive(Clone, Debug)]
enum Endpoints {
    /// OpenID Connect, found at the issuer.
    Oidc(Box<openidconnect::core::CoreProviderMetadata>),
    /// OAuth 2.0, with an address that tells who it is.
    OAuth {
        authorize_url: String,
        token_url: String,
        user_info_url: String,
    },
}

const GITHUB: &str = "github";

/// Why signing in did not work, for the log and for the developer.
fn failed(why: impl std::fmt::Display) -> Error {
    tracing::warn!(%why, "signing in with an identity provider failed");
    let message = "Signing in there did not work. Try again, or sign in another way.";
    Error::Refused(axum::http::StatusCode::BAD_GATEWAY, message.into())
}

impl Door {
    /// Where its endpoints are. Blocks.
    fn endpoints(&self) -> Result<Endpoints, Error> {
        let row = &self.row;
        let or = |given: &str, default: &str| match given {
            "" => default.to_owned(),
            given => given.to_owned(),
        };
        if row.kind == GITHUB {
            let site = or(&row.site, "https://github.com");
            let site = site.trim_end_matches('/');
            return Ok(Endpoints::OAuth {
                authorize_url: or(&row.authorize_url, &format!("{site}/login/oauth/authorize")),
                token_url: or(&row.token_url, &format!("{site}/login/oauth/access_token")),
                user_info_url: or(&row.user_info_url, "https://api.github.com/user"),
            });
        }
        let by_hand = [&row.authorize_url, &row.token_url, &row.user_info_url];
        if row.site.is_empty() && by_hand.iter().all(|url| !url.is_empty()) {
            return Ok(Endpoints::OAuth {
                authorize_url: row.authorize_url.clone(),
                token_url: row.token_url.clone(),
                user_info_url: row.user_info_url.clone(),
            });
        }
        if row.site.is_empty() {
            return Err(failed("the provider has no site"));
        }
        let issuer = row.site.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document = self.get(&url, None)?;
        let metadata: openidconnect::core::CoreProviderMetadata =
            serde_json::from_value(document).map_err(failed)?;
        // Auth0 ends its name with a slash, Keycloak does not.
        if metadata.issuer().as_str().trim_end_matches('/') != issuer {
            return Err(failed("the provider names itself otherwise"));
        }
        Ok(Endpoints::Oidc(Box::new(metadata)))
    }
}
