//! Parameters in the path. What is not an id cannot name a row, so it is simply not found.

use crate::error::Error;
use crate::store::owners::Owner;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

/// All parameters of the route, in order, each an id.
#[derive(Clone, Copy, Debug)]
pub struct Ids<const N: usize>(pub [i64; N]);

/// Whose metrics or mapping rules a route is about, by the name of its first parameter, and the ids after it. Products and
/// backends have these routes alike.
#[derive(Clone, Copy, Debug)]
pub struct Owned<const N: usize>(pub Owner, pub [i64; N]);

/// Parameters of the route by name, for routes which have others than ids.
#[derive(Clone, Debug)]
pub struct Segments(Vec<(String, String)>);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Ids<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let segments = Segments::from_request_parts(parts, state).await?;
        let ids = segments
            .0
            .iter()
            .map(|(_, value)| id(value))
            .collect::<Result<Vec<_>, _>>()?;
        ids.try_into().map(Self).map_err(|_| Error::NotFound)
    }
}

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Owned<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Segments(segments) = Segments::from_request_parts(parts, state).await?;
        let ((name, owner), below) = segments.split_first().ok_or(Error::NotFound)?;
        let owner = id(owner)?;
        let owner = match name.as_str() {
            "backend_api_id" => Owner::Backend(owner),
            _ => Owner::Product(owner),
        };
        let ids = below
            .iter()
            .map(|(_, value)| id(value))
            .collect::<Result<Vec<_>, _>>()?;
        let ids = ids.try_into().map_err(|_| Error::NotFound)?;
        Ok(Self(owner, ids))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        // Refused only for what is not UTF-8.
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::NotFound)?;
        let segments: Vec<(String, String)> = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if segments
            .iter()
            .any(|(_, value)| value.contains(char::is_control))
        {
            return Err(Error::NotFound);
        }
        Ok(Self(segments))
    }
}

impl Segments {
    /// A parameter as it was sent, decoded.
    ///
    /// # Errors
    /// When the route has none of this name.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .ok_or(Error::NotFound)
    }

    /// A parameter that is an id.
    ///
    /// # Errors
    /// When it is none.
    pub fn id(&self, name: &str) -> Result<i64, Error> {
        id(self.text(name)?)
    }
}

fn id(text: &str) -> Result<i64, Error> {
    match text.parse() {
        Ok(id) if id > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(id),
        _ => Err(Error::NotFound),
    }
}
