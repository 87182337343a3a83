//! What developers see: the portal's pages.

mod applications;
mod auth;
mod content;
mod docs;
mod every_page;
mod issuer;
mod mailbox;
mod passwords;
mod people;
mod plans;
mod signup;
mod sso;
mod usage;

use crate::support::Test;

/// An account with one user, who may sign in; the ids of both.
async fn signed_up(t: &Test, username: &str) -> (i64, i64) {
    let email = format!("{username}@example.com");
    let form = [
        ("org_name", username),
        ("username", username),
        ("email", email.as_str()),
        ("password", "correct horse"),
    ];
    let reply = t.post("/admin/api/signup.json", &form).await.expect(201);
    (
        reply.id("/account/id"),
        reply.id("/account/users/0/user/id"),
    )
}
