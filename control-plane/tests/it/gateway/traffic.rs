//! How requests were answered: reported by gateways, shown to who asks.

use super::world::{Gateway, applications, delivery, epoch, gateway, product};
use crate::support::{Test, both_databases};
use serde_json::json;
use tallygate::db::Db;
use tallygate::on;
use tallygate::store::traffic::{Codes, codes, forget, latency};
use tallygate_core::id::ApplicationId;
use tallygate_core::key;
use tallygate_core::traffic::QUARTER_SECS;
use tallygate_core::wire::{TrafficOutcomeV1 as Outcome, TrafficRowV1, TrafficV1};

/// A gateway whose process the ledger knows.
async fn known(test: &Test) -> Gateway {
    let edge = gateway(&test.app.db, "production").await;
    let epoch = epoch(&test.app.db).await;
    edge.deliver(test, delivery(1, epoch, 0, &[])).await;
    edge
}

async fn quarter(db: &Db) -> u32 {
    let now_secs = db.now_ms().await.unwrap() / 1_000;
    u32::try_from(now_secs / 900).unwrap()
}

fn report(number: u64, rows: Vec<TrafficRowV1>) -> TrafficV1 {
    TrafficV1 {
        instance: [1; 16],
        number,
        rows,
    }
}

fn row(
    application: i64,
    quarter: u32,
    outcomes: &[(Outcome, u64)],
    durations: &[(u8, u64)],
) -> TrafficRowV1 {
    TrafficRowV1 {
        application: ApplicationId(application),
        quarter,
        outcomes: outcomes.to_vec(),
        durations: durations.to_vec(),
        keys: Vec::new(),
    }
}

async fn kept(db: &Db, application: i64, step_secs: i64) -> Vec<Codes> {
    let mut tx = db.read().await.unwrap();
    codes(&mut tx, application, 0, i64::MAX, step_secs)
        .await
        .unwrap()
}

both_databases! {
    async fn reports_add_up_and_each_counts_once(test: &Test) {
        let db = &test.app.db;
        let edge = known(test).await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 2).await;
        let now = quarter(db).await;
        let first = report(1, vec![
            row(apps[0], now, &[(Outcome::Success, 5), (Outcome::RefusedLimits, 2)], &[(2, 4), (12, 1)]),
            row(apps[0], now - 1, &[(Outcome::ServerError, 1)], &[(3, 1)]),
            row(apps[1], now, &[(Outcome::Redirection, 1), (Outcome::ClientError, 2), (Outcome::RefusedCredentials, 3), (Outcome::RefusedMetric, 4), (Outcome::RefusedNotReady, 5)], &[]),
            // Nobody, and twice the same.
            row(4_711, now, &[(Outcome::Success, 5)], &[]),
            row(apps[0], now, &[(Outcome::Success, 1)], &[(2, 1)]),
        ]);
        assert!(edge.report(test, first.clone()).await.unwrap());
        assert!(!edge.report(test, first).await.unwrap());
        assert!(edge.report(test, report(3, vec![row(apps[0], now, &[(Outcome::Success, 10)], &[(2, 10)])])).await.unwrap());
        // What is late does not count.
        assert!(!edge.report(test, report(2, vec![row(apps[0], now, &[(Outcome::Success, 100)], &[])])).await.unwrap());

        let start = |quarter: u32| i64::from(quarter) * QUARTER_SECS.cast_signed();
        assert_eq!(kept(db, apps[0], 900).await, [
            Codes { start_secs: start(now - 1), server_error: 1, ..Codes::default() },
            Codes { start_secs: start(now), success: 16, refused_limits: 2, ..Codes::default() },
        ]);
        assert_eq!(kept(db, apps[1], 900).await, [Codes {
            start_secs: start(now), success: 0, redirection: 1, client_error: 2, server_error: 0,
            refused_credentials: 3, refused_metric: 4, refused_limits: 0, refused_not_ready: 5,
        }]);
        let mut tx = db.read().await.unwrap();
        let told = latency(&mut tx, apps[0], start(now), start(now + 1), 900).await.unwrap();
        assert_eq!((told.len(), told[0].counts), (1, [0, 0, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!([500, 900, 999].map(|p| told[0].percentile_ms(p)), [Some(5), Some(5), Some(10_000)]);
        drop(tx);

        let reply = test.get(&format!("/stats/applications/{}/traffic.json", apps[0])).await.expect(200);
        let values = reply.at("/traffic/values");
        let last = &values.as_array().unwrap().last().unwrap()["value"];
        assert_eq!((&last["success"], &last["refused_limits"], &last["p50_ms"], &last["p99_ms"]), (&json!(16), &json!(2), &json!(5), &json!(10_000)));
        for period in ["week", "month"] {
            let reply = test.get(&format!("/stats/applications/{}/traffic.json?period={period}", apps[0])).await.expect(200);
            let values = reply.at("/traffic/values");
            let sum: i64 = values.as_array().unwrap().iter().map(|value| value["value"]["success"].as_i64().unwrap()).sum();
            assert_eq!(sum, 16, "{period}");
        }
        test.get("/stats/applications/4711/traffic.json").await.expect(404);
        test.get(&format!("/stats/applications/{}/traffic.json?period=year", apps[0])).await.expect(422);

        // Long ago is forgotten.
        let mut tx = db.begin().await.unwrap();
        assert_eq!(forget(&mut tx, start(now)).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(kept(db, apps[0], 86_400).await.len(), 1);
    }

    async fn whoever_is_not_known_reports_nothing(test: &Test) {
        let db = &test.app.db;
        let edge = known(test).await;
        let other = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let now = quarter(db).await;
        let rows = || vec![row(app, now, &[(Outcome::Success, 5)], &[])];
        // Another gateway in its name, and a process that never called.
        assert!(!other.report(test, report(1, rows())).await.unwrap());
        assert!(!edge.report(test, TrafficV1 { instance: [2; 16], ..report(1, rows()) }).await.unwrap());
        assert_eq!(kept(db, app, 900).await, []);
    }

    async fn nothing_that_a_gateway_says_does_harm(test: &Test) {
        let db = &test.app.db;
        let edge = known(test).await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let huge = |quarter| row(app, quarter, &[(Outcome::Success, u64::MAX), (Outcome::Success, u64::MAX)], &[(0, u64::MAX), (13, 1), (255, 1)]);
        for number in [1, 2, u64::MAX] {
            let mut rows = vec![huge(0), huge(u32::MAX), row(i64::MIN, 0, &[], &[]), row(i64::MAX, 0, &[], &[(0, 1)])];
            rows[2].keys = vec![[7; 16]; 5_000];
            assert!(edge.report(test, report(number, rows)).await.unwrap());
        }
        let kept = kept(db, app, 900).await;
        assert_eq!(kept.len(), 2);
        assert!(kept.iter().all(|codes| codes.success > 0), "{kept:?}");
        test.get(&format!("/stats/applications/{app}/traffic.json?period=month")).await.expect(200);
    }

    async fn keys_tell_when_they_were_used_last(test: &Test) {
        let db = &test.app.db;
        let edge = known(test).await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 2).await;
        let last_used = async |application: i64| -> Option<i64> {
            let mut tx = db.read().await.unwrap();
            on!(tx, |c| sqlx::query_scalar("select last_used_at from application_key where application_id = $1").bind(application).fetch_one(c)).unwrap()
        };
        let used = |keys: &[&str]| {
            let mut row = row(apps[0], 0, &[], &[]);
            row.keys = keys.iter().map(|key| key::digest(key.as_bytes())).collect();
            vec![row]
        };
        edge.report(test, report(1, used(&["key-0", "no-such-key", "key-1"]))).await.unwrap();
        let first = last_used(apps[0]).await.unwrap();
        assert_eq!(last_used(apps[1]).await, None);
        // To the minute is enough.
        db.pass_time(30_000);
        edge.report(test, report(2, used(&["key-0"]))).await.unwrap();
        assert_eq!(last_used(apps[0]).await, Some(first));
        db.pass_time(40_000);
        edge.report(test, report(3, used(&["key-0"]))).await.unwrap();
        assert!(last_used(apps[0]).await > Some(first + 60_000));
    }
}
