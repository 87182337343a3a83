//! How long a fresh gateway's full load takes the control plane: all pages of a million applications.
//!
//! `cargo bench -p tallygate --bench snapshot -- [DATABASE_URL] [APPLICATIONS]`; without a URL a SQLite file in
//! the target directory. The database must be empty.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

use std::time::Instant;
use tallygate::db::{Db, Handle};
use tallygate::gateway_api::Form;
use tallygate::publish::{self, ApplicationCount, Environment};
use tallygate::run;
use tallygate::secrets::Secrets;
use tallygate_core::wire::{Cursor, PAGE_BYTES, Snapshot};

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-snapshot.db");
    let own = format!("sqlite://{}", file.display());
    let url = arguments.next().unwrap_or_else(|| {
        for suffix in ["", "-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
        own
    });
    let applications: i64 = arguments
        .next()
        .map_or(1_000_000, |text| text.parse().unwrap());
    let db = Db::connect(&url, 4).await.unwrap();
    db.migrate().await.unwrap();
    fill(&db, applications).await;

    let secrets = Secrets::new(&[7; 32]);
    let count = ApplicationCount::default();
    let began = Instant::now();
    let (mut cursor, mut read, mut bytes, mut pages) = (Cursor::default(), 0, 0, 0);
    let mut slowest = std::time::Duration::ZERO;
    loop {
        let asked = Instant::now();
        let page = publish::page(
            &db,
            &secrets,
            &count,
            Environment::Production,
            cursor,
            Form::Compact,
            PAGE_BYTES,
        )
        .await
        .unwrap();
        (cursor, read, pages) = (page.next, read + page.applications.len(), pages + 1);
        let complete = page.complete;
        bytes += Form::Compact.write(&Snapshot::V2(page)).len();
        slowest = slowest.max(asked.elapsed());
        if complete {
            break;
        }
    }
    assert_eq!(i64::try_from(read).unwrap(), applications);
    let kind = url.split(':').next().unwrap_or_default();
    println!(
        "{kind}: {read} applications in {:.2} s ({pages} pages, {} MB, slowest page {} ms)",
        began.elapsed().as_secs_f64(),
        bytes / 1_000_000,
        slowest.as_millis(),
    );
}

/// One product, and applications of a thousand accounts with a key each, all of one revision.
async fn fill(db: &Db, applications: i64) {
    let mut tx = db.begin().await.unwrap();
    for sql in [
        "insert into product (id, name, system_name, revision, created_at, updated_at) values (1, 'a', 'a', 1, 0, 0)",
        "insert into plan (id, type, product_id, name, system_name, created_at, updated_at)
         values (1, 'application_plan', 1, 'a', 'a', 0, 0)",
    ] {
        run!(tx, |c| sqlx::query(sql).execute(c)).unwrap();
    }
    let (numbers, random) = match tx.handle() {
        Handle::Sqlite(_) => (
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < $1) ",
            "randomblob(16)",
        ),
        Handle::Postgres(_) => (
            "with n (i) as (select generate_series(1, $1)) ",
            "decode(md5(i::text || $1), 'hex')",
        ),
    };
    for (rows, insert) in [
        (
            1000,
            "insert into account (id, org_name, state, created_at, updated_at) select i, 'a', 'approved', 0, 0 from n",
        ),
        (
            applications,
            "insert into application (id, account_id, product_id, plan_id, name, state, app_id, ident, revision, created_at, updated_at)
             select i, 1 + i % 1000, 1, 1, 'app', 'live', 'app', RANDOM, 1, 0, 0 from n",
        ),
        (
            applications,
            "insert into application_key (application_id, digest, created_at, updated_at) select i, RANDOM, 0, 0 from n",
        ),
    ] {
        let sql = match insert.split_once(" select ") {
            Some((into, rest)) => {
                format!("{into} {numbers} select {}", rest.replace("RANDOM", random))
            }
            None => insert.to_owned(),
        };
        run!(tx, |c| sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
            .bind(rows)
            .execute(c))
        .unwrap();
    }
    tx.commit().await.unwrap();
}
