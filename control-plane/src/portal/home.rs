//! `GET /`: whose APIs these are, and how to begin.

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
    }
}

/// The front page.
///
/// # Errors
/// When the database does not answer.
pub async fn home(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let mut services = Vec::new();
    for version in versions::current_of_all(&mut tx, "production").await? {
        let product = products::get(&mut tx, version.product_id).await?;
        services.push(ServiceDrop::from(&product));
    }
    drop(tx);
    visitor
        .page("home", "Developers", &HomePage { services })
        .await
}
