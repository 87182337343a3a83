//! E-mails, from the transaction in which something happens to the mail server.
//!
//! Whoever changes something calls [`record`] in the same transaction: a row per recipient goes into the outbox, with ids of
//! what it is about and a sealed one-time link, if there is one. [`deliver`] takes it from there: every control plane looks
//! once a second, [`compose`] writes the mail from its template as things are then, and [`smtp`] sends it. Each is sent at
//! least once.

pub mod alerts;
pub mod compose;
pub mod deliver;
pub mod kind;
pub mod smtp;
pub mod text;
pub mod trial;
pub mod values;

pub use kind::Kind;

use crate::admin_api::access::Access;
use crate::db::Tx;
use crate::error::Error;
use crate::notifications::Preferences;
use crate::secrets::{self, MAIL_TEXTS, Secret};
use crate::store::mails::{self as outbox, About, NewMail, Recipient};
use crate::store::{provider_users, users};
use serde_json::{Map, Value};

/// Whom a mail is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To<'a> {
    /// A user of an account, whatever its state.
    User(i64),
    /// The admins of an account who are not suspended.
    Admins(i64),
    /// Those of the provider's active users who may know of it, of this product if it is about one, and want to.
    Provider {
        /// The product it is about.
        product_id: Option<i64>,
    },
    /// Whoever has this address.
    Address(&'a str),
}

/// A mail to be recorded: what it says, to whom, and what it is about.
///
/// What is about an application or a user is about its account too: that need not be said.
#[derive(Clone, Debug)]
pub struct Mail<'a> {
    kind: Kind,
    to: To<'a>,
    about: About,
    texts: Map<String, Value>,
}

impl<'a> Mail<'a> {
    /// About whom it is to, until more is said.
    #[must_use]
    pub fn new(kind: Kind, to: To<'a>) -> Self {
        let about = match to {
            To::User(id) => About {
                user_id: Some(id),
                ..About::default()
            },
            To::Admins(id) => About {
                account_id: Some(id),
                ..About::default()
            },
            To::Provider { .. } | To::Address(_) => About::default(),
        };
        Self {
            kind,
            to,
            about,
            texts: Map::new(),
        }
    }

    /// It is about an account.
    #[must_use]
    pub fn account(mut self, id: i64) -> Self {
        self.about.account_id = Some(id);
        self
    }

    /// It is about a user of an account.
    #[must_use]
    pub fn user(mut self, id: i64) -> Self {
        self.about.user_id = Some(id);
        self
    }

    /// It is about an application.
    #[must_use]
    pub fn application(mut self, id: i64) -> Self {
        self.about.application_id = Some(id);
        self
    }

    /// It is about a plan other than the application's.
    #[must_use]
    pub fn plan(mut self, id: i64) -> Self {
        self.about.plan_id = Some(id);
        self
    }

    /// It is about an alert.
    #[must_use]
    pub fn alert(mut self, id: i64) -> Self {
        self.about.object_id = Some(id);
        self
    }

    /// It brings a message to an account.
    #[must_use]
    pub fn message(mut self, id: i64) -> Self {
        self.about.object_id = Some(id);
        self
    }

    /// With the template's `url`: a link that only its reader may have. It is kept sealed.
    #[must_use]
    pub fn url(self, url: &Secret) -> Self {
        self.text("url", url.reveal())
    }

    /// With a text that is nowhere else, as the template's variable of this name. It is kept sealed.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.texts.insert(name.into(), value.into());
        self
    }
}

/// Records a mail: it is sent once the transaction is committed. Who has no address gets none.
///
/// # Errors
/// When the database does not answer.
pub async fn record(tx: &mut Tx, mail: Mail<'_>) -> Result<(), Error> {
    let texts = if mail.texts.is_empty() {
        None
    } else {
        let Some(secrets) = tx.secrets() else {
            // Only commands that work on a stopped installation have none, and they send no links.
            return Ok(());
        };
        let texts = Secret::new(Value::Object(mail.texts).to_string());
        Some(secrets.seal(MAIL_TEXTS, &texts)?)
    };
    for to in recipients(tx, mail.kind, mail.to).await? {
        let mail_id = secrets::random_token("", 16);
        let new = NewMail {
            mail_id: mail_id.reveal(),
            kind: mail.kind.template(),
            to,
            about: mail.about,
            texts: texts.as_deref(),
        };
        outbox::insert(tx, new).await?;
    }
    Ok(())
}

/// Records a mail to an application's account about the application.
///
/// # Errors
/// When the database does not answer.
pub async fn about_application(
    tx: &mut Tx,
    kind: Kind,
    account_id: i64,
    application_id: i64,
) -> Result<(), Error> {
    let mail = Mail::new(kind, To::Admins(account_id)).application(application_id);
    record(tx, mail).await
}

async fn recipients<'a>(tx: &mut Tx, kind: Kind, to: To<'a>) -> Result<Vec<Recipient<'a>>, Error> {
    Ok(match to {
        To::User(id) => vec![Recipient::User(id)],
        To::Address(address) => vec![Recipient::Address(address)],
        To::Admins(account_id) => users::of_account(tx, account_id, None, Some("admin"))
            .await?
            .iter()
            .filter(|user| user.state != "suspended" && !user.email.is_empty())
            .map(|user| Recipient::User(user.id))
            .collect(),
        To::Provider { product_id } => {
            let Some(notification) = kind.notification() else {
                return Ok(Vec::new());
            };
            provider_users::list(tx, Some("active"), None)
                .await?
                .iter()
                .filter(|user| !user.email.is_empty())
                .filter(|user| {
                    Access::of_user(
                        user.id,
                        &user.role,
                        &user.sections,
                        user.product_ids.as_deref(),
                    )
                    .reaches(notification.section, product_id)
                })
                .filter(|user| {
                    Preferences::read(&user.notification_preferences).wants(notification.name)
                })
                .map(|user| Recipient::ProviderUser(user.id))
                .collect()
        }
    })
}
