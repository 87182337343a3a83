//! What holders are asked to return, and why.

use super::stage::{recalls, stage, wrong_accounts};
use crate::gateway::world::{application, execute};
use crate::support::{Test, both_databases};
use tallygate::on;
use tallygate_core::id::ApplicationId;
use tallygate_core::lease;
use tallygate_core::period::Period::Eternity;
use tallygate_core::wire::{OutcomeV1, SyncV1};

both_databases! {
    async fn who_needs_what_the_dead_hold_keeps_nothing_from_others(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut dead, mut large, mut small) = (stage.process(1, Eternity), stage.process(2, Eternity), stage.process(3, Eternity));
        dead.get(test, 50).await;
        db.pass_time(31_000);
        large.hello(test).await;
        let refused = large.refused(test, 60).await;
        assert!(!refused.elsewhere, "nobody will return it: {refused:?}");
        small.get(test, 40).await;
        // What the living hold is another matter.
        let refused = large.refused(test, 45).await;
        assert!(refused.elsewhere, "{refused:?}");
        assert_eq!(stage.process(4, Eternity).refused(test, 5).await.free, 0, "kept for the one before");
    }

    async fn credit_moves_to_who_is_short_of_it(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 100).await;
        two.refused(test, 10).await;
        let answer = one.report(test, 30).await;
        let recall = recalls(&answer)[&(stage.app, stage.shop.hits, Eternity, 0)];
        assert_eq!((recall.granted, recall.spent), (100, 30), "of all that was granted");
        assert_eq!(answer.credits, vec![], "and nothing new instead");
        assert_eq!((one.returned, one.left()), (70, 0));
        two.refused(test, 10).await;
        one.report(test, 0).await;
        two.get(test, 10).await;
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn a_recall_is_told_again_until_it_is_answered_and_then_ends(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 100).await;
        two.refused(test, 10).await;
        let deaf = one.clone();
        for _ in 0..3 {
            let answer = stage.edge.sync(test, deaf.delivery(&[])).await.unwrap();
            assert_eq!(recalls(&answer).len(), 1, "its answer may have been lost");
        }
        test.app.db.pass_time(3_100);
        assert_eq!(one.hello(test).await.recalls, vec![], "nobody is short any more");
        assert_eq!(one.left(), 100);
    }

    async fn who_goes_away_returns_everything(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 40).await;
        let farewell = SyncV1 { draining: true, ..process.delivery(&[]) };
        let answer = process.send(test, farewell).await;
        assert_eq!(recalls(&answer).len(), 1);
        process.report(test, 0).await;
        assert_eq!(stage.cell(&test.app.db, Eternity, 0).await.leased, 0);
    }

    async fn whom_an_operator_drains_returns_everything_and_takes_what_it_needs(test: &Test) {
        let stage = stage(test, &[(Eternity, 1_000)]).await;
        let (mut leaves, mut stays) = (stage.process(1, Eternity), stage.process(2, Eternity));
        leaves.get(test, 40).await;
        leaves.report(test, 20).await;
        let path = format!("/admin/api/gateways/{}/drain.json", stage.edge.id);
        let asked = test.post(&path, &[]).await.expect(200);
        assert_eq!(asked.at("/drain/instances"), 1, "those that are heard of");
        stays.get(test, 10).await;
        assert_eq!(recalls(&leaves.hello(test).await).len(), 1);
        leaves.report(test, 0).await;
        // Requests that still come get what they need, and no more however much was spent lately.
        leaves.get(test, 5).await;
        assert_eq!(leaves.left(), 5);
        assert_eq!(recalls(&leaves.report(test, 5).await), Default::default(), "nothing is left, and nothing is renewed");
        assert_eq!(stage.cell(&test.app.db, Eternity, 0).await.leased, 10);
        test.post("/admin/api/gateways/987654/drain.json", &[]).await.expect(404);
    }

    async fn who_holds_without_need_returns_it(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 1_000)]).await;
        let (mut much, mut little) = (stage.process(1, Eternity), stage.process(2, Eternity));
        much.get(test, 100).await;
        little.get(test, lease::FLOOR).await;
        for _ in 0..11 {
            assert_eq!(much.hello(test).await.recalls, vec![]);
            db.pass_time(5_000);
        }
        db.pass_time(6_000);
        assert_eq!(much.hello(test).await.recalls.len(), 1);
        assert_eq!(little.hello(test).await.recalls, vec![], "so little is kept for long");
        db.pass_time(lease::LONG_IDLE_MS as i64);
        assert_eq!(little.hello(test).await.recalls.len(), 1);
    }

    async fn where_a_limit_was_lowered_what_is_too_much_comes_back(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut active, mut quiet) = (stage.process(1, Eternity), stage.process(2, Eternity));
        active.get(test, 50).await;
        quiet.get(test, 40).await;
        active.hello(test).await;
        quiet.hello(test).await;
        execute(db, "update plan_limit set value = 20 where plan_id = $1", stage.shop.plan).await;
        let answer = active.report(test, 10).await;
        assert_eq!((recalls(&answer).len(), active.left()), (1, 0), "with its next report");
        db.pass_time(5_000);
        assert_eq!(recalls(&quiet.hello(test).await).len(), 1, "within seconds");
        active.report(test, 0).await;
        quiet.report(test, 0).await;
        assert_eq!(wrong_accounts(db).await, vec![]);
        active.get(test, 10).await;
        active.refused(test, 11).await;
    }

    async fn a_limit_that_an_administrator_lowers_is_seen_to_within_a_second(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut quiet = stage.process(1, Eternity);
        quiet.get(test, 40).await;
        quiet.report(test, 1).await;
        let limit = on!(db, |c| sqlx::query_scalar::<_, i64>("select id from plan_limit where plan_id = $1")
            .bind(stage.shop.plan).fetch_one(c)).unwrap();
        let path = format!("/admin/api/application_plans/{}/metrics/{}/limits/{limit}.json", stage.shop.plan, stage.shop.hits);
        test.put(&path, &[("value", "20")]).await.expect(200);
        db.pass_time(1_000);
        assert_eq!(recalls(&quiet.hello(test).await).len(), 1);
        quiet.report(test, 0).await;
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn no_answer_recalls_more_than_a_thousand(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut tx = db.begin().await.unwrap();
        let mut apps = Vec::new();
        for n in 0..1_100 {
            apps.push(application(&mut tx, stage.shop, &format!("more-{n}"), "key").await);
        }
        tx.commit().await.unwrap();
        let mut asks = tokio::task::JoinSet::new();
        for app in apps {
            let mut ask = stage.ask(1, &[(Eternity, 0, 1)]);
            ask.application = ApplicationId(app);
            let leases = test.app.gateways.leases().clone();
            let gateway = stage.edge.id;
            asks.spawn(async move { leases.ask(tallygate::leases::Question { gateway, ask }).await.unwrap().outcome });
        }
        assert!(asks.join_all().await.into_iter().all(|outcome| outcome == OutcomeV1::Granted));
        let farewell = SyncV1 { draining: true, ..stage.process(1, Eternity).delivery(&[]) };
        let answer = stage.edge.sync(test, farewell).await.unwrap();
        assert_eq!(recalls(&answer).len(), 1_000);
    }
}
