//! How many asks for credit are answered a second, durably, and how soon: applications by a Zipf law, many that wait.
//!
//! `cargo bench -p tallygate --bench leases -- [DATABASE_URL] [SECONDS]`; without a URL a SQLite file in the target
//! directory. First one asks after the other, then many at once.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::time::{Duration, Instant};
use tallygate::db::Db;
use tallygate::leases::live::Live;
use tallygate::leases::{Counters, Leases, Question};
use tallygate::{on, run};
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::wire::{AskV1, AskedCellV1, LeaseTotalsV1, OutcomeV1};

const APPLICATIONS: usize = 10_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-leases.db");
    let own = format!("sqlite://{}", file.display());
    let url = arguments.next().unwrap_or_else(|| {
        for suffix in ["", "-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
        own
    });
    let seconds = arguments.next().map_or(5, |text| text.parse().unwrap());
    let db = Db::connect(&url, 8).await.unwrap();
    db.migrate().await.unwrap();
    let world = World::make(&db).await;
    let leases = Leases::new(db.clone(), Live::default(), Counters::default());
    let kind = url.split(':').next().unwrap_or_default();
    for at_once in [1, 64] {
        let mut askers = Vec::new();
        for n in 0..at_once {
            let time = Duration::from_secs(seconds);
            askers.push(tokio::spawn(asker(leases.clone(), world.clone(), n, time)));
        }
        let began = Instant::now();
        let mut took = Vec::new();
        for asker in askers {
            took.extend(asker.await.unwrap());
        }
        let elapsed = began.elapsed().as_secs_f64();
        took.sort_unstable();
        let at = |part: usize| {
            let took = took.get(took.len() * part / 100).copied();
            took.unwrap_or_default().as_secs_f64() * 1_000.0
        };
        println!(
            "{kind}, {at_once} at once: {:.0} asks/s (answer p50 {:.1} ms, p99 {:.1} ms)",
            took.len() as f64 / elapsed,
            at(50),
            at(99),
        );
    }
}

#[derive(Clone)]
struct World {
    gateway: i64,
    epoch: i64,
    metric: i64,
    applications: Vec<i64>,
    now_secs: u64,
}

impl World {
    /// One product with a limit per day, on ten thousand applications.
    async fn make(db: &Db) -> Self {
        let mut tx = db.begin().await.unwrap();
        let mark: [u8; 8] = rand::random();
        let name = hex::encode(mark);
        macro_rules! id {
            ($sql:literal $(, $value:expr)*) => {
                on!(tx, |c| sqlx::query_scalar::<_, i64>($sql)$(.bind($value))*.fetch_one(c)).unwrap()
            };
        }
        let gateway = id!(
            "insert into gateway (name, environment, token_digest, created_at) values ('edge', 'production', $1, 0) returning id",
            mark.as_slice()
        );
        let product = id!(
            "insert into product (name, system_name, revision, created_at, updated_at) values ($1, $1, 1, 0, 0) returning id",
            name.as_str()
        );
        let metric = id!(
            "insert into metric (product_id, system_name, friendly_name, unit, created_at, updated_at)
             values ($1, 'hits', 'Hits', 'hit', 0, 0) returning id",
            product
        );
        let plan = id!(
            "insert into plan (type, product_id, name, system_name, created_at, updated_at)
             values ('application_plan', $1, 'plan', 'plan', 0, 0) returning id",
            product
        );
        run!(tx, |c| sqlx::query(
            "insert into plan_limit (plan_id, metric_id, period, value, created_at, updated_at) values ($1, $2, 'day', 1000000000, 0, 0)"
        )
        .bind(plan)
        .bind(metric)
        .execute(c))
        .unwrap();
        let account = id!(
            "insert into account (org_name, state, created_at, updated_at) values ('Customer', 'approved', 0, 0) returning id"
        );
        let mut applications = Vec::new();
        for _ in 0..APPLICATIONS {
            applications.push(id!(
                "insert into application (account_id, product_id, plan_id, name, state, ident, revision, created_at, updated_at)
                 values ($1, $2, $3, 'app', 'live', $4, 1, 0, 0) returning id",
                account,
                product,
                plan,
                rand::random::<[u8; 16]>().to_vec()
            ));
        }
        let epoch = id!("select epoch from ledger_epoch");
        let now_secs = tx.now_ms().await.unwrap().unsigned_abs() / 1_000;
        tx.commit().await.unwrap();
        Self {
            gateway,
            epoch,
            metric,
            applications,
            now_secs,
        }
    }
}

/// A rank by Zipf's law: the n-th application is called 1/n as often as the first.
fn zipf(random: &mut StdRng) -> usize {
    let most = (APPLICATIONS as f64).ln();
    let rank = (random.random_range(0.0..most)).exp() as usize;
    rank.min(APPLICATIONS) - 1
}

/// Asks for one more than it was granted, again and again.
async fn asker(leases: Leases, world: World, n: usize, time: Duration) -> Vec<Duration> {
    let mut random = StdRng::seed_from_u64(n as u64);
    let instance: [u8; 16] = rand::random();
    let day = Period::Day.window(world.now_secs).start;
    let mut granted = std::collections::HashMap::new();
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        let application = world.applications[zipf(&mut random)];
        let held: &mut u64 = granted.entry(application).or_default();
        let ask = AskV1 {
            instance,
            epoch: world.epoch,
            application: ApplicationId(application),
            cells: vec![AskedCellV1 {
                totals: LeaseTotalsV1 {
                    metric: MetricId(world.metric),
                    period: Period::Day,
                    window: day,
                    granted: *held,
                    spent: *held,
                    returned: 0,
                },
                need: 1,
                want: 1,
            }],
        };
        let sent = Instant::now();
        let gateway = world.gateway;
        let answer = leases.ask(Question { gateway, ask }).await.unwrap();
        took.push(sent.elapsed());
        assert_eq!(answer.outcome, OutcomeV1::Granted);
        *held = answer.cells[0].totals.granted;
    }
    took
}
