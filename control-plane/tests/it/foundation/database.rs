//! The schema on both databases, transactions and revisions.

use crate::support::database::TestDatabase;
use crate::support::{Kind, Test, both_databases};
use sqlx::Row as _;
use std::collections::BTreeMap;
use tallygate::db::Handle;
use tallygate::{on, run};

/// Table → columns in order, with whether they may be null.
type Columns = BTreeMap<String, Vec<(String, bool)>>;

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let sqlite = columns(Kind::Sqlite).await;
    let postgres = columns(Kind::Postgres).await;
    assert!(sqlite.len() > 20, "{sqlite:?}");
    for (table, columns) in &sqlite {
        assert_eq!(Some(columns), postgres.get(table), "table {table}");
    }
    assert_eq!(
        sqlite.keys().collect::<Vec<_>>(),
        postgres.keys().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn postgres_ends_what_takes_too_long() {
    let database = TestDatabase::empty(Kind::Postgres).await;
    let db = database.connect().await;
    let mut tx = db.begin().await.unwrap();
    for (setting, value) in [
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ] {
        let Handle::Postgres(c) = tx.handle() else {
            unreachable!()
        };
        let shown: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(c)
            .await
            .unwrap();
        assert_eq!(shown, value, "{setting}");
    }
    tx.take_time().await.unwrap();
    if let Handle::Postgres(c) = tx.handle() {
        let shown: String = sqlx::query_scalar("select current_setting('statement_timeout')")
            .fetch_one(c)
            .await
            .unwrap();
        assert_eq!(shown, "0");
    }
    drop(tx);
    db.close().await;
    database.remove().await;
}

async fn columns(kind: Kind) -> Columns {
    let database = TestDatabase::empty(kind).await;
    let db = database.connect().await;
    db.migrate().await.unwrap();
    // Again: nothing to do is no error.
    db.migrate().await.unwrap();
    db.check_schema().await.unwrap();
    let mut columns = Columns::new();
    let mut add = |table: String, column: String, nullable: bool| {
        columns.entry(table).or_default().push((column, nullable));
    };
    match db.handle() {
        Handle::Sqlite(pool) => {
            let sql = "select t.name, c.name, c.\"notnull\" = 0 and c.pk = 0
                from sqlite_schema t join pragma_table_info(t.name) c
                where t.type = 'table' and t.name not like 'sqlite%' and t.name not like '\\_sqlx%' escape '\\'
                order by t.name, c.cid";
            for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
                add(row.get(0), row.get(1), row.get(2));
            }
        }
        Handle::Postgres(pool) => {
            let sql = "select table_name::text, column_name::text, is_nullable = 'YES'
                from information_schema.columns
                where table_schema = 'public' and table_name <> '_sqlx_migrations'
                order by table_name, ordinal_position";
            for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
                add(row.get(0), row.get(1), row.get(2));
            }
        }
    }
    db.close().await;
    database.remove().await;
    columns
}

async fn names(t: &Test) -> Vec<String> {
    on!(t.app.db, |c| sqlx::query_scalar(
        "select name from setting where name like 'test%' order by name"
    )
    .fetch_all(c))
    .unwrap()
}

async fn insert(tx: &mut tallygate::db::Tx, name: &str) -> Result<u64, sqlx::Error> {
    run!(tx, |c| sqlx::query(
        "insert into setting (name, value) values ($1, '')"
    )
    .bind(name)
    .execute(c))
}

both_databases! {
    async fn transactions_are_all_or_nothing(t: &Test) {
        let mut tx = t.app.db.begin().await.unwrap();
        assert_eq!(insert(&mut tx, "test dropped").await.unwrap(), 1);
        drop(tx);
        let mut tx = t.app.db.begin().await.unwrap();
        insert(&mut tx, "test committed").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(names(t).await, ["test committed"]);
        let mut tx = t.app.db.begin().await.unwrap();
        let error: tallygate::error::Error = insert(&mut tx, "test committed").await.unwrap_err().into();
        assert!(error.is_duplicate(), "{error:?}");
    }

    async fn reads_see_one_state_throughout(t: &Test) {
        let mut read = t.app.db.read().await.unwrap();
        let before: i64 = on!(read, |c| sqlx::query_scalar("select n from revision").fetch_one(c)).unwrap();
        let mut tx = t.app.db.begin().await.unwrap();
        assert_eq!(tx.next_revision().await.unwrap(), before + 1);
        assert_eq!(tx.next_revision().await.unwrap(), before + 1, "one revision per transaction");
        tx.commit().await.unwrap();
        let still: i64 = on!(read, |c| sqlx::query_scalar("select n from revision").fetch_one(c)).unwrap();
        assert_eq!(still, before);
        assert!(insert(&mut read, "test read-only").await.is_err());
    }

    async fn commits_wake_whoever_waits_for_revisions(t: &Test) {
        let mut here = t.app.db.revisions();
        let elsewhere = t.database.connect().await;
        let mut there = elsewhere.revisions();
        let follower = tokio::spawn(elsewhere.clone().follow());
        let mut tx = t.app.db.begin().await.unwrap();
        let revision = tx.next_revision().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(*here.wait_for(|n| *n >= revision).await.unwrap(), revision);
        assert_eq!(*there.wait_for(|n| *n >= revision).await.unwrap(), revision);
        follower.abort();
        elsewhere.close().await;
    }

    async fn the_clock_is_the_databases(t: &Test) {
        let ours = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        let theirs = t.app.db.now_ms().await.unwrap();
        assert!((ours - theirs).abs() < 60_000, "{ours} {theirs}");
    }
}
