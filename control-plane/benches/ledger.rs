//! How many usage rows a second the ledger takes, durably: applications by a Zipf law, gateways at once.
//!
//! `cargo bench -p tallygate --bench ledger -- [DATABASE_URL] [SECONDS] [--credit]`; without a URL a SQLite file in the
//! target directory. A row is one application's minute with up to three metrics, as the filter sends it; with `--credit`
//! also the totals of its lease, which are settled and renewed.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use tallygate::db::Db;
use tallygate::ledger::{Counters, Delivery, Ledger};
use tallygate::{on, run};
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::wire::{self, CellTotalsV1, HealthV1, SyncV1, UsageRowV1, UsageV1};

const APPLICATIONS: usize = 10_000;
const GATEWAYS: usize = 16;
const BATCH_BYTES: usize = 200 * 1024;
/// Batches made beforehand for each gateway.
const MADE: usize = 8;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-ledger.db");
    let own = format!("sqlite://{}", file.display());
    let url = arguments.next().unwrap_or_else(|| {
        for suffix in ["", "-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
        own
    });
    let seconds = arguments.next().map_or(10, |text| text.parse().unwrap());
    let db = Db::connect(&url, 8).await.unwrap();
    db.migrate().await.unwrap();
    let world = World::make(&db).await;
    let ledger = Ledger::new(db.clone(), Counters::default());

    let credit = std::env::args().any(|argument| argument == "--credit");
    let mut gateways = Vec::new();
    for n in 0..GATEWAYS {
        gateways.push(tokio::spawn(gateway(
            ledger.clone(),
            world.clone(),
            n,
            Duration::from_secs(seconds),
            credit,
        )));
    }
    let began = Instant::now();
    let (mut rows, mut took) = (0, Vec::new());
    for gateway in gateways {
        let (sent, answered) = gateway.await.unwrap();
        rows += sent;
        took.extend(answered);
    }
    let elapsed = began.elapsed();
    took.sort_unstable();
    let at = |part: usize| {
        took.get(took.len() * part / 100)
            .copied()
            .unwrap_or_default()
            .as_millis()
    };
    let kind = url.split(':').next().unwrap_or_default();
    println!(
        "{kind}: {:.0} rows/s ({rows} rows in {:.1} s, {} batches, answer p50 {} ms, p99 {} ms)",
        rows as f64 / elapsed.as_secs_f64(),
        elapsed.as_secs_f64(),
        took.len(),
        at(50),
        at(99),
    );
}

#[derive(Clone)]
struct World {
    gateway: i64,
    epoch: i64,
    metrics: [i64; 3],
    applications: Vec<i64>,
    now_minute: u32,
}

impl World {
    /// One product with a limit per minute, on ten thousand applications.
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
        let mut metrics = [0; 3];
        for (n, metric) in metrics.iter_mut().enumerate() {
            *metric = id!(
                "insert into metric (product_id, system_name, friendly_name, unit, created_at, updated_at)
                 values ($1, $2, $2, 'hit', 0, 0) returning id",
                product,
                format!("metric-{n}")
            );
        }
        let plan = id!(
            "insert into plan (type, product_id, name, system_name, created_at, updated_at)
             values ('application_plan', $1, 'plan', 'plan', 0, 0) returning id",
            product
        );
        run!(tx, |c| sqlx::query(
            "insert into plan_limit (plan_id, metric_id, period, value, created_at, updated_at) values ($1, $2, 'minute', 600, 0, 0)"
        )
        .bind(plan)
        .bind(metrics[0])
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
        let now_minute = u32::try_from(tx.now_ms().await.unwrap() / 60_000).unwrap();
        tx.commit().await.unwrap();
        Self {
            gateway,
            epoch,
            metrics,
            applications,
            now_minute,
        }
    }

    /// As many rows as a batch holds; an application once, as the filter's records have it.
    fn batch(&self, random: &mut StdRng) -> (usize, Vec<UsageRowV1>) {
        let mut rows: Vec<UsageRowV1> = Vec::new();
        let mut bytes = 0;
        let mut seen = HashSet::new();
        while bytes < BATCH_BYTES && seen.len() < APPLICATIONS / 2 {
            let application = self.applications[zipf(random)];
            if !seen.insert(application) {
                continue;
            }
            let used = random.random_range(1..=3);
            let row = UsageRowV1 {
                application: ApplicationId(application),
                usage: self.metrics[..used]
                    .iter()
                    .map(|metric| UsageV1 {
                        metric: MetricId(*metric),
                        minute: self.now_minute,
                        delta: random.random_range(1..50),
                    })
                    .collect(),
                cells: Vec::new(),
            };
            bytes += wire::encode(&row).len();
            rows.push(row);
        }
        (rows.len(), rows)
    }
}

/// A rank by Zipf's law: the n-th application is called 1/n as often as the first.
fn zipf(random: &mut StdRng) -> usize {
    let most = (APPLICATIONS as f64).ln();
    let rank = (random.random_range(0.0..most)).exp() as usize;
    rank.min(APPLICATIONS) - 1
}

/// Sends one batch after the other, as soon as the one before is acknowledged.
async fn gateway(
    ledger: Ledger,
    world: World,
    n: usize,
    time: Duration,
    credit: bool,
) -> (usize, Vec<Duration>) {
    let mut random = StdRng::seed_from_u64(n as u64);
    let mut made: Vec<_> = (0..MADE).map(|_| world.batch(&mut random)).collect();
    let mut spent = HashMap::new();
    let instance: [u8; 16] = rand::random();
    let began = Instant::now();
    let (mut rows, mut took, mut seq) = (0, Vec::new(), 0);
    while began.elapsed() < time {
        seq += 1;
        let (count, rows_sent) = &mut made[seq as usize % MADE];
        if credit {
            for row in rows_sent.iter_mut() {
                let total: &mut u64 = spent.entry(row.application).or_default();
                *total += row.usage[0].delta;
                row.cells = vec![CellTotalsV1 {
                    metric: row.usage[0].metric,
                    period: Period::Minute,
                    window: u64::from(world.now_minute) * 60,
                    spent: *total,
                    returned: 0,
                }];
            }
        }
        let sync = SyncV1 {
            instance,
            epoch: world.epoch,
            seq,
            rows: wire::encode(rows_sent),
            declared: Vec::new(),
            draining: false,
            health: HealthV1::default(),
        };
        let sent = Instant::now();
        let answer = ledger
            .take(Delivery {
                gateway: world.gateway,
                sync,
            })
            .await
            .unwrap();
        assert_eq!((answer.ack, answer.rejected.len()), (seq, 0));
        took.push(sent.elapsed());
        rows += *count;
    }
    (rows, took)
}
