//! What one of the provider's people may reach: an admin everything, a member the sections and products that it was
//! given.
//!
//! The extractors of [`super::auth`] ask here before a handler runs. Sections are decided by the route ([`RULES`]), products
//! by the ids in the path and in the parameters: what may not be reached is not there (404). Handlers narrow lists by
//! [`Access::products`].

use super::params::Params;
use crate::db::Db;
use crate::error::Error;
use crate::store::products;
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use serde_json::Value;

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

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Anyone,
    Admins,
    /// The user that the path names, and admins.
    Oneself,
    /// Members with one of these sections, and admins.
    Sections(&'static [&'static str]),
}

const PORTAL: For = For::Sections(&["portal"]);
const SETTINGS: For = For::Sections(&["settings"]);
const PARTNERS: For = For::Sections(&["partners"]);
const MONITORING: For = For::Sections(&["monitoring"]);
const PLANS: For = For::Sections(&["plans"]);
/// Whoever works with accounts or reads charts has to know what there is.
const CATALOGUE: For = For::Sections(&["plans", "partners", "monitoring"]);

/// What a path begins with, and whom it is for: to read, and to write. The first that fits counts; what fits none is for
/// admins.
#[rustfmt::skip]
const RULES: &[(&str, For, For)] = &[
    ("/admin/api/personal", For::Anyone, For::Anyone),
    ("/admin/api/users/{id}/permissions", For::Oneself, For::Admins),
    ("/admin/api/users/{id}/activate", For::Admins, For::Admins),
    ("/admin/api/users/{id}/suspend", For::Admins, For::Admins),
    ("/admin/api/users/{id}/unsuspend", For::Admins, For::Admins),
    ("/admin/api/users/{id}/admin", For::Admins, For::Admins),
    ("/admin/api/users/{id}/member", For::Admins, For::Admins),
    ("/admin/api/users/{id}", For::Oneself, For::Oneself),
    ("/admin/api/users/{user_id}/access_tokens", For::Oneself, For::Oneself),
    ("/admin/api/users", For::Admins, For::Admins),
    ("/admin/api/audit_log", For::Admins, For::Admins),
    ("/transactions", For::Anyone, For::Anyone),
    ("/admin/api/objects", For::Anyone, For::Anyone),
    ("/admin/api/services/{service_id}/proxy", PLANS, PLANS),
    ("/admin/api/services/{service_id}/service_tokens", PLANS, PLANS),
    ("/admin/api/services", CATALOGUE, PLANS),
    ("/admin/api/application_plans", CATALOGUE, PLANS),
    ("/admin/api/account_plans", CATALOGUE, PLANS),
    ("/admin/api/service_plans", CATALOGUE, PLANS),
    ("/admin/api/features", CATALOGUE, PLANS),
    ("/admin/api/backend_apis", CATALOGUE, PLANS),
    ("/admin/api/account/proxy_configs", PLANS, PLANS),
    ("/admin/api/policies", For::Sections(&["policy_registry", "plans"]), For::Sections(&["policy_registry"])),
    ("/admin/api/gateways", For::Sections(&["plans", "monitoring"]), PLANS),
    ("/admin/api/signup", PARTNERS, PARTNERS),
    ("/admin/api/accounts", PARTNERS, PARTNERS),
    ("/admin/api/applications", PARTNERS, PARTNERS),
    ("/admin/api/service_contracts", PARTNERS, PARTNERS),
    ("/admin/api/service_subscriptions", PARTNERS, PARTNERS),
    ("/admin/api/sso_tokens", PARTNERS, PARTNERS),
    ("/admin/api/alerts", For::Sections(&["partners", "monitoring"]), For::Sections(&["partners", "monitoring"])),
    ("/admin/api/provider", SETTINGS, SETTINGS),
    ("/admin/api/settings", SETTINGS, SETTINGS),
    ("/admin/api/webhooks", SETTINGS, SETTINGS),
    ("/admin/api/fields_definitions", For::Sections(&["settings", "partners"]), SETTINGS),
    ("/admin/api/authentication_providers", SETTINGS, SETTINGS),
    ("/admin/api/account/authentication_providers", SETTINGS, SETTINGS),
    ("/admin/api/cms", PORTAL, PORTAL),
    ("/admin/api/active_docs", For::Sections(&["portal", "plans"]), For::Sections(&["portal", "plans"])),
    ("/stats", MONITORING, MONITORING),
];

/// What follows a segment of the path, or a parameter, names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Product,
    Plan,
    Application,
}

const SEGMENTS: &[(&str, Names)] = &[
    ("services", Names::Product),
    ("application_plans", Names::Plan),
    ("service_plans", Names::Plan),
    ("applications", Names::Application),
];
const PARAMETERS: &[(&str, Names)] = &[
    ("service_id", Names::Product),
    ("plan_id", Names::Plan),
    ("application_plan_id", Names::Plan),
    ("service_plan_id", Names::Plan),
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
        if writes && route.path == "/admin/api/services" {
            return Err(NOT_ALLOWED);
        }
        for (names, id) in named(route, params) {
            let product = match names {
                Names::Product => Some(id),
                Names::Plan => products::of_plan(db, id).await?,
                Names::Application => products::of_application(db, id).await?,
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

/// Whether somebody decided whom a route is for, rather than leaving it to admins.
#[must_use]
pub fn is_decided(path: &str) -> bool {
    rule(path, false).is_some()
}

fn rule(path: &str, writes: bool) -> Option<For> {
    let begins = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found = RULES.iter().find(|(prefix, _, _)| begins(prefix));
    found.map(|(_, read, write)| if writes { *write } else { *read })
}

/// Everything with a product that path and parameters name.
fn named(route: &Route, params: &Params) -> Vec<(Names, i64)> {
    let mut named = Vec::new();
    let segments: Vec<&str> = route.path.split('/').collect();
    for pair in segments.windows(2) {
        let [before, segment] = pair else { continue };
        let parameter = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let id = parameter
            .and_then(|name| route.value(name))
            .and_then(|value| value.parse().ok());
        let names = SEGMENTS.iter().find(|(name, _)| name == before);
        if let (Some((_, names)), Some(id)) = (names, id) {
            named.push((*names, id));
        }
    }
    for (name, names) in PARAMETERS {
        // Not the getter: the handler's own reading of it is what counts as such.
        let given = params.iter().find(|(given, _)| given == name);
        let ids = match given.map(|(_, value)| value) {
            Some(Value::Array(items)) => items.iter().filter_map(id).collect(),
            Some(value) => Vec::from_iter(id(value)),
            None => Vec::new(),
        };
        named.extend(ids.into_iter().map(|id| (*names, id)));
    }
    named
}

fn id(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_is_hidden_by_one_before_it() {
        for (at, (later, _, _)) in RULES.iter().enumerate() {
            let first = RULES.iter().position(|(prefix, _, _)| {
                later == prefix || later.starts_with(&format!("{prefix}/"))
            });
            assert_eq!(first, Some(at), "{later}");
        }
    }

    #[test]
    fn every_section_is_one_that_can_be_given() {
        for (path, read, write) in RULES {
            for one in [read, write] {
                if let For::Sections(sections) = one {
                    assert!(
                        sections.iter().all(|section| SECTIONS.contains(section)),
                        "{path}"
                    );
                }
            }
        }
    }
}
