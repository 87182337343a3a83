//! Agents and gateways on the same cells: never beyond the limit together, and what one holds is found for the other.

use super::replicas::{Actor, none_got_in_the_way, replicas};
use super::stage::{Stage, now_secs, stage, wrong_accounts};
use crate::gateway::world::{sql, total};
use crate::support::client::{Reply, send, with_query};
use crate::support::{Test, both_databases};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tallygate::app::App;
use tallygate::charges::{Charge, Line, Outcome, What};
use tallygate::db::Tx;
use tallygate::service_tokens;
use tallygate_core::id::MetricId;
use tallygate_core::metric::Usage;
use tallygate_core::period::Period::{self, Day, Eternity, Minute};
use tallygate_core::wire::OutcomeV1;
use tokio::task::JoinSet;

/// An agent's call for `hits`, as `authrep` or `authorize`.
async fn call(t: &Test, stage: &Stage, verb: &str, usage: u64) -> Reply {
    let mut tx = t.app.db.begin().await.unwrap();
    service_tokens::ensure(&mut tx, &t.app.secrets, stage.shop.id)
        .await
        .unwrap();
    let token = service_tokens::current(&mut tx, &t.app.secrets, stage.shop.id)
        .await
        .unwrap()
        .unwrap();
    sql!(
        &mut tx,
        "update product set backend_version = '2' where id = $1",
        stage.shop.id
    );
    tx.commit().await.unwrap();
    let pairs = [
        ("service_token", token.reveal().to_owned()),
        ("service_id", stage.shop.id.to_string()),
        ("app_id", format!("app-{}-0", stage.shop.id)),
        ("app_key", "key-0".to_owned()),
        ("usage[hits]", usage.to_string()),
    ];
    let path = with_query(&format!("/transactions/{verb}.xml"), &pairs);
    send(t.request(Method::GET, &path)).await
}

async fn admit(app: &App, stage: &Stage, usage: u64) -> Outcome {
    let usage: Usage = [(MetricId(stage.shop.hits), usage)].into_iter().collect();
    let charge = Charge {
        what: What::Admit(stage.app, usage),
        once: None,
    };
    app.charges.take(charge).await.unwrap()
}

both_databases! {
    async fn an_agent_finds_what_a_gateway_holds_and_the_other_way_round(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let db = &test.app.db;
        let mut gateway = stage.process(1, Eternity);
        gateway.get(test, 8).await;
        call(test, &stage, "authrep", 2).await.expect(200);
        let row = stage.cell(db, Eternity, 0).await;
        assert_eq!((row.used, row.leased), (2, 8));
        // The rest is held: refused for a moment, and asked for.
        let short = call(test, &stage, "authrep", 1).await.expect(409);
        assert_eq!(short.headers["retry-after"], "1");
        assert!(short.text.contains("usage limits are exceeded"), "{}", short.text);
        gateway.report(test, 3).await;
        assert_eq!((gateway.spent, gateway.returned), (3, 5), "it was recalled, and returns what is left");
        gateway.report(test, 0).await;
        let row = stage.cell(db, Eternity, 0).await;
        assert_eq!((row.used, row.leased), (5, 0));
        // What came back is kept for the agents a moment, who were short first.
        gateway.refused(test, 5).await;
        call(test, &stage, "authrep", 1).await.expect(200);
        gateway.get(test, 4).await;
        let full = call(test, &stage, "authrep", 5).await.expect(409);
        assert_eq!(full.headers.get("retry-after"), None, "6 are used: the 4 others hold are not enough");
        assert_eq!(wrong_accounts(db).await, vec![]);
        assert_eq!(total(db, stage.app, stage.shop.hits).await, 6);
    }

    async fn to_foresee_recalls_too_and_takes_nothing(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let db = &test.app.db;
        let mut gateway = stage.process(1, Eternity);
        gateway.get(test, 10).await;
        let short = call(test, &stage, "authorize", 4).await.expect(409);
        assert_eq!(short.headers["retry-after"], "1");
        gateway.report(test, 2).await;
        gateway.report(test, 0).await;
        for _ in 0..2 {
            call(test, &stage, "authorize", 8).await.expect(200);
        }
        call(test, &stage, "authorize", 9).await.expect(409);
        let row = stage.cell(db, Eternity, 0).await;
        assert_eq!((row.used, row.leased), (2, 0));
        call(test, &stage, "authrep", 8).await.expect(200);
        gateway.refused(test, 1).await;
    }

    async fn what_agents_report_takes_from_what_gateways_may_be_granted(test: &Test) {
        let stage = stage(test, &[(Eternity, 10), (Day, 100)]).await;
        let db = &test.app.db;
        let usage: Usage = [(MetricId(stage.shop.hits), 7)].into_iter().collect();
        let line = Line { application: stage.app, at_secs: now_secs(db).await, usage };
        let charge = Charge { what: What::Count(vec![line]), once: None };
        test.app.charges.take(charge).await.unwrap();
        let mut gateway = stage.process(1, Eternity);
        gateway.refused(test, 4).await;
        gateway.get(test, 3).await;
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn while_limits_change_or_a_restore_is_waited_out_nothing_is_admitted(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let db = &test.app.db;
        admit(&test.app, &stage, 1).await;
        let mut tx = db.begin().await.unwrap();
        sql!(&mut tx, "update ledger_epoch set grace_until = $1", db.now_ms().await.unwrap() + 20_000);
        tx.commit().await.unwrap();
        call(test, &stage, "authrep", 1).await.expect(503);
        db.pass_time(21_000);
        call(test, &stage, "authrep", 1).await.expect(200);
        assert_eq!(total(db, stage.app, stage.shop.hits).await, 2);
    }

    async fn a_limit_that_is_new_knows_what_was_used_before(test: &Test) {
        let stage = stage(test, &[]).await;
        let db = &test.app.db;
        for _ in 0..3 {
            admit(&test.app, &stage, 2).await;
        }
        let mut tx = db.begin().await.unwrap();
        crate::gateway::world::limit(&mut tx, stage.shop.plan, stage.shop.hits, "day", 8).await;
        tx.commit().await.unwrap();
        let short = admit(&test.app, &stage, 3).await;
        assert!(matches!(&short, Outcome::Short { soon: false, standings } if standings[0].used == 6), "{short:?}");
        assert!(matches!(admit(&test.app, &stage, 2).await, Outcome::Taken(_)));
        assert!(matches!(admit(&test.app, &stage, 1).await, Outcome::Short { .. }));
        assert_eq!(total(db, stage.app, stage.shop.hits).await, 8);
    }

    async fn two_replicas_agents_and_gateways_never_pass_a_limit_together(test: &Test) {
        let limit = 400;
        let stage = stage(test, &[(Eternity, limit), (Minute, 100_000)]).await;
        let replicas = replicas(test).await;
        let admitted = Arc::new(AtomicU64::new(0));
        let mut actors = JoinSet::new();
        // Agents, which also report what nobody asked for on another metric.
        for name in 0..6_u64 {
            let (replicas, stage, admitted) = (replicas.clone(), stage.clone(), Arc::clone(&admitted));
            actors.spawn(async move {
                let mut random = StdRng::seed_from_u64(name);
                for _ in 0..50 {
                    let app = &replicas[random.random_range(0..replicas.len())];
                    let need = random.random_range(1..4);
                    if random.random_bool(0.1) {
                        let usage: Usage = [(MetricId(stage.shop.method), 1)].into_iter().collect();
                        let line = Line { application: stage.app, at_secs: now_secs(&app.db).await, usage };
                        app.charges.take(Charge { what: What::Count(vec![line]), once: None }).await.unwrap();
                    }
                    match admit(app, &stage, need).await {
                        Outcome::Taken(_) => {
                            admitted.fetch_add(need, Relaxed);
                        }
                        Outcome::Short { .. } => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
        // Gateways, which spend what they are granted, report it and return the rest.
        for name in 1..=4_u8 {
            let mut actor = Actor {
                replicas: replicas.clone(),
                process: stage.process(name, Eternity),
                random: StdRng::seed_from_u64(u64::from(name)),
                admitted: Arc::clone(&admitted),
            };
            actors.spawn(async move {
                for _ in 0..50 {
                    actor.act().await;
                }
                actor.finish().await;
            });
        }
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
        let row = stage.cell(&watch, Eternity, 0).await;
        assert_eq!((row.used.unsigned_abs(), row.leased), (used, 0));
        // All that is left can be had.
        let left = limit.unsigned_abs() - used;
        for _ in 0..left {
            assert!(matches!(admit(&replicas[0], &stage, 1).await, Outcome::Taken(_)));
        }
        assert!(matches!(admit(&replicas[0], &stage, 1).await, Outcome::Short { soon: false, .. }));
        let by_product: i64 = tallygate::on!(watch, |c| sqlx::query_scalar(
            "select value from usage_product where product_id = $1 and metric_id = $2 and period = 'eternity'"
        ).bind(stage.shop.id).bind(stage.shop.hits).fetch_one(c)).unwrap();
        assert_eq!(by_product, limit);
        none_got_in_the_way(&replicas).await;
        watch.close().await;
    }

    async fn agents_at_two_replicas_in_opposite_orders(test: &Test) {
        let stage = stage(test, &[(Eternity, 1_000_000), (Period::Month, 1_000_000)]).await;
        let replicas = replicas(test).await;
        let mut tx = test.app.db.begin().await.unwrap();
        let mut apps = vec![stage.app];
        for n in 0..15 {
            apps.push(crate::gateway::world::application(&mut tx, stage.shop, &format!("more-{n}"), "key").await);
        }
        tx.commit().await.unwrap();
        let mut calls = JoinSet::new();
        for name in 0..4_usize {
            let (app, stage, mut apps) = (replicas[name % replicas.len()].clone(), stage.clone(), apps.clone());
            if name % 2 == 0 {
                apps.reverse();
            }
            calls.spawn(async move {
                for _ in 0..4 {
                    let at_secs = now_secs(&app.db).await;
                    let usage: Usage = [(MetricId(stage.shop.hits), 2), (MetricId(stage.shop.method), 1)].into_iter().collect();
                    let lines = apps.iter().map(|of| Line { application: *of, at_secs, usage: usage.clone() }).collect();
                    app.charges.take(Charge { what: What::Count(lines), once: None }).await.unwrap();
                    for of in &apps {
                        let charge = Charge { what: What::Admit(*of, usage.clone()), once: None };
                        assert!(matches!(app.charges.take(charge).await, Ok(Outcome::Taken(_))));
                    }
                }
            });
        }
        calls.join_all().await;
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
        for app in apps {
            assert_eq!(total(&test.app.db, app, stage.shop.hits).await, 4 * 4 * (2 + 2));
        }
        none_got_in_the_way(&replicas).await;
    }

    async fn a_gateway_that_is_silent_is_not_waited_for(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let mut gateway = stage.process(1, Eternity);
        gateway.get(test, 6).await;
        test.app.db.pass_time(60_000);
        let short = admit(&test.app, &stage, 5).await;
        assert!(matches!(short, Outcome::Short { soon: false, .. }), "{short:?}");
        assert!(matches!(admit(&test.app, &stage, 4).await, Outcome::Taken(_)));
        assert_eq!(gateway.ask(test, 1).await.outcome, OutcomeV1::Granted, "it has credit still");
    }
}
