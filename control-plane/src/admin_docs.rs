//! Calls that are not yet declared in `openapi`.

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
