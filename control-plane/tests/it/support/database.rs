//! A database for one test: a SQLite file in a directory of its own, or a new PostgreSQL database.

use super::postgres;
use tallygate::db::Db;
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// One test's database; gone after [`TestDatabase::remove`].
#[derive(Debug)]
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    _directory: Option<TempDir>,
    postgres: Option<postgres::Database>,
}

impl TestDatabase {
    /// An empty one, without tables.
    pub(crate) async fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let file = directory.path().join("tallygate.db");
                Self {
                    url: format!("sqlite://{}", file.display()),
                    _directory: Some(directory),
                    postgres: None,
                }
            }
            Kind::Postgres => {
                let database = postgres::Database::create().await;
                Self {
                    url: database.url.clone(),
                    _directory: None,
                    postgres: Some(database),
                }
            }
        }
    }

    /// A connection of its own, as another replica (or the restarted process) would make.
    pub(crate) async fn connect(&self) -> Db {
        Db::connect(&self.url, 4).await.unwrap()
    }

    pub(crate) async fn remove(self) {
        if let Some(database) = self.postgres {
            database.remove().await;
        }
    }
}
