//! What tests stand on: a server on a database of its own, and a client for it.

pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod contract;
pub(crate) mod database;
pub(crate) mod postgres;

pub(crate) use browser::Browser;
pub(crate) use client::{Reply, Test};
pub(crate) use database::Kind;

/// Declares tests that run once on SQLite and once on PostgreSQL, each on a fresh database with a provider.
macro_rules! both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($test:ident: $kind:ty) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "whatever the tests of the file use")]
            use super::*;

            async fn story($test: $kind) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let test = $crate::support::Test::start($crate::support::Kind::Sqlite).await;
                story(&test).await;
                test.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let test = $crate::support::Test::start($crate::support::Kind::Postgres).await;
                story(&test).await;
                test.end().await;
            }
        }
    )*};
}
pub(crate) use both_databases;
