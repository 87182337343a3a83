//! End to end, one story a file: a real Envoy with two workers and the real filter, a real control plane, a real
//! upstream. The key stories are told on SQLite and on PostgreSQL.

mod first_request;
mod limits;
mod walkthrough;

mod changes;
mod files;
mod integration_test;
mod keys;
mod one_more_gateway;
mod tokens;

mod backends;
mod listener_updates;
mod outage;
mod stop;
mod trap;

mod faults;
mod fleet;

mod hostile;

mod demo;
mod portal;

/// Tells a story once on SQLite and once on PostgreSQL.
macro_rules! on_both_databases {
    ($story:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn sqlite() -> anyhow::Result<()> {
            $story(tallygate_tests::database::Kind::Sqlite).await
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() -> anyhow::Result<()> {
            $story(tallygate_tests::database::Kind::Postgres).await
        }
    };
}
pub(crate) use on_both_databases;
