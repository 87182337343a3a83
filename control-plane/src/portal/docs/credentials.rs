//! What a developer's application shows in a call, for Swagger UI to fill in: under 3scale's words, under the names that
//! the product takes, and for `Authorization`.

use crate::app::App;
use crate::applications::{self, View};
use crate::credentials::{self, Fresh};
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::Secret;
use serde_json::{Value, json};
use tallygate_core::wire::{CredentialKindV1, CredentialsV1, SourceV1};

/// JSON: `kinds` has values under the words of `x-data-threescale-name`, `names` under those of parameters and headers,
/// `basic` is a user and a password, `bearer` a token. None when a value of them is not kept, or there is no key.
///
/// # Errors
/// When the database does not answer, or holds credentials sealed with another key.
pub(super) async fn of_application(
    app: &App,
    tx: &mut Tx,
    id: i64,
    config: &CredentialsV1,
) -> Result<Option<Secret>, Error> {
    let now_ms = tx.now_ms().await?;
    let view = applications::view(tx, &app.secrets, id, &Fresh::default()).await?;
    let filled = match config.kind {
        CredentialKindV1::UserKey => user_key(&view).map(|key| by_user_key(config, key)),
        CredentialKindV1::AppIdAndKey => {
            let app_id = view.application.app_id.as_deref();
            app_id
                .zip(key(&view, now_ms))
                .map(|(app_id, key)| by_app_id(config, app_id, key))
        }
    };
    Ok(filled.map(|filled| Secret::new(filled.to_string())))
}

fn by_user_key(config: &CredentialsV1, key: &str) -> Value {
    let bearer = config.sources.contains(&SourceV1::Bearer);
    json!({
        "kinds": {"user_keys": key},
        "names": {&config.user_key: key},
        "basic": [key, ""],
        "bearer": bearer.then_some(key),
    })
}

fn by_app_id(config: &CredentialsV1, app_id: &str, key: &str) -> Value {
    json!({
        "kinds": {
            "app_ids": app_id, "app_keys": key, "client_ids": app_id, "client_secrets": key,
        },
        "names": {&config.app_id: app_id, &config.app_key: key},
        "basic": [app_id, key],
        "bearer": null,
    })
}

/// The `user_key` itself, not its mask.
fn user_key(view: &View) -> Option<&str> {
    let key = view.user_key.as_ref()?.reveal();
    let application = &view.application;
    (credentials::ident(application.product_id, key) == application.ident).then_some(key)
}

/// The newest key that will not end, or else the one that ends last.
fn key(view: &View, now_ms: i64) -> Option<&str> {
    view.keys
        .iter()
        .filter(|key| key.value.reveal() != key.name)
        .map(|key| (key.expires_at.unwrap_or(i64::MAX), key.value.reveal()))
        .filter(|(expires_at, _)| *expires_at > now_ms)
        .max_by_key(|(expires_at, _)| *expires_at)
        .map(|(_, key)| key)
}
