//! The documentation of the Account Management API: every call on one page, plain HTML.
//!
//! `tests/it/every_route.rs` compares it with the router's page, so that neither has a call the other lacks.

use crate::portal::page;
use axum::response::Response;
use std::fmt::Write as _;

/// Methods, the rest of the path without `.xml` and `.json`, and what they do.
type Call = (&'static str, &'static str, &'static str);

/// By subject: a title, what all its paths begin with, and the calls.
#[rustfmt::skip]
const SUBJECTS: &[(&str, &str, &[Call])] = &[
    ("The provider's users", "/admin/api/users", &[
        ("GET POST", "", "List: state, role; make one: username, email, password"),
        ("GET PUT PATCH DELETE", "/{id}", "One user; deleting it takes its tokens"),
        ("PUT", "/{id}/activate", "Let the user sign in"),
        ("PUT", "/{id}/suspend", "Keep the user and its tokens out"),
        ("PUT", "/{id}/unsuspend", "Let them in again"),
        ("PUT", "/{id}/admin", "Make the user an admin, who may do everything"),
        ("PUT", "/{id}/member", "Make the user a member"),
        ("GET PUT", "/{id}/permissions", "What a member may do: allowed_sections[], allowed_service_ids[] (without a value: all products)"),
        ("POST", "/{user_id}/access_tokens", "An access token for a user: name, permission, scopes[], expires_at. Its value is shown once"),
    ]),
    ("The caller's own", "/admin/api/personal", &[
        ("GET POST", "/access_tokens", "Access tokens: name; make one: name, permission, scopes[], expires_at. Its value is shown once"),
        ("GET DELETE", "/access_tokens/{id}", "One access token, by its id or its value"),
    ]),
];

/// Every documented (method, path).
pub fn calls() -> impl Iterator<Item = (&'static str, String)> {
    SUBJECTS.iter().flat_map(|(_, prefix, calls)| {
        calls.iter().flat_map(move |(methods, path, _)| {
            methods
                .split(' ')
                .map(move |method| (method, format!("{prefix}{path}")))
        })
    })
}

/// `GET /docs` on the admin listener.
pub async fn docs() -> Response {
    let mut body = String::from(
        "<h1>Account Management API</h1>
<p>Paths, parameters and answers are those of 3scale. Add <code>.json</code> or <code>.xml</code> to a path to choose
the form of the answer. Send parameters as <code>application/x-www-form-urlencoded</code> or
<code>application/json</code>.</p>
<p>Every call is authorised by an access token (<code>access_token</code>) or the provider key
(<code>provider_key</code>), as a parameter or as the user name or password of HTTP Basic. Errors: 403 not allowed,
404 not there, 422 not valid, with the field that is wrong. Lists take <code>page</code> and
<code>per_page</code> (at most 500).</p>
",
    );
    for (title, prefix, calls) in SUBJECTS {
        let _ = write!(body, "<h2>{title}</h2>\n<table>\n");
        for (methods, path, what) in *calls {
            let _ = writeln!(
                body,
                "<tr><td class=\"method\">{methods}</td><td><code>{prefix}{path}</code><br>{what}</td></tr>"
            );
        }
        body.push_str("</table>\n");
    }
    page("Account Management API", &body)
}
