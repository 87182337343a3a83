//! Whom each route of the API is for.

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
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
    ("/admin/api/plan_change_requests", PARTNERS, PARTNERS),
    ("/admin/api/service_contracts", PARTNERS, PARTNERS),
    ("/admin/api/service_subscriptions", PARTNERS, PARTNERS),
    ("/admin/api/sso_tokens", PARTNERS, PARTNERS),
    ("/admin/api/alerts", For::Sections(&["partners", "monitoring"]), For::Sections(&["partners", "monitoring"])),
    ("/admin/api/provider", SETTINGS, SETTINGS),
    ("/admin/api/settings", SETTINGS, SETTINGS),
    ("/admin/api/webhooks", SETTINGS, SETTINGS),
    ("/admin/api/mail", SETTINGS, SETTINGS),
    ("/admin/api/fields_definitions", For::Sections(&["settings", "partners"]), SETTINGS),
    ("/admin/api/authentication_providers", SETTINGS, SETTINGS),
    ("/admin/api/account/authentication_providers", SETTINGS, SETTINGS),
    ("/admin/api/cms", PORTAL, PORTAL),
    ("/admin/api/active_docs", For::Sections(&["portal", "plans"]), For::Sections(&["portal", "plans"])),
    ("/stats", MONITORING, MONITORING),
];

/// Whether somebody decided whom a route is for, rather than leaving it to admins.
#[must_use]
pub fn is_decided(path: &str) -> bool {
    rule(path, false).is_some()
}

/// Whom a route is for, to read or to write; nothing when nobody decided.
pub(super) fn rule(path: &str, writes: bool) -> Option<For> {
    let begins = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found = RULES.iter().find(|(prefix, _, _)| begins(prefix));
    found.map(|(_, read, write)| if writes { *write } else { *read })
}

#[cfg(test)]
mod tests {
    use super::super::SECTIONS;
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
