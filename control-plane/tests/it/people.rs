//! The provider's own side of the API: its users and their tokens, and what it chooses for everybody.

mod access;
mod access_tokens;
mod authentication_providers;
mod fields;
mod migration;
mod notification_preferences;
mod sso;
mod users;

use crate::support::Test;
use crate::support::client::{Reply, send};
use reqwest::Method;

/// Makes an active member of the provider: its id.
async fn member(t: &Test, username: &str) -> i64 {
    let email = format!("{username}@acme.example");
    let form = [
        ("username", username),
        ("email", email.as_str()),
        ("password", "correct horse"),
    ];
    let reply = t.post("/admin/api/users.json", &form).await.expect(201);
    let id = reply.id("/user/id");
    t.put(&format!("/admin/api/users/{id}/activate.json"), &[])
        .await
        .expect(200);
    id
}

/// Makes a token of a user of the provider with all scopes.
async fn token_of(t: &Test, user: i64, permission: &str) -> String {
    let form = [
        ("name", "test"),
        ("permission", permission),
        ("scopes[]", "account_management"),
        ("scopes[]", "stats"),
        ("scopes[]", "cms"),
    ];
    let reply = t
        .post(
            &format!("/admin/api/users/{user}/access_tokens.json"),
            &form,
        )
        .await
        .expect(201);
    reply.at("/access_token/value").as_str().unwrap().to_owned()
}

/// A call with somebody's token.
async fn call(t: &Test, token: &str, method: Method, path: &str, form: &[(&str, &str)]) -> Reply {
    send(
        t.request(method, path)
            .basic_auth("", Some(token))
            .form(form),
    )
    .await
}
