//! The database: SQLite in a file, or PostgreSQL, behind one type.
//!
//! Queries are written once and run on either with [`on!`](crate::on) (rows) and [`run!`](crate::run)
//! (a count of changed rows). Reads may use [`Db`] directly; every write is one [`Tx`]. Committing a
//! transaction that took a revision wakes whoever waits in [`Db::revisions`].
//! Never here: SQL about any one resource (that is `store`).

mod migrations;
pub mod scope;
mod tx;

use crate::error::Error;
use crate::secrets::Secrets;
use anyhow::{Context as _, bail};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

pub use tx::Tx;

/// A connection of either kind. [`on!`](crate::on) matches on it so that nobody else has to.
#[derive(Debug)]
pub enum Handle<S, P> {
    /// SQLite.
    Sqlite(S),
    /// PostgreSQL.
    Postgres(P),
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pools: Pools,
    revisions: watch::Sender<i64>,
    /// The line of those calls of this process that write one after the other ([`scope`]).
    turns: Arc<tokio::sync::Mutex<()>>,
    /// What seals what is kept beside a change: set once the server is put together.
    secrets: Arc<OnceLock<Secrets>>,
    /// How far the clock is put ahead, in milliseconds: 0 but in tests.
    ahead: Arc<AtomicI64>,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite {
        /// One connection: SQLite has one writer anyway, and queueing here is fair.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// Runs a query that fetches rows, on whichever database it is.
///
/// `on!(db, |c| sqlx::query_as::<_, Row>("select … where id = $1").bind(id).fetch_all(c))?`.
/// `db` is a [`Db`] (reads only) or a [`Tx`].
#[macro_export]
macro_rules! on {
    ($db:expr, |$c:ident| $query:expr) => {
        match $db.handle() {
            $crate::db::Handle::Sqlite($c) => $query.await,
            $crate::db::Handle::Postgres($c) => $query.await,
        }
    };
}

/// Runs a query that changes rows: like [`on!`](crate::on) with `.execute(c)`, and gives their number.
#[macro_export]
macro_rules! run {
    ($tx:expr, |$c:ident| $query:expr) => {
        match $tx.handle() {
            $crate::db::Handle::Sqlite($c) => $query.await.map(|done| done.rows_affected()),
            $crate::db::Handle::Postgres($c) => $query.await.map(|done| done.rows_affected()),
        }
    };
}

/// Declares a struct that a row of either database can be read into: fields by column name.
///
/// (sqlx has a derive for this; it would compile sqlx a second time for the compiler's sake.)
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $ty,)* }

        impl<'r, R: ::sqlx::Row> ::sqlx::FromRow<'r, R> for $name
        where
            &'static str: ::sqlx::ColumnIndex<R>,
            $($ty: ::sqlx::Decode<'r, R::Database> + ::sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> ::core::result::Result<Self, ::sqlx::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}

/// How long a request waits for a connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
/// How often other processes' commits are looked for.
const POLL: Duration = Duration::from_millis(100);

/// Where a SQLite URL keeps its file; `None` for PostgreSQL.
#[must_use]
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(PathBuf::from(rest.split('?').next().unwrap_or(rest)))
}

impl Db {
    /// Connects. `connections` bounds the pool; a SQLite file is made when it does not exist.
    ///
    /// # Errors
    /// When the URL is not one of ours or the database cannot be reached.
    pub async fn connect(url: &str, connections: u32) -> anyhow::Result<Self> {
        let pools = if let Some(file) = sqlite_file(url) {
            open_sqlite(&file, connections).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open_postgres(url, connections).await?
        } else {
            bail!("TALLYGATE_DATABASE_URL must begin with sqlite:// or postgres://");
        };
        Ok(Self {
            pools,
            revisions: watch::Sender::new(0),
            turns: Arc::default(),
            secrets: Arc::default(),
            ahead: Arc::default(),
        })
    }

    /// Says what seals events that transactions record; without it none are.
    pub fn seal_with(&self, secrets: &Secrets) {
        // Set already: by the same server, whose clones share it.
        let _ = self.secrets.set(secrets.clone());
    }

    /// What reads run on.
    #[must_use]
    pub fn handle(&self) -> Handle<&SqlitePool, &PgPool> {
        match &self.pools {
            Pools::Sqlite { readers, .. } => Handle::Sqlite(readers),
            Pools::Postgres(pool) => Handle::Postgres(pool),
        }
    }

    /// Waits so long for work on PostgreSQL, whose connections may die without a word; none when it was given up. A file
    /// does not, so SQLite is waited for.
    pub async fn within<T>(&self, longest: Duration, work: impl Future<Output = T>) -> Option<T> {
        match &self.pools {
            Pools::Sqlite { .. } => Some(work.await),
            Pools::Postgres(_) => tokio::time::timeout(longest, work).await.ok(),
        }
    }

    /// Begins a writing transaction; dropping it without [`Tx::commit`] undoes it.
    ///
    /// In a call of the Account Management API nobody else's call writes from here until it is answered, and what it
    /// commits is durable only then ([`scope`]).
    ///
    /// # Errors
    /// When no connection comes free in time; in a call, when the resource is not what the caller thinks it is.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match scope::current() {
            Some(scope) => scope.begin(self).await,
            None => self.begin_plain().await,
        }
    }

    /// Begins a transaction for what is kept beside a call, whatever becomes of it: that a token was used, that a call
    /// is under way.
    ///
    /// # Errors
    /// When no connection comes free in time.
    pub async fn begin_aside(&self) -> Result<Tx, Error> {
        if let Some(scope) = scope::current() {
            scope.settle().await?;
        }
        self.begin_plain().await
    }

    async fn begin_plain(&self) -> Result<Tx, Error> {
        let inner = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                Handle::Sqlite(writer.begin_with("begin immediate").await?)
            }
            Pools::Postgres(pool) => Handle::Postgres(pool.begin().await?),
        };
        Ok(Tx::new(
            inner,
            self.revisions.clone(),
            Arc::clone(&self.secrets),
            Arc::clone(&self.ahead),
        ))
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    ///
    /// # Errors
    /// When no connection comes free in time.
    pub async fn read(&self) -> Result<Tx, Error> {
        if let Some(scope) = scope::current() {
            // Whoever reads after it has written sees what it wrote.
            scope.settle().await?;
        }
        let inner = match &self.pools {
            Pools::Sqlite { readers, .. } => Handle::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => Handle::Postgres(
                pool.begin_with("begin isolation level repeatable read read only")
                    .await?,
            ),
        };
        Ok(Tx::new(
            inner,
            self.revisions.clone(),
            Arc::clone(&self.secrets),
            Arc::clone(&self.ahead),
        ))
    }

    /// The database's clock, milliseconds since 1970.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now_ms(&self) -> Result<i64, Error> {
        let now_ms: i64 = match &self.pools {
            // SQLite lives in this process: its clock is ours.
            Pools::Sqlite { .. } => local_now_ms(),
            Pools::Postgres(pool) => sqlx::query_scalar(NOW_MS).fetch_one(pool).await?,
        };
        Ok(now_ms + self.ahead.load(Ordering::Relaxed))
    }

    /// Puts the clock ahead, as this process sees it: for tests of what takes long.
    #[doc(hidden)]
    pub fn pass_time(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::Relaxed);
    }

    /// The newest revision.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revision(&self) -> Result<i64, Error> {
        Ok(on!(self, |c| sqlx::query_scalar::<_, i64>(
            "select n from revision"
        )
        .fetch_one(c))?)
    }

    /// Changes whenever a new revision is committed, by this process (at once) or another ([`Self::follow`]).
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<i64> {
        self.revisions.subscribe()
    }

    /// Looks for revisions which other processes commit, for ever.
    pub async fn follow(self) {
        loop {
            match self.revision().await {
                Ok(n) => tx::announce(&self.revisions, n),
                Err(error) => tracing::warn!(%error, "cannot look for new revisions"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// When a migration fails, or the database was made by a newer Tallygate.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => migrations::sqlite().run(writer).await,
            Pools::Postgres(pool) => {
                // A connection of its own, that may take its time, and does not go back.
                let mut connection = pool.acquire().await?.detach();
                for unhurried in UNHURRIED {
                    sqlx::query(unhurried).execute(&mut connection).await?;
                }
                migrations::postgres().run(&mut connection).await
            }
        }
        .context("migrating the database")?;
        let epoch = new_epoch();
        let mut tx = self.begin().await?;
        run!(tx, |c| sqlx::query(
            "insert into ledger_epoch (one, epoch) values (1, $1) on conflict (one) do nothing"
        )
        .bind(epoch)
        .execute(c))?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether the schema is the one this program was built for.
    ///
    /// # Errors
    /// Says what to do when it is not.
    pub async fn check_schema(&self) -> anyhow::Result<()> {
        let applied = on!(self, |c| sqlx::query_scalar::<_, Option<i64>>(
            "select max(version) from _sqlx_migrations"
        )
        .fetch_one(c));
        match applied {
            Ok(Some(version)) if version == migrations::NEWEST => Ok(()),
            Ok(Some(version)) if version > migrations::NEWEST => {
                bail!(
                    "this database was made by a newer Tallygate (schema {version}): use that one"
                )
            }
            _ => bail!("the database's schema is not up to date: run `tallygate migrate`"),
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// What lets a connection of PostgreSQL take its time.
const UNHURRIED: [&str; 2] = ["set statement_timeout = 0", "set lock_timeout = 0"];
/// How a connection of PostgreSQL is set up. The server ends what its client has lost sight of, and with it the locks that
/// it holds: others wait for them.
const SETTINGS: [(&str, &str); 10] = [
    ("synchronous_commit", "on"),
    ("timezone", "UTC"),
    ("jit", "off"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "30s"),
];
/// A connection that does not answer for so long after use is closed, and not used again.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// A number for an epoch of the ledger. Unlike one made in SQL, it is of the same kind on both databases.
pub(crate) fn new_epoch() -> i64 {
    i64::from(rand::random::<u32>()) + 1
}

const NOW_MS: &str = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";

fn local_now_ms() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

async fn open_sqlite(file: &Path, connections: u32) -> anyhow::Result<Pools> {
    if file.as_os_str().is_empty() || file.as_os_str() == ":memory:" {
        bail!(
            "TALLYGATE_DATABASE_URL must name a file, as in sqlite://tallygate.db: usage must outlive the process"
        );
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-16000");
    let opening = || format!("opening the SQLite database {}", file.display());
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .with_context(opening)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.pragma("query_only", "on"))
        .await
        .with_context(opening)?;
    Ok(Pools::Sqlite { writer, readers })
}

async fn open_postgres(url: &str, connections: u32) -> anyhow::Result<Pools> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| anyhow::anyhow!("TALLYGATE_DATABASE_URL is not a PostgreSQL URL: write postgres://user:password@host:5432/name"))?
        .application_name("tallygate")
        .options(SETTINGS);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_release(|connection, _| {
            Box::pin(async move {
                tokio::time::timeout(RELEASE_TIMEOUT, connection.ping())
                    .await
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .context("connecting to PostgreSQL (TALLYGATE_DATABASE_URL)")?;
    Ok(Pools::Postgres(pool))
}
