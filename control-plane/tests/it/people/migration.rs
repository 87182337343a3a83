//! What becomes of an installation from before the provider had users.

use crate::support::Kind;
use crate::support::database::TestDatabase;
use tallygate::db::{Db, Handle};
use tallygate::{on, run, secrets};

/// A database as the first two migrations leave it, with what they knew of a provider.
async fn as_it_was(db: &Db, kind: Kind, statements: &[&'static str]) {
    let files = match kind {
        Kind::Sqlite => [
            include_str!("../../../migrations/sqlite/0001_initial.sql"),
            include_str!("../../../migrations/sqlite/0002_leases.sql"),
        ],
        Kind::Postgres => [
            include_str!("../../../migrations/postgres/0001_initial.sql"),
            include_str!("../../../migrations/postgres/0002_leases.sql"),
        ],
    };
    let mut tx = db.begin().await.unwrap();
    for sql in files.iter().chain(statements) {
        match tx.handle() {
            Handle::Sqlite(c) => {
                sqlx::raw_sql(*sql).execute(c).await.unwrap();
            }
            Handle::Postgres(c) => {
                sqlx::raw_sql(*sql).execute(c).await.unwrap();
            }
        }
    }
    tx.commit().await.unwrap();
}

/// Runs what comes after them.
async fn upgrade(db: &Db, kind: Kind) {
    let sql = match kind {
        Kind::Sqlite => include_str!("../../../migrations/sqlite/0008_people.sql"),
        Kind::Postgres => include_str!("../../../migrations/postgres/0008_people.sql"),
    };
    let mut tx = db.begin().await.unwrap();
    match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::raw_sql(sql).execute(c).await.unwrap();
        }
        Handle::Postgres(c) => {
            sqlx::raw_sql(sql).execute(c).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

async fn tokens_get_the_first_user(kind: Kind) {
    let database = TestDatabase::empty(kind).await;
    let db = database.connect().await;
    as_it_was(&db, kind, &[
        "insert into provider (name, email, key_digest, created_at, updated_at) values ('Acme', 'api@acme.example', '', 5, 6)",
        "insert into setting (name, value) values ('console_username', 'chief'), ('console_password_hash', 'hash'), ('signups_enabled', 'false')",
    ]).await;
    let mut tx = db.begin().await.unwrap();
    for value in ["one", "two"] {
        run!(tx, |c| sqlx::query(
            "insert into access_token (name, digest, scopes, permission, created_at) values ($1, $2, 'stats', 'ro', 7)"
        )
        .bind(value)
        .bind(secrets::token_digest(value))
        .execute(c))
        .unwrap();
    }
    tx.commit().await.unwrap();
    upgrade(&db, kind).await;
    let users: Vec<(i64, String, String, String, String, String)> = on!(db, |c| sqlx::query_as(
        "select id, username, email, password_hash, state, role from provider_user"
    )
    .fetch_all(c))
    .unwrap();
    let expected = ("chief", "api@acme.example", "hash", "active", "admin");
    let (id, username, email, hash, state, role) = users[0].clone();
    assert_eq!(
        (
            username.as_str(),
            email.as_str(),
            hash.as_str(),
            state.as_str(),
            role.as_str()
        ),
        expected
    );
    assert_eq!(users.len(), 1);
    let tokens: Vec<(i64, String, Vec<u8>, i64)> = on!(db, |c| sqlx::query_as(
        "select id, name, digest, owner_id from access_token order by id"
    )
    .fetch_all(c))
    .unwrap();
    let expected = [(1, "one", id), (2, "two", id)]
        .map(|(n, name, id)| (n, name.to_owned(), secrets::token_digest(name), id));
    assert_eq!(tokens, expected);
    let settings: Vec<String> = on!(db, |c| sqlx::query_scalar("select name from setting")
        .fetch_all(c))
    .unwrap();
    assert_eq!(settings, ["signups_enabled"]);
    // The next token is a new one.
    let mut tx = db.begin().await.unwrap();
    let next: i64 = on!(tx, |c| sqlx::query_scalar(
        "insert into access_token (name, digest, scopes, permission, created_at, owner_id) values ('three', $1, '', 'ro', 8, $2) returning id"
    )
    .bind(secrets::token_digest("three"))
    .bind(id)
    .fetch_one(c))
    .unwrap();
    assert_eq!(next, 3);
    drop(tx);
    db.close().await;
    database.remove().await;
}

async fn nobody_is_made_up_where_there_is_no_provider(kind: Kind) {
    let database = TestDatabase::empty(kind).await;
    let db = database.connect().await;
    as_it_was(&db, kind, &[]).await;
    upgrade(&db, kind).await;
    let users: i64 = on!(db, |c| sqlx::query_scalar(
        "select count(*) from provider_user"
    )
    .fetch_one(c))
    .unwrap();
    assert_eq!(users, 0);
    db.close().await;
    database.remove().await;
}

#[tokio::test]
async fn sqlite() {
    tokens_get_the_first_user(Kind::Sqlite).await;
    nobody_is_made_up_where_there_is_no_provider(Kind::Sqlite).await;
}

#[tokio::test]
async fn postgres() {
    tokens_get_the_first_user(Kind::Postgres).await;
    nobody_is_made_up_where_there_is_no_provider(Kind::Postgres).await;
}
