//! What operators see of credit, and what they can do about that of a dead gateway.

use super::stage::{at_second, credits, recalls, stage, wrong_accounts};
use crate::gateway::world::{counter, execute, gateway, remove_gateway, total};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;
use tallygate_core::id::ProductId;
use tallygate_core::period::Period::{Eternity, Minute};
use tallygate_core::wire::{ProductHealthV1, SyncV1};

both_databases! {
    async fn who_holds_what_is_shown_by_product_and_gateway(test: &Test) {
        let db = &test.app.db;
        let (stage, other) = (stage(test, &[(Eternity, 1_000)]).await, stage(test, &[(Eternity, 1_000)]).await);
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 30).await;
        two.get(test, 12).await;
        let mut elsewhere = other.process(3, Eternity);
        elsewhere.get(test, 500).await;
        for process in [&mut one, &mut two, &mut elsewhere] {
            process.hello(test).await;
        }
        let path = format!("/admin/api/services/{}/gateways.json", stage.shop.id);
        let shown = test.get(&path).await.expect(200);
        let mine = shown.at("/gateways/0/gateway");
        assert_eq!((&mine["id"], &mine["name"], &mine["environment"]), (&json!(stage.edge.id), &json!("edge"), &json!("production")));
        assert_eq!((&mine["live"], &mine["removed"], &mine["last_seen_secs_ago"]), (&json!(true), &json!(false), &json!(0)));
        assert_eq!((&mine["credit_held"], &mine["leases"], &mine["recalls"], &mine["unaccounted"]), (&json!(42), &json!(2), &json!(0), &json!(0)));
        assert_eq!(shown.at("/gateways/1/gateway/credit_held"), 0, "the other product's");
        assert_eq!((shown.at("/totals/credit_held"), shown.at("/totals/leases")), (json!(42), json!(2)));

        // One dies, the other lives on.
        db.pass_time(31_000);
        two.hello(test).await;
        let mut three = stage.process(3 + 10, Eternity);
        three.refused(test, 1_001).await;
        let mine = test.get(&path).await.expect(200).at("/gateways/0/gateway");
        assert_eq!((&mine["credit_held"], &mine["unaccounted"], &mine["recalls"]), (&json!(42), &json!(30), &json!(0)));
        three.refused(test, 960).await;
        assert_eq!(test.get(&path).await.expect(200).at("/totals/recalls"), 2);
        let all = test.get("/admin/api/gateways.json").await.expect(200);
        assert_eq!((all.at("/gateways/0/gateway/credit_held"), all.at("/gateways/0/gateway/unaccounted")), (json!(42), json!(30)));
        assert_eq!((all.at("/totals/credit_held"), all.at("/totals/unaccounted")), (json!(542), json!(530)));

        // Removed, and it holds something still.
        remove_gateway(db, stage.edge.id).await;
        let shown = test.get(&path).await.expect(200);
        assert_eq!((shown.at("/gateways/0/gateway/removed"), shown.at("/gateways/0/gateway/credit_held")), (json!(true), json!(42)));
        let xml = test.get(&path.replace(".json", ".xml")).await.expect(200).text;
        assert!(xml.contains("<gateways><gateway><id>") && xml.contains("<totals><credit_held>42</credit_held>"), "{xml}");
        test.get("/admin/api/services/999999/gateways.json").await.expect(404);
    }

    async fn totals_of_processes_never_go_back(test: &Test) {
        let stage = stage(test, &[]).await;
        let done = |admitted, callouts, overdraft| ProductHealthV1 {
            product: ProductId(stage.shop.id), admitted, waited: callouts, callouts, overdraft,
        };
        let hello = async |name: u8, products: Vec<ProductHealthV1>| {
            let mut sync = stage.process(name, Eternity).delivery(&[]);
            sync.health.products = products;
            stage.edge.sync(test, sync).await.unwrap();
        };
        hello(1, vec![done(1_000, 7, 3)]).await;
        hello(1, vec![done(900, 6, 0)]).await;
        hello(2, vec![done(500, 1, 0), done(500, 1, 0)]).await;
        hello(2, vec![ProductHealthV1 { product: ProductId(999_999), ..done(1, 1, 1) }]).await;
        hello(2, vec![]).await;
        let path = format!("/admin/api/services/{}/gateways.json", stage.shop.id);
        let mine = test.get(&path).await.expect(200).at("/gateways/0/gateway");
        assert_eq!((&mine["admitted"], &mine["waited"], &mine["callouts"], &mine["overdraft"]), (&json!(1_500), &json!(8), &json!(8), &json!(3)));
        assert!((mine["callouts_per_request"].as_f64().unwrap() - 8.0 / 1_500.0).abs() < 1e-9);
        // Whatever a process claims, it can be shown.
        hello(3, vec![done(u64::MAX, u64::MAX, u64::MAX)]).await;
        hello(4, vec![done(u64::MAX, u64::MAX, u64::MAX)]).await;
        let mine = test.get(&path).await.expect(200).at("/gateways/0/gateway");
        assert!(mine["admitted"].as_i64().unwrap() > 1 << 60);
    }

    async fn metrics_say_it_by_product(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 1_000)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 30).await;
        let mut sync = process.delivery(&[]);
        sync.health.products = vec![ProductHealthV1 { product: ProductId(stage.shop.id), admitted: 100, waited: 3, callouts: 2, overdraft: 1 }];
        process.send(test, sync).await;
        let name = tallygate::on!(db, |c| sqlx::query_scalar::<_, String>("select system_name from product where id = $1")
            .bind(stage.shop.id).fetch_one(c)).unwrap();
        let scrape = async |expected: &[(&str, &str)]| {
            let text = send(test.request(Method::GET, "/metrics")).await.expect(200).text;
            for (metric, value) in expected {
                let line = format!("tallygate_product_{metric}{{product=\"{name}\"}} {value}\n");
                assert!(text.contains(&line), "{line} in {text}");
            }
        };
        scrape(&[("credit_held", "30"), ("leases", "1"), ("recalls", "0"), ("unaccounted", "0"), ("admitted", "100"),
            ("waited", "3"), ("callouts", "2"), ("overdraft", "1"), ("callouts_per_request", "0.02")]).await;
        db.pass_time(31_000);
        scrape(&[("credit_held", "30"), ("unaccounted", "30")]).await;
    }

    async fn what_a_dead_gateway_held_can_be_written_off(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut dead, mut alive) = (stage.process(1, Eternity), stage.process(2, Eternity));
        dead.get(test, 60).await;
        dead.report(test, 10).await;
        let held = dead.left();
        alive.get(test, 5).await;
        let path = format!("/admin/api/gateways/{}/write_off.json", stage.edge.id);
        let written = test.post(&path, &[]).await.expect(200);
        assert_eq!((written.at("/write_off/leases"), written.at("/write_off/credit")), (json!(0), json!(0)), "both were heard of");
        db.pass_time(31_000);
        alive.hello(test).await;
        let written = test.post(&path, &[]).await.expect(200);
        assert_eq!((written.at("/write_off/instances"), written.at("/write_off/leases"), written.at("/write_off/credit")), (json!(1), json!(1), json!(held)));
        assert_eq!(stage.cell(db, Eternity, 0).await.leased, 5);
        assert_eq!(wrong_accounts(db).await, vec![]);
        assert_eq!(test.post(&path, &[]).await.expect(200).at("/write_off/leases"), 0, "once");
        alive.get(test, 85).await;

        // It comes back: it had spent 20 more. They count, and the rest must not be spent.
        dead.spend(20);
        let answer = stage.edge.sync(test, dead.delivery(&[])).await.unwrap();
        let recall = recalls(&answer)[&(stage.app, stage.shop.hits, Eternity, 0)];
        assert_eq!((recall.granted, recall.returned), (dead.granted, 0));
        dead.returned += dead.left();
        let batch = dead.batch(test, 20).await;
        dead.send(test, batch).await;
        assert_eq!(total(db, stage.app, stage.shop.hits).await, 30);
        assert_eq!(stage.cell(db, Eternity, 0).await.used, 30);
        assert_eq!(counter(test, "lease_anomalies").await, 1);
        assert_eq!(recalls(&dead.hello(test).await).len(), 0, "it has told");
    }

    async fn a_dead_gateway_that_comes_back_with_a_batch_is_told_what_was_written_off(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut dead, mut alive) = (stage.process(1, Eternity), stage.process(2, Eternity));
        dead.get(test, 60).await;
        dead.report(test, 10).await;
        db.pass_time(31_000);
        alive.hello(test).await;
        test.post(&format!("/admin/api/gateways/{}/write_off.json", stage.edge.id), &[]).await.expect(200);
        alive.get(test, 85).await;

        // It had sealed this one before: nothing in it says that it knows.
        dead.spend(20);
        let sealed = dead.batch(test, 20).await;
        let answer = stage.edge.sync(test, sealed).await.unwrap();
        assert_eq!(credits(&answer).len(), 0);
        let recall = recalls(&answer)[&(stage.app, stage.shop.hits, Eternity, 0)];
        assert_eq!(recall.returned, 0);
        dead.apply(&recall);
        dead.returned += dead.left();
        let told = dead.batch(test, 0).await;
        assert_eq!(recalls(&dead.send(test, told).await).len(), 0, "it has let go");
        assert_eq!(recalls(&dead.hello(test).await).len(), 0);
        assert_eq!((dead.left(), stage.cell(db, Eternity, 0).await.used), (0, 30));
        assert_eq!(counter(test, "lease_anomalies").await, 1);
    }

    async fn only_open_windows_are_written_off_and_told(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Minute, 100), (Eternity, 100)]).await;
        at_second(db, 5).await;
        let mut dead = stage.process(1, Minute);
        dead.get(test, 60).await;
        let first = dead.window(test).await;
        let path = format!("/admin/api/gateways/{}/write_off.json", stage.edge.id);
        let mut lasting = stage.process(1, Eternity);
        lasting.get(test, 30).await;
        db.pass_time(120_000);
        assert_eq!(test.post(&path, &[]).await.expect(200).at("/write_off/leases"), 1, "of no window that is over");
        assert_eq!(stage.cell(db, Minute, first).await.leased, 60);

        // Thousands that were written off in their time, and are over, must not keep the one that is open from being told.
        execute(db, "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1100)
            insert into lease (application_id, metric_id, period, window_start, instance, epoch, granted, spent, returned,
                granted_at, settled_at, rate_milli, idle_windows, recalled_at, written_off_at)
            select application_id, metric_id, period, window_start - n.i * 60, instance, epoch, granted, spent, returned,
                granted_at, settled_at, rate_milli, idle_windows, recalled_at, 1
            from lease cross join n where period = 'minute' and application_id = $1", stage.app).await;
        let answer = lasting.hello(test).await;
        assert_eq!(recalls(&answer).keys().copied().collect::<Vec<_>>(), vec![(stage.app, stage.shop.hits, Eternity, 0)]);
    }

    async fn a_removed_gateway_can_be_written_off_and_an_unknown_one_cannot(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 60).await;
        let other = gateway(db, "production").await;
        remove_gateway(db, stage.edge.id).await;
        db.pass_time(31_000);
        let of = |id: i64| format!("/admin/api/gateways/{id}/write_off.json");
        assert_eq!(test.post(&of(other.id), &[]).await.expect(200).at("/write_off/credit"), 0);
        assert_eq!(test.post(&of(stage.edge.id), &[]).await.expect(200).at("/write_off/credit"), 60);
        test.post(&of(999_999), &[]).await.expect(404);
    }

    async fn a_message_of_an_instance_that_reports_under_another_epoch_moves_nothing(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 10).await;
        process.spend(10);
        let batch = process.batch(test, 10).await;
        let declared = process.declared(test).await;
        let answer = stage.edge.sync(test, SyncV1 { epoch: stage.epoch + 1, declared, ..batch }).await.unwrap();
        assert_eq!((answer.ack, answer.credits, answer.recalls), (0, vec![], vec![]));
        assert_eq!(stage.lease(&test.app.db, 1, Eternity).await, Some((10, 0, 0)));
    }
}
