//! Random batches with random faults against the plainest ledger there is.

use super::world::{
    Gateway, Product, Sums, applications, delivery, epoch, gateway, now_minute, product,
    sums_by_application, sums_by_product, usage,
};
use crate::support::{Test, both_databases};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tallygate::series::Series;
use tallygate_core::wire::{SyncV1, UsageRowV1};

/// What must come out: every batch once.
#[derive(Default)]
struct Model {
    by_application: Sums,
    by_product: Sums,
}

impl Model {
    fn add(&mut self, rows: &[UsageRowV1], product_of: impl Fn(i64) -> i64) {
        for row in rows {
            for usage in row.usage.iter().filter(|usage| usage.delta > 0) {
                for series in Series::ALL {
                    let start = series.window_start(u64::from(usage.minute) * 60);
                    let key = |owner| (owner, usage.metric.0, series.as_str().to_owned(), start);
                    let delta = i64::try_from(usage.delta).unwrap();
                    *self
                        .by_application
                        .entry(key(row.application.0))
                        .or_default() += delta;
                    *self
                        .by_product
                        .entry(key(product_of(row.application.0)))
                        .or_default() += delta;
                }
            }
        }
    }
}

/// A gateway process: the batch it has sealed, sent until acknowledged.
struct Process {
    instance: u8,
    gateway: Gateway,
    seq: u64,
    rows: Vec<UsageRowV1>,
}

impl Process {
    fn delivery(&self, epoch: i64) -> SyncV1 {
        delivery(self.instance, epoch, self.seq, &self.rows)
    }
}

both_databases! {
    async fn sums_are_those_of_a_plain_ledger(test: &Test) {
        for seed in 0..3 {
            run(test, seed).await;
        }
    }
}

async fn run(test: &Test, seed: u64) {
    let db = &test.app.db;
    let mut random = StdRng::seed_from_u64(seed);
    let products = [
        product(db, &format!("shop-{seed}")).await,
        product(db, &format!("mail-{seed}")).await,
    ];
    let mut apps: Vec<(i64, Product)> = Vec::new();
    for product in products {
        apps.extend(
            applications(db, product, 4)
                .await
                .into_iter()
                .map(|app| (app, product)),
        );
    }
    let (epoch, now) = (epoch(db).await, now_minute(db).await);
    let mut model = Model {
        by_application: sums_by_application(db).await,
        by_product: sums_by_product(db).await,
    };
    let mut processes = Vec::new();
    for n in 0..4_u8 {
        processes.push(Process {
            instance: u8::try_from(seed).unwrap() * 10 + n,
            gateway: gateway(db, "production").await,
            seq: 0,
            rows: Vec::new(),
        });
    }
    for _ in 0..25 {
        for process in &mut processes {
            process.seq += 1;
            process.rows = (0..random.random_range(0..6))
                .map(|_| row(&mut random, &apps, now))
                .collect();
            let product_of = |app| apps.iter().find(|(id, _)| *id == app).unwrap().1.id;
            model.add(&process.rows, product_of);
        }
        // All at once, each sent a random number of times, some while others are under way.
        let mut calls = Vec::new();
        for process in &processes {
            for _ in 0..random.random_range(1..4) {
                calls.push(process.gateway.sync(test, process.delivery(epoch)));
            }
        }
        if random.random_bool(0.3) {
            // The callers go away in the middle of it, and ask again.
            let give_up = std::time::Duration::from_micros(random.random_range(0..3000));
            for call in calls {
                let _gone = tokio::time::timeout(give_up, call).await;
            }
        } else {
            for call in calls {
                call.await.unwrap();
            }
        }
        for process in &processes {
            let answer = process
                .gateway
                .sync(test, process.delivery(epoch))
                .await
                .unwrap();
            assert_eq!(
                (answer.ack, answer.rejected),
                (process.seq, vec![]),
                "seed {seed}"
            );
        }
    }
    assert_eq!(
        sums_by_application(db).await,
        model.by_application,
        "seed {seed}"
    );
    assert_eq!(sums_by_product(db).await, model.by_product, "seed {seed}");
}

fn row(random: &mut StdRng, apps: &[(i64, Product)], now: u32) -> UsageRowV1 {
    let (app, product) = apps[random.random_range(0..apps.len())];
    let used: Vec<(i64, u32, u64)> = (0..random.random_range(0..5))
        .map(|_| {
            let metric = if random.random_bool(0.5) {
                product.hits
            } else {
                product.method
            };
            let back = match random.random_range(0..3) {
                0 => random.random_range(0..3),
                1 => random.random_range(0..3000),
                _ => random.random_range(0..500_000),
            };
            (metric, now - back, random.random_range(0..1000))
        })
        .collect();
    usage(app, &used)
}
