//! Who calls: credentials to send, and what is known of the application they are of, to say why they did not do.

use super::Wanted;
use crate::app::App;
use crate::applications;
use crate::credentials::{self, Fresh};
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::Secret;
use crate::store::products::ProductRow;
use crate::store::{keys, probes};
use tallygate_core::wire::{ConfigV1, CredentialKindV1, SourceV1};

/// Who calls.
#[derive(Debug, Default)]
pub(super) struct Caller {
    /// What is sent.
    pub(super) credentials: Option<Credentials>,
    /// Whose that is.
    pub(super) application: Option<Known>,
    /// Why nothing is sent, where something should be.
    pub(super) lacking: Option<String>,
}

/// What is sent.
#[derive(Debug)]
pub(super) enum Credentials {
    /// A `user_key`.
    UserKey(Secret),
    /// An `app_id` and a key.
    AppIdAndKey(String, Secret),
    /// A token.
    Token(Secret),
}

/// An application, as it stands.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) account_state: String,
    pub(super) plan: String,
    /// Metrics that its plan does not include.
    pub(super) disabled: Vec<String>,
    /// Whether the key that is sent is one of its own.
    pub(super) key_fits: bool,
}

/// Whether only tokens authenticate.
pub(super) fn takes_tokens_only(config: &ConfigV1) -> bool {
    config.credentials.sources == [SourceV1::Jwt]
}

/// The credentials that are wanted; else those of the application that is; else those of the product's first that may call.
pub(super) async fn find(
    app: &App,
    tx: &mut Tx,
    product: &ProductRow,
    config: &ConfigV1,
    wanted: &Wanted,
) -> Result<Caller, Error> {
    if let Some(token) = &wanted.token {
        return Ok(Caller {
            credentials: Some(Credentials::Token(token.clone())),
            ..Caller::default()
        });
    }
    let given = match config.credentials.kind {
        CredentialKindV1::UserKey => wanted.user_key.clone().map(Credentials::UserKey),
        CredentialKindV1::AppIdAndKey => wanted
            .app_id
            .clone()
            .zip(wanted.app_key.clone())
            .map(|(app_id, key)| Credentials::AppIdAndKey(app_id, key)),
    };
    if let Some(credentials) = given {
        let identifier = match &credentials {
            Credentials::UserKey(key) | Credentials::Token(key) => key.reveal(),
            Credentials::AppIdAndKey(app_id, _) => app_id,
        };
        let found = applications::find_by_identifier(tx, Some(product.id), identifier).await?;
        let application = match found {
            Some(found) => Some(known(tx, found.id, Some(&credentials)).await?),
            None => None,
        };
        return Ok(Caller {
            credentials: Some(credentials),
            application,
            lacking: None,
        });
    }
    let id = match wanted.application_id {
        Some(id) => Some(id),
        None => probes::first_live(tx, product.id).await?,
    };
    let Some(id) = id else {
        return Ok(lacking("The product has no application that may call."));
    };
    let view = match applications::view(tx, &app.secrets, id, &Fresh::default()).await {
        Ok(view) if view.application.product_id == product.id => view,
        Ok(_) | Err(Error::NotFound) => {
            let message = "is not the id of an application of this product";
            return Err(Error::invalid("application_id", message));
        }
        Err(error) => return Err(error),
    };
    if takes_tokens_only(config) {
        return Ok(lacking("Only tokens authenticate, and none was given."));
    }
    let credentials = match (view.user_key, view.application.app_id) {
        (Some(user_key), _) => Some(user_key)
            .filter(|key| credentials::ident(product.id, key.reveal()) == view.application.ident)
            .map(Credentials::UserKey),
        (None, Some(app_id)) => {
            let own = keys::of(tx, &[id]).await?;
            let readable = |key: &Secret| {
                let digest = credentials::key_digest(key);
                own.iter().any(|own| own.digest == digest)
            };
            let key = view.keys.into_iter().map(|key| key.value).find(readable);
            key.map(|key| Credentials::AppIdAndKey(app_id, key))
        }
        (None, None) => None,
    };
    let mut application = known(tx, id, credentials.as_ref()).await?;
    if credentials.is_none() {
        application.key_fits = true;
        return Ok(Caller {
            application: Some(application),
            ..lacking("The credentials of the application are not kept, or it has no key.")
        });
    }
    Ok(Caller {
        credentials,
        application: Some(application),
        lacking: None,
    })
}

fn lacking(why: &str) -> Caller {
    Caller {
        lacking: Some(why.into()),
        ..Caller::default()
    }
}

async fn known(tx: &mut Tx, id: i64, sent: Option<&Credentials>) -> Result<Known, Error> {
    let application = crate::store::applications::get(tx, None, id).await?;
    let (plan, disabled) = probes::plan(tx, application.plan_id).await?;
    let key_fits = match sent {
        Some(Credentials::AppIdAndKey(_, key)) => {
            let digest = credentials::key_digest(key);
            let own = keys::of(tx, &[id]).await?;
            own.iter().any(|own| own.digest == digest)
        }
        _ => true,
    };
    Ok(Known {
        id,
        name: application.name,
        state: application.state,
        account_state: application.account_state,
        plan,
        disabled,
        key_fits,
    })
}
