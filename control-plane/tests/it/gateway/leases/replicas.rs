//! Two control planes on one database, and many gateways that want the same cells at the same time.

use super::process::Process;
use super::stage::{Stage, credits, now_secs, recalls, stage, wrong_accounts};
use crate::gateway::world::{application, now_minute, total, usage};
use crate::support::{Test, both_databases};
use axum::extract::State;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tallygate::app::App;
use tallygate::config::Config;
use tallygate::db::Handle;
use tallygate::leases::Question;
use tallygate::ledger::Delivery;
use tallygate::secrets::Secrets;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period::{self, Eternity, Month};
use tallygate_core::wire::{CellTotalsV1, OutcomeV1, SyncV1};
use tokio::task::JoinSet;

/// What happens to one lease, at a replica chosen anew each time.
pub(super) struct Actor {
    pub(super) replicas: Vec<App>,
    pub(super) process: Process,
    pub(super) random: StdRng,
    pub(super) admitted: Arc<AtomicU64>,
}

both_databases! {
    async fn one_cell_is_never_granted_beyond_its_limit(test: &Test) {
        let limit = 500;
        let stage = stage(test, &[(Eternity, limit)]).await;
        let admitted = Arc::new(AtomicU64::new(0));
        let mut actors = JoinSet::new();
        let replicas = replicas(test).await;
        for name in 1..=8 {
            let mut actor = Actor {
                replicas: replicas.clone(),
                process: stage.process(name, Eternity),
                random: StdRng::seed_from_u64(u64::from(name)),
                admitted: Arc::clone(&admitted),
            };
            actors.spawn(async move {
                for _ in 0..60 {
                    actor.act().await;
                }
                actor.finish().await;
            });
        }
        // From a third connection, the account is right at every moment.
        let watch = test.database.connect().await;
        while !actors.is_empty() {
            tokio::select! {
                done = actors.join_next() => done.unwrap().unwrap(),
                wrong = wrong_accounts(&watch) => assert_eq!(wrong, vec![]),
            }
        }
        let used = total(&watch, stage.app, stage.shop.hits).await.unsigned_abs();
        assert_eq!(used, admitted.load(Relaxed));
        assert!(used <= limit.unsigned_abs(), "{used}");
        assert!(used >= 400, "others' credit is found: {used}");
        let row = stage.cell(&watch, Eternity, 0).await;
        assert_eq!((row.used.unsigned_abs(), row.leased), (used, 0));
        none_got_in_the_way(&replicas).await;
        watch.close().await;
    }

    async fn new_cells_that_many_want_at_once_are_made_once(test: &Test) {
        let stage = stage(test, &[(Eternity, 1_000), (Month, 1_000), (Period::Day, 1_000)]).await;
        let replicas = replicas(test).await;
        let mut calls = JoinSet::new();
        for name in 1..=12_u8 {
            let app = replicas[usize::from(name) % replicas.len()].clone();
            let mut process = stage.process(name, Month);
            let window = process.window(test).await;
            let day = Period::Day.window(now_secs(&test.app.db).await).start;
            let mut cells = vec![(Eternity, 0, 2), (Month, window, 2), (Period::Day, day, 2)];
            if name % 2 == 0 {
                cells.reverse();
            }
            let question = Question { gateway: stage.edge.id, ask: stage.ask(name, &cells) };
            process.seq = 0;
            let batch = process.batch(test, 1).await;
            let (gateway, epoch) = (stage.edge.id, stage.epoch);
            calls.spawn(async move {
                let sync = SyncV1 { epoch, ..batch };
                let (asked, reported) = tokio::join!(
                    app.gateways.leases().ask(question),
                    app.gateways.ledger().take(Delivery { gateway, sync }),
                );
                assert_eq!(reported.unwrap().ack, 1);
                asked.unwrap().outcome
            });
        }
        assert!(calls.join_all().await.into_iter().all(|outcome| outcome == OutcomeV1::Granted));
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
        let row = stage.cell(&test.app.db, Eternity, 0).await;
        assert_eq!((row.used, row.leased), (12, 24));
        none_got_in_the_way(&replicas).await;
    }

    async fn many_applications_in_opposite_orders(test: &Test) {
        let stage = stage(test, &[(Eternity, 100_000), (Month, 100_000)]).await;
        let replicas = replicas(test).await;
        let mut tx = test.app.db.begin().await.unwrap();
        let mut apps = vec![stage.app];
        for n in 0..20 {
            apps.push(application(&mut tx, stage.shop, &format!("more-{n}"), "key").await);
        }
        tx.commit().await.unwrap();
        let mut calls = JoinSet::new();
        for name in 1..=6_u8 {
            let (app, stage, mut apps) = (replicas[usize::from(name) % replicas.len()].clone(), stage.clone(), apps.clone());
            if name % 2 == 0 {
                apps.reverse();
            }
            let month = Month.window(now_secs(&test.app.db).await).start;
            let process = stage.process(name, Month);
            let minute = now_minute(&test.app.db).await;
            calls.spawn(async move {
                for seq in 1..=5 {
                    let mut rows = Vec::new();
                    for of in &apps {
                        let mut ask = stage.ask(name, &[(Month, month, 5 * seq), (Eternity, 0, 5 * seq)]);
                        ask.application = ApplicationId(*of);
                        app.gateways.leases().ask(Question { gateway: stage.edge.id, ask }).await.unwrap();
                        let mut row = usage(*of, &[(stage.shop.hits, minute, 3)]);
                        row.cells = [(Month, month), (Eternity, 0)].map(|(period, window)| CellTotalsV1 {
                            metric: MetricId(stage.shop.hits), period, window, spent: 3 * seq, returned: 0,
                        }).to_vec();
                        rows.push(row);
                    }
                    let mut process = process.clone();
                    process.seq = seq;
                    let sync = process.delivery(&rows);
                    let answer = app.gateways.ledger().take(Delivery { gateway: stage.edge.id, sync }).await.unwrap();
                    assert_eq!((answer.ack, answer.rejected), (seq, vec![]));
                }
            });
        }
        calls.join_all().await;
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
        for app in apps {
            assert_eq!(total(&test.app.db, app, stage.shop.hits).await, 6 * 5 * 3);
        }
        none_got_in_the_way(&replicas).await;
    }
}

impl Actor {
    /// Asks, spends, reports, or says hello; answers are lost now and then.
    pub(super) async fn act(&mut self) {
        match self.random.random_range(0..10) {
            0..=4 => {
                let need = self.random.random_range(1..4);
                if self.process.left() < need {
                    self.ask(need, 0.8).await;
                }
                if self.process.left() >= need {
                    self.process.spend(need);
                    self.admitted.fetch_add(need, Relaxed);
                }
            }
            5..=8 => {
                self.report().await;
            }
            _ => {
                let sync = self.process.delivery(&[]);
                self.sync(sync).await;
            }
        }
    }

    /// Reports all, learns of all that it was granted, and returns what is left.
    pub(super) async fn finish(&mut self) {
        self.report().await;
        self.ask(0, 1.0).await;
        self.process.returned += self.process.left();
        self.report().await;
    }

    fn replica(&mut self) -> App {
        let n = self.random.random_range(0..self.replicas.len());
        self.replicas[n].clone()
    }

    async fn ask(&mut self, need: u64, received: f64) {
        let stage: &Stage = &self.process.stage;
        let mut ask = stage.ask(self.process.name, &[(Eternity, 0, need)]);
        ask.cells[0].totals.granted = self.process.granted;
        ask.cells[0].totals.spent = self.process.spent;
        ask.cells[0].totals.returned = self.process.returned;
        let gateway = stage.edge.id;
        let replica = self.replica();
        let answer = replica
            .gateways
            .leases()
            .ask(Question { gateway, ask })
            .await
            .unwrap();
        if self.random.random_bool(received) {
            self.process.apply(&answer.cells[0].totals);
        }
    }

    /// Reports all that was spent and not yet reported: usage is what the totals have grown by.
    async fn report(&mut self) {
        let used = self.process.spent - self.process.reported;
        self.process.reported = self.process.spent;
        self.process.seq += 1;
        let minute = u32::try_from(self.replicas[0].db.now_ms().await.unwrap() / 60_000).unwrap();
        let stage = self.process.stage.clone();
        let mut row = usage(stage.app, &[(stage.shop.hits, minute, used)]);
        row.cells = vec![CellTotalsV1 {
            metric: MetricId(stage.shop.hits),
            period: Eternity,
            window: 0,
            spent: self.process.spent,
            returned: self.process.returned,
        }];
        let batch = self.process.delivery(&[row]);
        if self.random.random_bool(0.3) {
            // The answer is lost: the same again.
            let replica = self.replica();
            let gateway = stage.edge.id;
            let sync = batch.clone();
            replica
                .gateways
                .ledger()
                .take(Delivery { gateway, sync })
                .await
                .unwrap();
        }
        self.sync(batch).await;
    }

    async fn sync(&mut self, sync: SyncV1) {
        let (seq, gateway) = (self.process.seq, self.process.stage.edge.id);
        let replica = self.replica();
        let answer = replica
            .gateways
            .ledger()
            .take(Delivery { gateway, sync })
            .await
            .unwrap();
        assert_eq!(answer.ack, seq);
        for told in credits(&answer).values() {
            self.process.apply(&told.totals);
        }
        for recall in recalls(&answer).values() {
            self.process.apply(recall);
            self.process.returned += self.process.left();
        }
    }
}

/// No group failed: a deadlock would have been healed by trying again, and show here.
pub(super) async fn none_got_in_the_way(replicas: &[App]) {
    for app in replicas {
        let metrics = tallygate::ops::metrics(State(app.clone())).await.unwrap();
        let bytes = axum::body::to_bytes(metrics.into_body(), usize::MAX)
            .await
            .unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        for counter in [
            "usage_groups_retried",
            "lease_groups_retried",
            "agent_groups_retried",
        ] {
            assert!(
                text.contains(&format!("tallygate_{counter}_total 0\n")),
                "{text}"
            );
        }
    }
}

/// This server, and on PostgreSQL another one: a SQLite file has one server.
pub(super) async fn replicas(test: &Test) -> Vec<App> {
    let mut replicas = vec![test.app.clone()];
    if matches!(test.app.db.handle(), Handle::Postgres(_)) {
        let config = Config {
            portal_url: test.portal.clone(),
            admin_url: test.admin.clone(),
            staging_gateway: None,
            production_gateway: None,
            webhooks_private: false,
            trusted_proxies: 0,
            sign_in_private: true,
            smtp_url: None,
            mail_from: None,
        };
        let db = test.database.connect().await;
        replicas.push(App::new(db, config, Secrets::new(&[7; 32])));
    }
    replicas
}
