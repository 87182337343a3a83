//! Random asks, reports, recalls and changes of limits, against the plainest account there is.

use super::process::Process;
use super::stage::{Stage, credits, recalls, stage};
use crate::gateway::world::{execute, sql, total};
use crate::support::{Test, both_databases};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use tallygate::db::Tx;
use tallygate::on;
use tallygate_core::period::Period::Eternity;
use tallygate_core::wire::OutcomeV1;

/// What must be so, kept beside the database.
#[derive(Debug, Default)]
struct Model {
    limit: i64,
    used: i64,
    /// Granted, spent and returned as reported, by process.
    leases: BTreeMap<u8, (i64, i64, i64)>,
}

impl Model {
    fn leased(&self) -> i64 {
        self.leases
            .values()
            .map(|(granted, spent, returned)| granted - spent - returned)
            .sum()
    }

    /// What the ledger says was granted must have been free. Returns what there was more than before.
    fn grant(&mut self, name: u8, granted: u64) -> i64 {
        let room = self.limit - self.used - self.leased();
        let lease = self.leases.entry(name).or_default();
        let more = i64::try_from(granted).unwrap() - lease.0;
        assert!(more >= 0, "a total never falls");
        assert!(
            more == 0 || more <= room,
            "{more} granted where {room} were free: {self:?}"
        );
        self.leases.entry(name).or_default().0 += more;
        more
    }
}

both_databases! {
    async fn the_account_is_that_of_a_plain_model(test: &Test) {
        for seed in 0..6 {
            run(test, seed).await;
        }
    }
}

async fn run(test: &Test, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let limit = *[1, 7, 40, 300].get(random.random_range(0..4)).unwrap();
    let stage = stage(test, &[(Eternity, limit)]).await;
    let mut model = Model {
        limit,
        ..Model::default()
    };
    let first = u8::try_from(seed).unwrap() * 10;
    let mut processes: Vec<Process> = (1..=4)
        .map(|n| stage.process(first + n, Eternity))
        .collect();
    for step in 0..120 {
        let process = {
            let n = random.random_range(0..processes.len());
            &mut processes[n]
        };
        match random.random_range(0..20) {
            0..=7 => {
                let need = random.random_range(1..6);
                if process.left() < need {
                    ask(test, &mut model, process, need).await;
                }
                if process.left() >= need {
                    process.spend(need);
                }
            }
            8..=15 => report(test, &mut model, process, random.random_bool(0.2)).await,
            16 => {
                model.limit = (model.limit + random.random_range(-5..6)).max(0);
                let mut tx = test.app.db.begin().await.unwrap();
                tx.next_revision().await.unwrap();
                tx.hold_limits().await.unwrap();
                sql!(
                    &mut tx,
                    "update plan_limit set value = $1 where plan_id = $2",
                    model.limit,
                    stage.shop.plan
                );
                tx.commit().await.unwrap();
            }
            17 => test.app.db.pass_time(random.random_range(0..6_000)),
            18 => {
                // Its answer was lost.
                let mut deaf = process.clone();
                let answer = deaf.ask(test, 1).await;
                model.grant(process.name, answer.cells[0].totals.granted);
            }
            _ => report(test, &mut model, process, false).await,
        }
        check(test, &stage, &model, seed, step).await;
    }
    execute(
        &test.app.db,
        "update plan_limit set value = 1000000 where plan_id = $1",
        stage.shop.plan,
    )
    .await;
    model.limit = 1_000_000;
    for process in &mut processes {
        let told = process.ask(test, 1).await;
        assert_eq!(
            told.outcome,
            OutcomeV1::Granted,
            "no credit has gone astray"
        );
        model.grant(process.name, told.cells[0].totals.granted);
        report(test, &mut model, process, false).await;
    }
    check(test, &stage, &model, seed, 1_000).await;
    let spent: u64 = processes.iter().map(|process| process.spent).sum();
    assert_eq!(
        total(&test.app.db, stage.app, stage.shop.hits)
            .await
            .unsigned_abs(),
        spent
    );
}

async fn ask(test: &Test, model: &mut Model, process: &mut Process, need: u64) {
    let room = model.limit - model.used - model.leased();
    let lack = i64::try_from(need - process.left()).unwrap();
    let answer = process.ask(test, need).await;
    let more = model.grant(process.name, answer.cells[0].totals.granted);
    match answer.outcome {
        OutcomeV1::Granted => assert!(more >= lack || process.left() >= need, "{answer:?}"),
        OutcomeV1::Short => {
            assert_eq!(more, 0);
            // Unless it is kept for somebody, what is free is given.
            let told = answer.cells[0];
            assert!(
                told.elsewhere || lack > room,
                "{lack} refused where {room} were free: {answer:?}"
            );
        }
        OutcomeV1::Later => panic!("{answer:?}"),
    }
}

async fn report(test: &Test, model: &mut Model, process: &mut Process, lost: bool) {
    let used = process.spent - process.reported;
    process.reported = process.spent;
    let batch = process.batch(test, used).await;
    let (spent, returned) = (process.spent as i64, process.returned as i64);
    if lost {
        let answer = process.stage.edge.sync(test, batch.clone()).await.unwrap();
        settle(model, process.name, used, spent, returned);
        note(model, process, &answer, false);
        let answer = process.stage.edge.sync(test, batch).await.unwrap();
        note(model, process, &answer, true);
    } else {
        let answer = process.stage.edge.sync(test, batch).await.unwrap();
        settle(model, process.name, used, spent, returned);
        note(model, process, &answer, true);
    }
}

fn settle(model: &mut Model, name: u8, used: u64, spent: i64, returned: i64) {
    model.used += used as i64;
    let lease = model.leases.entry(name).or_default();
    (lease.1, lease.2) = (spent, returned);
}

/// Takes credits and recalls; of an answer that was lost only the ledger knows.
fn note(
    model: &mut Model,
    process: &mut Process,
    answer: &tallygate_core::wire::SyncAnswerV1,
    received: bool,
) {
    for told in credits(answer).values() {
        model.grant(process.name, told.totals.granted);
        if received {
            process.apply(&told.totals);
        }
    }
    if received {
        for recall in recalls(answer).values() {
            process.apply(recall);
            process.returned += process.left();
        }
    }
}

async fn check(test: &Test, stage: &Stage, model: &Model, seed: u64, step: u32) {
    let db = &test.app.db;
    let (used, leased): (i64, i64) = on!(db, |c| sqlx::query_as(
        "select coalesce(max(used), 0), coalesce(max(leased), 0) from cell where application_id = $1"
    )
    .bind(stage.app)
    .fetch_one(c))
    .unwrap();
    assert_eq!(
        (used, leased),
        (model.used, model.leased()),
        "seed {seed}, step {step}"
    );
    for (name, lease) in &model.leases {
        let kept = stage.lease(db, *name, Eternity).await.unwrap_or_default();
        assert_eq!(kept, *lease, "seed {seed}, step {step}, process {name}");
    }
}
