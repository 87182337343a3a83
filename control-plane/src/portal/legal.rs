//! `/terms` and `/privacy`: what the provider has to say. What comes with the program says that nothing is published yet.

use super::visitor::Visitor;
use crate::drop;
use crate::error::Error;
use axum::response::Response;

drop! {
    /// A legal text.
    pub struct LegalPage as "legal texts" {
        /// Which one it is.
        title: &'static str,
    }
}

/// `GET /terms`
///
/// # Errors
/// When the database does not answer.
pub async fn terms(visitor: Visitor) -> Result<Response, Error> {
    page(&visitor, "terms", "Terms of service").await
}

/// `GET /privacy`
///
/// # Errors
/// When the database does not answer.
pub async fn privacy(visitor: Visitor) -> Result<Response, Error> {
    page(&visitor, "privacy", "Privacy policy").await
}

async fn page(visitor: &Visitor, name: &str, title: &'static str) -> Result<Response, Error> {
    visitor.page(name, title, &LegalPage { title }).await
}
