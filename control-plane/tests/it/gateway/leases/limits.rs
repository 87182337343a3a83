//! Limits raised, lowered and removed, and applications moved between plans, while credit is granted by them.

use super::stage::{stage, wrong_accounts};
use crate::gateway::world::{Product, execute, limit, now_minute, plan, sql, usage};
use crate::support::{Kind, Test, both_databases};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tallygate::db::{Handle, Tx};
use tallygate::{on, run};
use tallygate_core::period::Period::{Eternity, Month};
use tallygate_core::wire::OutcomeV1;

both_databases! {
    async fn a_raised_limit_is_there_at_once(test: &Test) {
        let stage = stage(test, &[(Eternity, 5)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 5).await;
        process.report(test, 5).await;
        let refused = process.refused(test, 1).await;
        set_limit(test, stage.shop, 50).await;
        process.get(test, 40).await;
        let told = process.ask(test, 1).await.cells[0];
        assert!(told.limits_rev > refused.limits_rev, "the refusal binds no longer");
    }

    async fn a_move_keeps_the_account_and_brings_its_own_limit(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 5)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 5).await;
        process.report(test, 5).await;
        let refused = process.refused(test, 1).await;
        let mut tx = db.begin().await.unwrap();
        let gold = plan(&mut tx, stage.shop.id, "gold").await;
        limit(&mut tx, gold, stage.shop.hits, "eternity", 12).await;
        limit(&mut tx, gold, stage.shop.hits, "month", 9).await;
        tx.commit().await.unwrap();
        let path = format!("/admin/api/accounts/{}/applications/{}/change_plan.json", stage.shop.account, stage.app);
        test.put(&path, &[("plan_id", &gold.to_string())]).await.expect(200);
        let told = process.refused(test, 8).await;
        assert_eq!(told.free, 7);
        assert!(told.limits_rev > refused.limits_rev);
        // The month starts from what was used before.
        let mut month = stage.process(1, Month);
        assert_eq!(month.refused(test, 5).await.free, 4);
        month.get(test, 4).await;
        process.get(test, 7).await;
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn a_plan_of_its_own_binds_at_once_and_so_does_the_way_back(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 5)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 5).await;
        process.report(test, 5).await;
        let refused = process.refused(test, 1).await;
        let path = format!("/admin/api/accounts/{}/applications/{}", stage.shop.account, stage.app);
        let custom = test.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200).id("/application_plan/id");
        assert_eq!(process.refused(test, 1).await.free, 0, "the copy has the limit");
        let limits = format!("/admin/api/application_plans/{custom}/metrics/{}/limits", stage.shop.hits);
        let limit = test.get(&format!("{limits}.json")).await.expect(200).id("/limits/0/limit/id");
        test.put(&format!("{limits}/{limit}.json"), &[("value", "12")]).await.expect(200);
        let told = process.refused(test, 8).await;
        assert_eq!(told.free, 7);
        assert!(told.limits_rev > refused.limits_rev, "the refusal binds no longer");
        process.get(test, 4).await;
        process.report(test, 4).await;
        let page = stage.edge.page(test, "after=0").await.unwrap();
        let told = page.applications.iter().find(|told| told.id.0 == stage.app).unwrap();
        assert_eq!(told.plan.0, custom);
        let product = page.products.iter().find(|told| told.id.0 == stage.shop.id).unwrap();
        let plan = product.plans.iter().find(|told| told.id.0 == custom).unwrap();
        assert_eq!(plan.limits.iter().map(|limit| limit.value).collect::<Vec<_>>(), [12]);
        process.returned += process.left();
        process.report(test, 0).await;
        // Back on the plan of everybody, nine of its five are used.
        test.put(&format!("{path}/decustomize_plan.json"), &[]).await.expect(200);
        assert_eq!(process.refused(test, 1).await.free, 0);
        let page = stage.edge.page(test, "after=0").await.unwrap();
        let product = page.products.iter().find(|told| told.id.0 == stage.shop.id).unwrap();
        assert!(product.plans.iter().all(|told| told.id.0 != custom), "the copy is gone");
        // Beyond that limit is what was used before it bound, and nothing else.
        assert_eq!(wrong_accounts(db).await, [(stage.app, "eternity".into(), 0, 9, 0, Some(5))]);
    }

    async fn a_limit_that_was_gone_for_a_while_has_missed_nothing(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 50), (Month, 60)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 10).await;
        one.report(test, 10).await;
        one.returned = one.left();
        one.report(test, 0).await;
        execute(db, "delete from plan_limit where plan_id = $1", stage.shop.plan).await;
        // A process that knows of no such limit uses it freely.
        two.seq = 1;
        let minute = now_minute(db).await;
        let used = usage(stage.app, &[(stage.shop.hits, minute, 30)]);
        stage.edge.deliver(test, two.delivery(&[used])).await;
        let mut tx = db.begin().await.unwrap();
        limit(&mut tx, stage.shop.plan, stage.shop.hits, "eternity", 50).await;
        tx.commit().await.unwrap();
        one.refused(test, 11).await;
        one.get(test, 10).await;
        assert_eq!(stage.cell(db, Eternity, 0).await.used, 40);
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn what_a_limit_has_missed_is_not_granted_beside_a_report(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 50)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 10).await;
        one.report(test, 2).await;
        let revision = async || {
            let mut tx = db.begin().await.unwrap();
            run!(tx, |c| sqlx::query("update product set revision = revision + 1 where id = $1").bind(stage.shop.id).execute(c)).unwrap();
            tx.commit().await.unwrap();
        };
        execute(db, "delete from plan_limit where plan_id = $1", stage.shop.plan).await;
        revision().await;
        two.seq = 1;
        let used = usage(stage.app, &[(stage.shop.hits, now_minute(db).await, 38)]);
        stage.edge.deliver(test, two.delivery(&[used])).await;
        let mut tx = db.begin().await.unwrap();
        limit(&mut tx, stage.shop.plan, stage.shop.hits, "eternity", 50).await;
        tx.commit().await.unwrap();
        revision().await;
        // Forty are used and eight are held: hardly anything is left to be granted.
        let left = one.left();
        one.report(test, left).await;
        assert!(one.left() <= 2, "{one:?}");
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn nothing_is_granted_by_a_limit_that_is_being_changed(test: &Test) {
        if is_sqlite(test) {
            return; // one writer at a time, by nature
        }
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 1_000)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 10).await;
        let mut administrator = db.begin().await.unwrap();
        administrator.hold_limits().await.unwrap();
        sql!(&mut administrator, "update plan_limit set value = 10 where plan_id = $1", stage.shop.plan);
        // A report waits for nobody, and gets nothing.
        assert_eq!(process.report(test, 10).await.credits, vec![]);
        // An ask waits a moment, and is put off.
        let mut other = stage.process(2, Eternity);
        assert_eq!(other.ask(test, 1).await.outcome, OutcomeV1::Later);
        let waiting = async { stage.edge.ask(test, stage.ask(2, &[(Eternity, 0, 1)])).await.unwrap() };
        let (answer, ()) = tokio::join!(waiting, async { administrator.commit().await.unwrap() });
        assert_eq!(answer.outcome, OutcomeV1::Short, "by the new limit");
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn who_changes_limits_waits_for_no_stream_of_asks(test: &Test) {
        let stage = stage(test, &[(Eternity, 1_000_000)]).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut asking = tokio::task::JoinSet::new();
        for name in 1..=4 {
            let (leases, edge, ask, stop) = (test.app.gateways.leases().clone(), stage.edge.id, stage.ask(name, &[(Eternity, 0, 1)]), stop.clone());
            asking.spawn(async move {
                let mut asks = 0;
                while !stop.load(Relaxed) {
                    leases.ask(tallygate::leases::Question { gateway: edge, ask: ask.clone() }).await.unwrap();
                    asks += 1;
                }
                asks
            });
        }
        for value in 1..=20 {
            let began = Instant::now();
            set_limit(test, stage.shop, 1_000_000 + value).await;
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        }
        stop.store(true, Relaxed);
        assert!(asking.join_all().await.into_iter().all(|asks| asks > 0));
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
    }
}

/// Changes the one limit of the plan as an administrator does.
async fn set_limit(test: &Test, shop: Product, value: i64) {
    let id: i64 = on!(test.app.db, |c| sqlx::query_scalar(
        "select id from plan_limit where plan_id = $1 order by id limit 1"
    )
    .bind(shop.plan)
    .fetch_one(c))
    .unwrap();
    let path = format!(
        "/admin/api/application_plans/{}/metrics/{}/limits/{id}.json",
        shop.plan, shop.hits
    );
    test.json(Method::PUT, &path, &json!({ "value": value }))
        .await
        .expect(200);
}

fn is_sqlite(test: &Test) -> bool {
    let kind = match test.app.db.handle() {
        Handle::Sqlite(_) => Kind::Sqlite,
        Handle::Postgres(_) => Kind::Postgres,
    };
    kind == Kind::Sqlite
}
