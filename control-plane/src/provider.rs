//! The provider and its access tokens: made from the command line, shown once.

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::{on, row, run};

/// What `provider create` shows, once.
#[derive(Debug)]
pub struct Created {
    /// Authorises everything.
    pub provider_key: Secret,
    /// An access token with all scopes, read-write.
    pub access_token: Secret,
    /// The console's user.
    pub username: &'static str,
    /// The console's password.
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

/// Makes the installation's provider, its first access token, and a default account plan.
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
    for (setting, value) in [
        ("console_username", created.username),
        ("console_password_hash", password_hash.as_str()),
    ] {
        run!(tx, |c| sqlx::query(
            "insert into setting (name, value) values ($1, $2)"
        )
        .bind(setting)
        .bind(value)
        .execute(c))?;
    }
    run!(tx, |c| sqlx::query(
        "insert into plan (type, name, system_name, state, is_default, created_at, updated_at)
         values ('account_plan', 'Default account plan', 'default', 'published', true, $1, $1)"
    )
    .bind(now)
    .execute(c))?;
    insert_token(
        &mut tx,
        "Provider",
        &crate::admin_api::auth::SCOPES.join(","),
        "rw",
        &created.access_token,
    )
    .await?;
    tx.commit().await?;
    Ok(created)
}

/// Makes one more access token.
///
/// # Errors
/// When the database does not answer.
pub async fn create_token(
    db: &Db,
    name: &str,
    scopes: &str,
    permission: &str,
) -> Result<Secret, Error> {
    let token = secrets::new_access_token();
    let mut tx = db.begin().await?;
    insert_token(&mut tx, name, scopes, permission, &token).await?;
    tx.commit().await?;
    Ok(token)
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

async fn insert_token(
    tx: &mut Tx,
    name: &str,
    scopes: &str,
    permission: &str,
    token: &Secret,
) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into access_token (name, digest, scopes, permission, created_at) values ($1, $2, $3, $4, $5)"
    )
    .bind(name)
    .bind(secrets::token_digest(token.reveal()))
    .bind(scopes)
    .bind(permission)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}
