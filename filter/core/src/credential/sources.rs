//! From the wire's list of sources to [`Sources`]: what could never hold credentials is refused here.

use super::{
    Name, Names, Sources,
    challenge::{challenge, instructions},
};
use crate::wire::{CredentialKindV1, CredentialsV1, SourceV1};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Why a product's credentials configuration cannot be used. Fields have the names of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    /// Nobody could ever authenticate.
    #[error("credentials_sources: name at least one of query, headers, basic, bearer, form, jwt")]
    NoSources,
    /// A bearer token is one value, and two are needed.
    #[error(
        "credentials_sources: bearer carries a user_key only; take it out, or use another source for app_id and app_key"
    )]
    BearerNeedsUserKey,
    /// No path to look up.
    #[error(
        "jwt_claim_with_client_id: name the claim that identifies the application, or take jwt out of credentials_sources"
    )]
    NoClaim,
    /// It could not be told from its surroundings in a query.
    #[error(
        "{0}: must be 1 to 255 printable ASCII characters other than % + & = # ? ; \" \\ and space"
    )]
    Name(&'static str),
    /// No client could send it.
    #[error(
        "{0}: must be a header's name (letters, digits and - _ . ! $ ' * ^ ` | ~), since headers are among the credentials_sources"
    )]
    HeaderName(&'static str),
    /// One value cannot be both.
    #[error(
        "auth_app_key: must differ from auth_app_id, also with letter case and the difference between - and _ ignored if headers are among the credentials_sources"
    )]
    SameNames,
}

impl TryFrom<&CredentialsV1> for Sources {
    type Error = SourcesError;

    fn try_from(wire: &CredentialsV1) -> Result<Self, SourcesError> {
        let takes = |source: SourceV1| wire.sources.contains(&source);
        if wire.sources.is_empty() {
            return Err(SourcesError::NoSources);
        }
        let headers = takes(SourceV1::Headers);
        let names = match wire.kind {
            CredentialKindV1::UserKey => {
                Names::UserKey(name("auth_user_key", &wire.user_key, headers)?)
            }
            CredentialKindV1::AppIdAndKey => {
                let app_id = name("auth_app_id", &wire.app_id, headers)?;
                let app_key = name("auth_app_key", &wire.app_key, headers)?;
                let shares_header = app_id.headers.iter().any(|id| app_key.headers.contains(id));
                if app_id.parameter == app_key.parameter || shares_header {
                    return Err(SourcesError::SameNames);
                }
                if takes(SourceV1::Bearer) {
                    return Err(SourcesError::BearerNeedsUserKey);
                }
                Names::AppIdAndKey { app_id, app_key }
            }
        };
        let claim = takes(SourceV1::Jwt).then(|| wire.jwt_claim.clone());
        if claim.as_ref().is_some_and(Vec::is_empty) {
            return Err(SourcesError::NoClaim);
        }
        let basic = takes(SourceV1::Basic);
        let bearer = takes(SourceV1::Bearer);
        let mut headers_to_strip = Vec::new();
        if wire.strip {
            match &names {
                Names::UserKey(user_key) => headers_to_strip.extend_from_slice(&user_key.headers),
                Names::AppIdAndKey { app_id, app_key } => {
                    headers_to_strip.extend_from_slice(&app_id.headers);
                    headers_to_strip.extend_from_slice(&app_key.headers);
                }
            }
        }
        if wire.strip && (basic || bearer) {
            headers_to_strip.push("authorization".to_string());
        }
        Ok(Self {
            // A token that `jwt_authn` verifies comes as a bearer token.
            challenge: challenge(&names, basic, bearer || claim.is_some()),
            instructions: instructions(&names, &wire.sources),
            names,
            query: takes(SourceV1::Query),
            headers,
            basic,
            bearer,
            form: takes(SourceV1::Form),
            claim,
            strip: wire.strip,
            headers_to_strip,
        })
    }
}

fn name(field: &'static str, text: &str, is_header: bool) -> Result<Name, SourcesError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"%+&=#?;\"\\".contains(&byte);
    if !(1..=255).contains(&text.len()) || !text.bytes().all(is_plain) {
        return Err(SourcesError::Name(field));
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!$'*^`|~".contains(&byte);
    if is_header && !text.bytes().all(is_token) {
        return Err(SourcesError::HeaderName(field));
    }
    let mut headers = Vec::new();
    if is_header {
        headers.push(text.to_ascii_lowercase());
        if text.contains('_') {
            headers.push(text.to_ascii_lowercase().replace('_', "-"));
        }
    }
    Ok(Name {
        parameter: String::from(text),
        headers,
    })
}
