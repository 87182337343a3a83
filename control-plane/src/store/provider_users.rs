//! The provider's own people: admins, who may do everything, and members, who may do what they were given.

use crate::db::Tx;
use crate::error::Error;
use crate::store::accounts::refuse_transition;
use crate::store::users::{Changes, Event};
use crate::{on, row, run};

row! {
    /// One of them.
    #[derive(Clone, Debug)]
    pub struct ProviderUser {
        /// Its id.
        pub id: i64,
        /// What it logs in with.
        pub username: String,
        /// Its address.
        pub email: String,
        /// `pending`, `active` or `suspended`.
        pub state: String,
        /// `admin` or `member`.
        pub role: String,
        /// JSON list of the sections that it may use as a member.
        pub sections: String,
        /// JSON list of the products that it may reach as a member; all when there is none.
        pub product_ids: Option<String>,
        /// JSON object of the provider's own fields.
        pub extra_fields: String,
        /// JSON object of notifications chosen otherwise than the default.
        pub notification_preferences: String,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
    }
}

/// One to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewProviderUser<'a> {
    /// What it logs in with.
    pub username: &'a str,
    /// Its address.
    pub email: &'a str,
    /// Argon2id.
    pub password_hash: Option<&'a str>,
    /// `pending` or `active`.
    pub state: &'a str,
    /// `admin` or `member`.
    pub role: &'a str,
    /// JSON object of the provider's own fields.
    pub extra_fields: &'a str,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, username, email, state, role, sections, product_ids, extra_fields,
                    notification_preferences, created_at, updated_at
             from provider_user where deleted_at is null ",
            $rest
        )
    };
}

/// One of them.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, id: i64) -> Result<ProviderUser, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ProviderUser>(select!(
        "and id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// All of them, perhaps only those in one state or role.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Tx,
    state: Option<&str>,
    role: Option<&str>,
) -> Result<Vec<ProviderUser>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ProviderUser>(select!(
        "and ($1 is null or state = $1) and ($2 is null or role = $2) order by id"
    ))
    .bind(state)
    .bind(role)
    .fetch_all(c))?)
}

/// The id of the one with this username.
///
/// # Errors
/// 404 when there is none.
pub async fn by_username(tx: &mut Tx, username: &str) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select id from provider_user where deleted_at is null and lower(username) = lower($1)"
    )
    .bind(username)
    .fetch_one(c))?)
}

/// The id of the first active admin: there always is one.
///
/// # Errors
/// 404 when there is no provider.
pub async fn first_admin(tx: &mut Tx) -> Result<i64, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "select id from provider_user where deleted_at is null and state = 'active' and role = 'admin'
         order by id limit 1"
    )
    .fetch_one(c)
    })?)
}

/// Which of username and e-mail somebody else has.
///
/// # Errors
/// When the database does not answer.
pub async fn taken(
    tx: &mut Tx,
    username: Option<&str>,
    email: Option<&str>,
    except: Option<i64>,
) -> Result<Vec<&'static str>, Error> {
    let others: Vec<(Option<bool>, Option<bool>)> = on!(tx, |c| sqlx::query_as(
        "select lower(username) = lower($1), email <> '' and lower(email) = lower($2)
         from provider_user where deleted_at is null and ($3 is null or id <> $3)
         and (lower(username) = lower($1) or email <> '' and lower(email) = lower($2))"
    )
    .bind(username)
    .bind(email)
    .bind(except)
    .fetch_all(c))?;
    let mut taken = Vec::new();
    if others.iter().any(|(username, _)| *username == Some(true)) {
        taken.push("username");
    }
    if others.iter().any(|(_, email)| *email == Some(true)) {
        taken.push("email");
    }
    Ok(taken)
}

/// Makes one.
///
/// # Errors
/// 409 when username or e-mail are taken: look with [`taken`] before, to say which.
pub async fn insert(tx: &mut Tx, user: NewProviderUser<'_>) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into provider_user (username, email, password_hash, state, role, extra_fields, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7) returning id"
    )
    .bind(user.username)
    .bind(user.email)
    .bind(user.password_hash)
    .bind(user.state)
    .bind(user.role)
    .bind(user.extra_fields)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Changes what is given.
///
/// # Errors
/// 404 when there is none, 409 when username or e-mail are taken.
pub async fn update(
    tx: &mut Tx,
    id: i64,
    changes: Changes<'_>,
    extra_fields: &str,
) -> Result<ProviderUser, Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update provider_user set username = coalesce($1, username), email = coalesce($2, email),
                password_hash = coalesce($3, password_hash), extra_fields = $4, updated_at = $5
         where id = $6 and deleted_at is null"
    )
    .bind(changes.username)
    .bind(changes.email)
    .bind(changes.password_hash)
    .bind(extra_fields)
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    get(tx, id).await
}

/// Sets what a member may do: JSON lists of sections and of products, or all products.
///
/// # Errors
/// When the database does not answer.
pub async fn set_permissions(
    tx: &mut Tx,
    id: i64,
    sections: &str,
    product_ids: Option<&str>,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update provider_user set sections = $1, product_ids = $2, updated_at = $3 where id = $4"
    )
    .bind(sections)
    .bind(product_ids)
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Sets which notifications it wants, as a JSON object of what differs from the default.
///
/// # Errors
/// When the database does not answer.
pub async fn set_notification_preferences(
    tx: &mut Tx,
    id: i64,
    preferences: &str,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update provider_user set notification_preferences = $1, updated_at = $2 where id = $3"
    )
    .bind(preferences)
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Changes its state.
///
/// # Errors
/// 404 when there is none; 422 when this cannot happen in its state, or nobody would be left to administer.
pub async fn transition(tx: &mut Tx, id: i64, event: Event) -> Result<ProviderUser, Error> {
    lock(tx).await?;
    let user = get(tx, id).await?;
    let (from, to) = event.transition();
    if !from.contains(&user.state.as_str()) {
        return Err(refuse_transition(&user.state, from, to));
    }
    if event == Event::Suspend {
        refuse_last_admin(tx, &user, "state").await?;
    }
    set(tx, id, Some(to), None).await?;
    get(tx, id).await
}

/// Makes it `admin` or `member`.
///
/// # Errors
/// 404 when there is none, 422 when nobody would be left to administer.
pub async fn set_role(tx: &mut Tx, id: i64, role: &'static str) -> Result<ProviderUser, Error> {
    lock(tx).await?;
    let user = get(tx, id).await?;
    if role != "admin" {
        refuse_last_admin(tx, &user, "role").await?;
    }
    set(tx, id, None, Some(role)).await?;
    get(tx, id).await
}

/// Removes it, and its tokens.
///
/// # Errors
/// 404 when there is none, 422 when nobody would be left to administer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    lock(tx).await?;
    let user = get(tx, id).await?;
    refuse_last_admin(tx, &user, "role").await?;
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "delete from access_token where owner_id = $1"
    )
    .bind(id)
    .execute(c))?;
    run!(tx, |c| {
        sqlx::query(
        "update provider_user set deleted_at = $1, updated_at = $1, password_hash = null where id = $2"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    Ok(())
}

/// Keeps everybody else from changing any of them until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(tx: &mut Tx) -> Result<(), Error> {
    run!(tx, |c| sqlx::query("update provider set id = id")
        .execute(c))?;
    Ok(())
}

async fn refuse_last_admin(
    tx: &mut Tx,
    user: &ProviderUser,
    field: &'static str,
) -> Result<(), Error> {
    let admins = list(tx, Some("active"), Some("admin")).await?;
    if admins.iter().any(|admin| admin.id == user.id) && admins.len() == 1 {
        return Err(Error::invalid(
            field,
            "cannot be taken from the only active admin: make another user admin first",
        ));
    }
    Ok(())
}

async fn set(tx: &mut Tx, id: i64, state: Option<&str>, role: Option<&str>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update provider_user set state = coalesce($1, state), role = coalesce($2, role), updated_at = $3 where id = $4"
    )
    .bind(state)
    .bind(role)
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    Ok(())
}
