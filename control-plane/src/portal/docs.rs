//! `GET /docs`: what the provider's APIs offer in production, from the promoted configurations themselves, and the
//! specifications that the provider published, each with a page of its own ([`spec`]) where calls can be tried ([`relay`]).

mod credentials;
pub mod relay;
mod served;
pub mod spec;

use super::visitor::Visitor;
use crate::error::Error;
use crate::store::active_docs::{self, Listed};
use axum::response::Response;
use served::{ServedDrop, served};

crate::drop! {
    /// The documentation of all APIs.
    pub struct DocsPage as "docs" {
        /// What production serves.
        services: Vec<ServedDrop>,
        /// Specifications that belong to none of these.
        api_specs: Vec<ApiSpecDrop>,
    }
}

crate::drop! {
    /// A specification that the provider published.
    pub struct ApiSpecDrop as "api_spec" {
        /// Its name.
        name: String,
        /// Its stable slug.
        system_name: String,
        /// What the provider says of it.
        description: String,
        /// Its page.
        url: String,
    }
}

/// One page for all products that production serves.
///
/// # Errors
/// When the database does not answer.
pub async fn docs(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let mut api_specs = active_docs::published(&mut tx).await?;
    let services = served(&mut tx, &mut api_specs).await?;
    drop(tx);
    let values = DocsPage {
        services,
        api_specs: api_specs.iter().map(ApiSpecDrop::from).collect(),
    };
    visitor.page("docs", "API documentation", &values).await
}

impl From<&Listed> for ApiSpecDrop {
    fn from(row: &Listed) -> Self {
        Self {
            name: row.name.clone(),
            system_name: row.system_name.clone(),
            description: row.description.clone(),
            url: format!("/docs/{}", row.system_name),
        }
    }
}
