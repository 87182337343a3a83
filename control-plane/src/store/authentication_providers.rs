//! Where people may sign in from: developers at the portal, the provider's own at the console.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// One of them.
    #[derive(Clone, Debug)]
    pub struct AuthenticationProvider {
        /// Its id.
        pub id: i64,
        /// `developer` or `provider`.
        pub account_type: String,
        /// `github`, `auth0`, `keycloak`, or a word of the provider's own.
        pub kind: String,
        /// Shown to people.
        pub name: String,
        /// Its stable slug, part of the address that it calls back.
        pub system_name: String,
        /// Who we are there.
        pub client_id: String,
        /// What proves it, sealed.
        pub client_secret: Option<Vec<u8>>,
        /// Its base URL, or realm.
        pub site: String,
        /// Where a code becomes a token.
        pub token_url: String,
        /// Where a token becomes a person.
        pub user_info_url: String,
        /// Where people are sent to.
        pub authorize_url: String,
        /// Which field of a person identifies it.
        pub identifier_key: String,
        /// Which field of a person is its username.
        pub username_key: String,
        /// Whether an address that it tells needs no confirmation.
        pub trust_email: bool,
        /// `threescale_branded` or `custom_branded`; of GitHub only.
        pub branding_state: Option<String>,
        /// Whether people can use it.
        pub published: bool,
        /// 3scale's: whether its certificate is not looked at.
        pub skip_ssl_certificate_verification: bool,
        /// Whether accounts that come from it need no approval.
        pub automatically_approve_accounts: bool,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
    }
}

/// Who signs in with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountType {
    /// Developers, at the portal.
    Developer,
    /// The provider's users, at the console.
    Provider,
}

impl AccountType {
    /// As the database and the API have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Provider => "provider",
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_type, kind, name, system_name, client_id, client_secret, site, token_url, user_info_url,
                    authorize_url, identifier_key, username_key, trust_email, branding_state, published,
                    skip_ssl_certificate_verification, automatically_approve_accounts, created_at, updated_at
             from authentication_provider ",
            $rest
        )
    };
}

/// All of a type.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Tx,
    account_type: AccountType,
) -> Result<Vec<AuthenticationProvider>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, AuthenticationProvider>(
        select!("where account_type = $1 order by id")
    )
    .bind(account_type.as_str())
    .fetch_all(c))?)
}

/// One of a type.
///
/// # Errors
/// 404 when there is none.
pub async fn get(
    tx: &mut Tx,
    account_type: AccountType,
    id: i64,
) -> Result<AuthenticationProvider, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, AuthenticationProvider>(
        select!("where account_type = $1 and id = $2")
    )
    .bind(account_type.as_str())
    .bind(id)
    .fetch_one(c))?)
}

/// How many of a type people can use.
///
/// # Errors
/// When the database does not answer.
pub async fn count_published(tx: &mut Tx, account_type: AccountType) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select count(*) from authentication_provider where account_type = $1 and published"
    )
    .bind(account_type.as_str())
    .fetch_one(c))?)
}

/// Which of system name and (for developers) kind another has.
///
/// # Errors
/// When the database does not answer.
pub async fn taken(tx: &mut Tx, new: &AuthenticationProvider) -> Result<Vec<&'static str>, Error> {
    let others: Vec<(bool, bool)> = on!(tx, |c| sqlx::query_as(
        "select system_name = $1, kind = $2 and account_type = 'developer' and $3 = 'developer'
         from authentication_provider"
    )
    .bind(&new.system_name)
    .bind(&new.kind)
    .bind(&new.account_type)
    .fetch_all(c))?;
    let mut taken = Vec::new();
    if others.iter().any(|(_, kind)| *kind) {
        taken.push("kind");
    }
    if others.iter().any(|(system_name, _)| *system_name) {
        taken.push("system_name");
    }
    Ok(taken)
}

/// Makes one; its id and times are chosen here.
///
/// # Errors
/// 409 when its system name or kind are taken: look with [`taken`] before, to say which.
pub async fn insert(tx: &mut Tx, new: &AuthenticationProvider) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into authentication_provider (account_type, kind, name, system_name, client_id, client_secret, site,
            token_url, user_info_url, authorize_url, identifier_key, username_key, trust_email, branding_state,
            published, skip_ssl_certificate_verification, automatically_approve_accounts, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18) returning id"
    )
    .bind(&new.account_type)
    .bind(&new.kind)
    .bind(&new.name)
    .bind(&new.system_name)
    .bind(&new.client_id)
    .bind(new.client_secret.as_deref())
    .bind(&new.site)
    .bind(&new.token_url)
    .bind(&new.user_info_url)
    .bind(&new.authorize_url)
    .bind(&new.identifier_key)
    .bind(&new.username_key)
    .bind(new.trust_email)
    .bind(new.branding_state.as_deref())
    .bind(new.published)
    .bind(new.skip_ssl_certificate_verification)
    .bind(new.automatically_approve_accounts)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, row: &AuthenticationProvider) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update authentication_provider set client_id = $1, client_secret = $2, site = $3, published = $4,
                skip_ssl_certificate_verification = $5, automatically_approve_accounts = $6, updated_at = $7
         where id = $8"
    )
    .bind(&row.client_id)
    .bind(row.client_secret.as_deref())
    .bind(&row.site)
    .bind(row.published)
    .bind(row.skip_ssl_certificate_verification)
    .bind(row.automatically_approve_accounts)
    .bind(now_ms)
    .bind(row.id)
    .execute(c)
    })?;
    Ok(())
}

/// Removes one.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from authentication_provider where id = $1"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}
