//! The provider's own fields of accounts, users and applications: which there are, and what a row has in them.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A definition.
    #[derive(Clone, Debug)]
    pub struct FieldsDefinition {
        /// Its id.
        pub id: i64,
        /// What it is a field of: [`Target::as_str`].
        pub target: String,
        /// The field's name.
        pub name: String,
        /// Shown to developers.
        pub label: String,
        /// Whether developers must fill it in.
        pub required: bool,
        /// Whether developers do not see it.
        pub hidden: bool,
        /// Whether developers cannot change it.
        pub read_only: bool,
        /// JSON list of the texts it may have; anything when there are none.
        pub choices: String,
        /// Where it stands among its target's fields, from 1.
        pub position: i64,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
    }
}

/// What has fields, in 3scale's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A developer account.
    Account,
    /// A user, of a developer or of the provider.
    User,
    /// An application.
    Cinstance,
}

impl Target {
    /// As the database and the API have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::User => "User",
            Self::Cinstance => "Cinstance",
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, target, name, label, required, hidden, read_only, choices, position, created_at, updated_at
             from fields_definition ",
            $rest
        )
    };
}

/// All of them, by target and position.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Tx) -> Result<Vec<FieldsDefinition>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, FieldsDefinition>(
        select!("order by target, position, id")
    )
    .fetch_all(c))?)
}

/// Those of a target, by position.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, target: &str) -> Result<Vec<FieldsDefinition>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, FieldsDefinition>(
        select!("where target = $1 order by position, id")
    )
    .bind(target)
    .fetch_all(c))?)
}

/// One of them.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, id: i64) -> Result<FieldsDefinition, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, FieldsDefinition>(
        select!("where id = $1")
    )
    .bind(id)
    .fetch_one(c))?)
}

/// Makes one; its id and times are chosen here.
///
/// # Errors
/// 409 when its target has a field of this name: look with [`of`] before.
pub async fn insert(tx: &mut Tx, new: &FieldsDefinition) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into fields_definition (target, name, label, required, hidden, read_only, choices, position,
            created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) returning id"
    )
    .bind(&new.target)
    .bind(&new.name)
    .bind(&new.label)
    .bind(new.required)
    .bind(new.hidden)
    .bind(new.read_only)
    .bind(&new.choices)
    .bind(new.position)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Writes everything that may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, row: &FieldsDefinition) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update fields_definition set label = $1, required = $2, hidden = $3, read_only = $4, choices = $5,
                position = $6, updated_at = $7
         where id = $8"
    )
    .bind(&row.label)
    .bind(row.required)
    .bind(row.hidden)
    .bind(row.read_only)
    .bind(&row.choices)
    .bind(row.position)
    .bind(now_ms)
    .bind(row.id)
    .execute(c)
    })?;
    Ok(())
}

/// Puts one somewhere else in the order.
///
/// # Errors
/// When the database does not answer.
pub async fn place(tx: &mut Tx, id: i64, position: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update fields_definition set position = $1 where id = $2"
    )
    .bind(position)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Removes one, and what any row has in this field.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, row: &FieldsDefinition) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from fields_definition where id = $1"
    )
    .bind(row.id)
    .execute(c))?;
    let tables: &[Table] = match row.target.as_str() {
        "Account" => &[ACCOUNT],
        "User" => &[ACCOUNT_USER, PROVIDER_USER],
        _ => &[APPLICATION],
    };
    for table in tables {
        match tx.handle() {
            Handle::Sqlite(c) => {
                sqlx::query(table.forget_sqlite)
                    .bind(&row.name)
                    .execute(c)
                    .await?;
            }
            Handle::Postgres(c) => {
                sqlx::query(table.forget_postgres)
                    .bind(&row.name)
                    .execute(c)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Sets the fields of an account, a developer's user or an application, as a JSON object.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx, target: Target, id: i64, values: &str) -> Result<(), Error> {
    let table = match target {
        Target::Account => ACCOUNT,
        Target::User => ACCOUNT_USER,
        Target::Cinstance => APPLICATION,
    };
    run!(tx, |c| sqlx::query(table.set)
        .bind(values)
        .bind(id)
        .execute(c))?;
    Ok(())
}

/// What is done to a table with such fields.
#[derive(Clone, Copy, Debug)]
struct Table {
    set: &'static str,
    forget_sqlite: &'static str,
    forget_postgres: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table {
            set: concat!("update ", $name, " set extra_fields = $1 where id = $2"),
            forget_sqlite: concat!(
                "update ",
                $name,
                " set extra_fields = json_remove(extra_fields, '$.\"' || $1 || '\"')
                 where extra_fields like '%\"' || $1 || '\":%'"
            ),
            forget_postgres: concat!(
                "update ",
                $name,
                " set extra_fields = cast(cast(extra_fields as jsonb) - $1 as text)
                 where extra_fields like '%\"' || $1 || '\":%'"
            ),
        }
    };
}

const ACCOUNT: Table = table!("account");
const ACCOUNT_USER: Table = table!("account_user");
const PROVIDER_USER: Table = table!("provider_user");
const APPLICATION: Table = table!("application");
