//! Whose metrics and mapping rules: a product's, or a backend's.

use super::{backends, products};
use crate::db::Tx;
use crate::error::Error;

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The product with this id.
    Product(i64),
    /// The backend with this id.
    Backend(i64),
}

impl Owner {
    /// For the columns `product_id` and `backend_id`, of which one is null.
    #[must_use]
    pub const fn ids(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Product(id) => (Some(id), None),
            Self::Backend(id) => (None, Some(id)),
        }
    }

    /// From those columns. (The schema lets exactly one of them be null.)
    #[must_use]
    pub fn of(product_id: Option<i64>, backend_id: Option<i64>) -> Self {
        match (product_id, backend_id) {
            (_, Some(id)) => Self::Backend(id),
            (id, None) => Self::Product(id.unwrap_or_default()),
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Product(_) => "product",
            Self::Backend(_) => "backend",
        }
    }

    /// Where it is in the Account Management API.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::Product(id) => format!("/admin/api/services/{id}"),
            Self::Backend(id) => format!("/admin/api/backend_apis/{id}"),
        }
    }

    /// Where its mapping rules are.
    #[must_use]
    pub fn rules_path(self) -> String {
        match self {
            Self::Product(_) => format!("{}/proxy/mapping_rules", self.path()),
            Self::Backend(_) => format!("{}/mapping_rules", self.path()),
        }
    }

    /// That it is there.
    ///
    /// # Errors
    /// [`Error::NotFound`], also when it is deleted.
    pub async fn check(self, tx: &mut Tx) -> Result<(), Error> {
        match self {
            Self::Product(id) => products::get(tx, id).await.map(drop),
            Self::Backend(id) => backends::get(tx, id).await.map(drop),
        }
    }

    /// Holds everything below it still until the transaction ends.
    ///
    /// # Errors
    /// [`Error::NotFound`], also when it is deleted.
    pub async fn lock(self, tx: &mut Tx) -> Result<(), Error> {
        match self {
            Self::Product(id) => products::lock(tx, id).await,
            Self::Backend(id) => backends::lock(tx, id).await,
        }
    }

    /// Tells gateways that something they see of it has changed: of a backend, in every product that uses it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch(self, tx: &mut Tx) -> Result<(), Error> {
        match self {
            Self::Product(id) => products::touch(tx, id).await,
            Self::Backend(id) => backends::touch(tx, id).await,
        }
    }

    /// The products that gateways see its metrics in: itself, or those that use it or did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn products(self, tx: &mut Tx) -> Result<Vec<i64>, Error> {
        match self {
            Self::Product(id) => Ok(vec![id]),
            Self::Backend(id) => backends::usages::products_ever(tx, id).await,
        }
    }
}
