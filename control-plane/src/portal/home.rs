//! `GET /`: whose APIs these are, and how to begin.

use super::first_call::{Shown, first_call};
use super::visitor::Visitor;
use crate::drop;
use crate::drops::ServiceDrop;
use crate::error::Error;
use crate::store::products;
use crate::store::versions;
use axum::response::Response;

drop! {
    /// The front page.
    pub struct HomePage as "home" {
        /// APIs that production serves.
        services: Vec<ServiceDrop>,
        /// A call of the first of them, with words in capitals for credentials.
        call: Option<String>,
    }
}

/// The front page.
///
/// # Errors
/// When the database does not answer.
pub async fn home(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let mut services = Vec::new();
    let mut call = None;
    for version in versions::current_of_all(&mut tx, "production").await? {
        let product = products::get(&mut tx, version.product_id).await?;
        services.push(ServiceDrop::from(&product));
        call = call.or_else(|| {
            let example = first_call(&version.content, Shown::default(), &[])?;
            Some(example.snippets.into_iter().next()?.code)
        });
    }
    drop(tx);
    visitor
        .page("home", "Developers", &HomePage { services, call })
        .await
}
