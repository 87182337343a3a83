//! What one of the provider's people may reach: an admin everything, a member the sections and products that it was
//! given.
//!
//! The extractors of [`super::auth`] ask here before a handler runs. Sections are decided by the route (`rules`), products
//! by the ids in the path and in the parameters: what may not be reached is not there (404). Handlers narrow lists by
//! [`Access::products`].

mod named;
mod rules;

use super::params::Params;
use crate::db::Db;
use crate::error::Error;
use crate::store::{backends, products};
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams};
use axum::http::request::Parts;

use named::{Names, named};
use rules::{For, rule};

pub use rules::is_decided;

/// What a caller may reach.
#[derive(Clone, Debug)]
pub struct Access {
    user_id: Option<i64>,
    is_admin: bool,
    sections: Vec<String>,
    products: Products,
}

/// Products that somebody may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Products {
    /// All, also those that are made later.
    All,
    /// These.
    Only(Vec<i64>),
}

/// The route that is called, and the ids in its path.
#[derive(Clone, Debug)]
pub struct Route {
    path: String,
    values: Vec<(String, String)>,
}

/// Sections of 3scale's console, which are what members are given.
pub const SECTIONS: &[&str] = &[
    "portal",
    "finance",
    "settings",
    "partners",
    "monitoring",
    "plans",
    "policy_registry",
];

const NOT_ALLOWED: Error = Error::Forbidden("Your role or your permissions do not allow this");

impl Route {
    /// Of a request that the router has matched.
    ///
    /// # Errors
    /// 404 when it has not.
    pub async fn of(parts: &mut Parts) -> Result<Self, Error> {
        let path = parts
            .extensions
            .get::<MatchedPath>()
            .map(|path| path.as_str().to_owned())
            .ok_or(Error::NotFound)?;
        let values = RawPathParams::from_request_parts(parts, &())
            .await
            .map_err(|_| Error::NotFound)?;
        let values = values
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { path, values })
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Access {
    /// The provider key's holder's, who is nobody in particular.
    #[must_use]
    pub fn of_provider() -> Self {
        Self {
            user_id: None,
            is_admin: true,
            sections: Vec::new(),
            products: Products::All,
        }
    }

    /// A user's. `sections` and `product_ids` are JSON lists as the database has them.
    #[must_use]
    pub fn of_user(id: i64, role: &str, sections: &str, product_ids: Option<&str>) -> Self {
        let is_admin = role == "admin";
        let products = match product_ids {
            Some(ids) if !is_admin => Products::Only(serde_json::from_str(ids).unwrap_or_default()),
            _ => Products::All,
        };
        Self {
            user_id: Some(id),
            is_admin,
            sections: serde_json::from_str(sections).unwrap_or_default(),
            products,
        }
    }

    /// Who it is.
    ///
    /// # Errors
    /// 403 for the provider key, which is nobody's.
    pub fn user_id(&self) -> Result<i64, Error> {
        self.user_id.ok_or(Error::Forbidden(
            "Use an access token: the provider key is nobody's in particular",
        ))
    }

    /// The products that may be reached.
    #[must_use]
    pub fn products(&self) -> &Products {
        &self.products
    }

    /// Whether what is in a section may be known, and of this product if it is about one.
    #[must_use]
    pub fn reaches(&self, section: &str, product_id: Option<i64>) -> bool {
        let in_section = self.is_admin || self.sections.iter().any(|given| given == section);
        in_section && product_id.is_none_or(|id| self.products.has(id))
    }

    /// Lets only admins go on.
    ///
    /// # Errors
    /// 403 for members.
    pub fn require_admin(&self) -> Result<(), Error> {
        if self.is_admin {
            Ok(())
        } else {
            Err(NOT_ALLOWED)
        }
    }

    /// Whether a call may be made.
    ///
    /// # Errors
    /// 403 when its section was not given, 404 when it is about a product that was not.
    pub(super) async fn check(
        &self,
        db: &Db,
        route: &Route,
        params: &Params,
        writes: bool,
    ) -> Result<(), Error> {
        if self.is_admin {
            return Ok(());
        }
        let allowed = match rule(&route.path, writes).unwrap_or(For::Admins) {
            For::Anyone => true,
            For::Admins => false,
            For::Oneself => {
                let named = route.value("id").or_else(|| route.value("user_id"));
                named.and_then(|id| id.parse().ok()) == self.user_id
            }
            For::Sections(any) => any
                .iter()
                .any(|section| self.sections.iter().any(|given| given == section)),
        };
        if !allowed {
            return Err(NOT_ALLOWED);
        }
        let Products::Only(_) = &self.products else {
            return Ok(());
        };
        // They would not reach what they make.
        if writes
            && ["/admin/api/services", "/admin/api/backend_apis"].contains(&route.path.as_str())
        {
            return Err(NOT_ALLOWED);
        }
        for (names, id) in named(route, params) {
            let product = match names {
                Names::Product => Some(id),
                Names::Plan => products::of_plan(db, id).await?,
                Names::Application => products::of_application(db, id).await?,
                Names::Backend if backends::is_within(db, &self.products, id).await? => None,
                Names::Backend => return Err(Error::NotFound),
            };
            if product.is_some_and(|id| !self.products.has(id)) {
                return Err(Error::NotFound);
            }
        }
        Ok(())
    }
}

impl Products {
    /// Whether one is among them.
    #[must_use]
    pub fn has(&self, id: i64) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }

    /// For SQL: `,1,2,`, to be compared as in `($1 is null or $1 like '%,' || product_id || ',%')`.
    #[must_use]
    pub fn listed(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Only(ids) => {
                let texts: Vec<String> = ids.iter().map(i64::to_string).collect();
                Some(format!(",{},", texts.join(",")))
            }
        }
    }
}
