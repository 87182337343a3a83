//! The database of one test: a file, or one of its own in the PostgreSQL that `tests/with-postgres.sh` starts.

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::path::{Path, PathBuf};
use tallygate::config::DatabaseConfig;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// The configuration for a fresh database; what belongs to it is put into `folder`.
///
/// # Errors
/// When there is no PostgreSQL to make one in.
pub async fn create(kind: Kind, folder: &Path) -> Result<DatabaseConfig> {
    match kind {
        Kind::Sqlite => Ok(config(
            format!("sqlite://{}", folder.join("tallygate.db").display()),
            None,
        )),
        Kind::Postgres => create_on(&postgres_url()?, folder).await,
    }
}

/// The configuration for a fresh database on the PostgreSQL server of which `server` is a database.
///
/// # Errors
/// When the server refuses.
pub async fn create_on(server: &str, folder: &Path) -> Result<DatabaseConfig> {
    let key = folder.join("tallygate.key");
    let digits: String = (0..4)
        .map(|_| format!("{:016x}", rand::random::<u64>()))
        .collect();
    std::fs::write(&key, digits)?;
    let name = format!("tallygate_e2e_{:016x}", rand::random::<u64>());
    let mut connection = PgConnection::connect(server)
        .await
        .context("the tests' PostgreSQL")?;
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await?;
    let (base, _) = server
        .rsplit_once('/')
        .with_context(|| format!("{server} names no database"))?;
    Ok(config(format!("{base}/{name}"), Some(key)))
}

fn config(database_url: String, secret_key_file: Option<PathBuf>) -> DatabaseConfig {
    DatabaseConfig {
        database_url,
        database_connections: 8,
        secret_key_file,
    }
}

/// Whether there is a PostgreSQL to make databases in.
#[must_use]
pub fn has_postgres() -> bool {
    postgres_url().is_ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the program"
)]
fn postgres_url() -> Result<String> {
    std::env::var("TALLYGATE_TEST_POSTGRES_URL").context(
        "TALLYGATE_TEST_POSTGRES_URL names no PostgreSQL: run `make e2e`, or put `tests/with-postgres.sh` before the command",
    )
}
