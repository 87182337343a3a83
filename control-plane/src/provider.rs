//! The provider, its first user and access tokens: made from the command line, shown once.

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::store::access_tokens::{self, NewAccessToken};
use crate::store::provider_users::{self, NewProviderUser};
use crate::{on, row, run};

/// What `provider create` shows, once.
#[derive(Debug)]
pub struct Created {
    /// Authorises everything.
    pub provider_key: Secret,
    /// An access token with all scopes, read-write.
    pub access_token: Secret,
    /// What its first user, an admin, logs in to the console with.
    pub username: &'static str,
    /// That user's password.
    pub password: Secret,
}

row! {
    /// The provider.
    #[derive(Clone, Debug)]
    pub struct ProviderRow {
        /// Its id.
        pub id: i64,
        /// Shown to developers.
        pub name: String,
        /// Where developers may write to.
        pub email: String,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

/// The provider.
///
/// # Errors
/// [`Error::NotFound`] when none was made yet.
pub async fn get(tx: &mut Tx) -> Result<ProviderRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ProviderRow>(
        "select id, name, email, created_at, updated_at from provider"
    )
    .fetch_one(c))?)
}

/// Writes its name and address.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, provider: &ProviderRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update provider set name = $1, email = $2, updated_at = $3 where id = $4"
    )
    .bind(&provider.name)
    .bind(&provider.email)
    .bind(now)
    .bind(provider.id)
    .execute(c))?;
    Ok(())
}

/// Makes the installation's provider, its first user with an access token, and a default account plan.
///
/// # Errors
/// When there is one already.
pub async fn create(
    db: &Db,
    secrets: &secrets::Secrets,
    name: &str,
    email: &str,
) -> Result<Created, Error> {
    let created = Created {
        provider_key: secrets::new_provider_key(),
        access_token: secrets::new_access_token(),
        username: "admin",
        password: secrets::random_token("", 10),
    };
    let password_hash = secrets.hash_password(created.password.clone()).await?;
    let mut tx = db.begin().await?;
    let now = tx.now_ms().await?;
    if exists_in(&mut tx).await? {
        return Err(Error::conflict("this installation has a provider already"));
    }
    run!(tx, |c| {
        sqlx::query(
        "insert into provider (name, email, key_digest, created_at, updated_at) values ($1, $2, $3, $4, $4)"
    )
    .bind(name)
    .bind(email)
    .bind(secrets::token_digest(created.provider_key.reveal()))
    .bind(now)
    .execute(c)
    })?;
    let owner_id = provider_users::insert(
        &mut tx,
        NewProviderUser {
            username: created.username,
            email,
            password_hash: Some(&password_hash),
            state: "active",
            role: "admin",
            extra_fields: "{}",
        },
    )
    .await?;
    run!(tx, |c| sqlx::query(
        "insert into plan (type, name, system_name, state, is_default, created_at, updated_at)
         values ('account_plan', 'Default account plan', 'default', 'published', true, $1, $1)"
    )
    .bind(now)
    .execute(c))?;
    let token = NewAccessToken {
        owner_id,
        name: "Provider",
        scopes: &crate::admin_api::auth::SCOPES.join(","),
        permission: "rw",
        expires_at: None,
    };
    access_tokens::insert(&mut tx, token, &created.access_token).await?;
    tx.commit().await?;
    Ok(created)
}

/// Makes one more access token: the first admin's.
///
/// # Errors
/// When the database does not answer.
pub async fn create_token(
    db: &Db,
    name: &str,
    scopes: &str,
    permission: &str,
) -> Result<Secret, Error> {
    create_token_of(db, None, name, scopes, permission).await
}

/// Makes one more access token: of the provider's user with this name, or else the first admin's.
///
/// # Errors
/// 404 when there is no such user.
pub async fn create_token_of(
    db: &Db,
    username: Option<&str>,
    name: &str,
    scopes: &str,
    permission: &str,
) -> Result<Secret, Error> {
    let value = secrets::new_access_token();
    let mut tx = db.begin().await?;
    let owner_id = match username {
        Some(username) => provider_users::by_username(&mut tx, username).await?,
        None => provider_users::first_admin(&mut tx).await?,
    };
    let token = NewAccessToken {
        owner_id,
        name,
        scopes,
        permission,
        expires_at: None,
    };
    access_tokens::insert(&mut tx, token, &value).await?;
    tx.commit().await?;
    Ok(value)
}

/// Whether there is a provider.
///
/// # Errors
/// When the database does not answer.
pub async fn exists(db: &Db) -> Result<bool, Error> {
    let count: i64 = on!(db, |c| sqlx::query_scalar("select count(*) from provider")
        .fetch_one(c))?;
    Ok(count > 0)
}

async fn exists_in(tx: &mut Tx) -> Result<bool, Error> {
    let count: i64 = on!(tx, |c| sqlx::query_scalar("select count(*) from provider")
        .fetch_one(c))?;
    Ok(count > 0)
}
