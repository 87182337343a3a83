//! Where events are told, and which.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// The provider's webhook.
    #[derive(Clone, Debug)]
    pub struct Webhook {
        /// Where events are posted to; blank until set.
        pub url: String,
        /// Whether they are.
        pub active: bool,
        /// Whether what the provider does is told too.
        pub provider_actions: bool,
        /// Switches that are on, a comma list.
        pub switches: String,
        /// What deliveries are signed with, sealed.
        pub secret: Vec<u8>,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
    }
}

impl Webhook {
    /// Whether a switch is on.
    #[must_use]
    pub fn is_on(&self, switch: &str) -> bool {
        self.switches.split(',').any(|on| on == switch)
    }

    /// Whether an event with this switch is to be told.
    #[must_use]
    pub fn wants(&self, switch: &str) -> bool {
        self.active && !self.url.is_empty() && self.is_on(switch)
    }
}

/// The webhook, if it was ever set.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Tx) -> Result<Option<Webhook>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Webhook>(
        "select url, active, provider_actions, switches, secret, created_at, updated_at from webhook where one = 1"
    )
    .fetch_optional(c)
    })?)
}

/// Sets all of it but its times.
///
/// # Errors
/// When the database does not answer.
pub async fn put(tx: &mut Tx, webhook: &Webhook) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
            "insert into webhook (one, url, active, provider_actions, switches, secret, created_at, updated_at)
             values (1, $1, $2, $3, $4, $5, $6, $6)
             on conflict (one) do update set url = excluded.url, active = excluded.active,
             provider_actions = excluded.provider_actions, switches = excluded.switches,
             secret = excluded.secret, updated_at = excluded.updated_at",
        )
        .bind(&webhook.url)
        .bind(webhook.active)
        .bind(webhook.provider_actions)
        .bind(&webhook.switches)
        .bind(webhook.secret.as_slice())
        .bind(now_ms)
        .execute(c)
    })?;
    Ok(())
}
