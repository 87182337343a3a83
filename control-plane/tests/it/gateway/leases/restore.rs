//! After a restore: what was lost is told, what is held is declared, and nothing is granted before.

use super::stage::{recalls, stage, wrong_accounts};
use crate::gateway::world::{counter, epoch, execute};
use crate::support::{Test, both_databases};
use tallygate::on;
use tallygate::restore::restore;
use tallygate_core::lease::TTL_MS;
use tallygate_core::period::Period::Eternity;
use tallygate_core::wire::{OutcomeV1, SyncV1};

both_databases! {
    async fn leases_are_carried_over_and_declared(test: &Test) {
        let db = &test.app.db;
        let mut stage = stage(test, &[(Eternity, 1_000)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 50).await;
        process.report(test, 20).await;
        // The backup was made here. What follows is forgotten by the restored database: played by putting it back.
        let (granted, spent, _) = stage.lease(db, 1, Eternity).await.unwrap();
        process.granted = 200;
        process.spend(100);

        let restored = restore(db).await.unwrap();
        assert_eq!((restored.before, restored.leases, restored.instances), (stage.epoch, 1, 1));
        assert_ne!(restored.epoch, restored.before);
        assert!((1..=i64::from(u32::MAX) + 1).contains(&restored.epoch));
        assert!(restored.last_report_at.is_some());
        assert_eq!(epoch(db).await, restored.epoch);
        assert_eq!(stage.lease(db, 1, Eternity).await.unwrap(), (granted, spent, 0));
        assert_eq!(wrong_accounts(db).await, vec![]);

        // The first sync tells the epoch and what the backup has of the last one, and takes nothing.
        let batch = process.batch(test, 100).await;
        let answer = stage.edge.sync(test, batch).await.unwrap();
        assert_eq!((answer.ack, answer.epoch), (1, restored.epoch));
        (stage.epoch, process.stage.epoch, process.seq) = (restored.epoch, restored.epoch, 0);
        // The same usage under a new number, with what it holds: more was spent than the backup knew to be granted.
        let batch = process.batch(test, 100).await;
        let batch = SyncV1 { declared: process.declared(test).await, ..batch };
        let answer = process.send(test, batch.clone()).await;
        assert_eq!((answer.ack, answer.credits), (1, vec![]));
        assert_eq!(stage.lease(db, 1, Eternity).await.unwrap(), (200, spent + 100, 0));
        assert_eq!(stage.cell(db, Eternity, 0).await.leased, 100 - spent);
        process.send(test, batch).await;
        assert_eq!(stage.cell(db, Eternity, 0).await.leased, 100 - spent, "told twice");
        assert_eq!(wrong_accounts(db).await, vec![]);
        assert_eq!(process.report(test, 50).await.credits, vec![], "nothing is renewed yet");
        assert_eq!(counter(test, "lease_anomalies").await, 0);
    }

    async fn nothing_is_granted_until_gateways_have_been_heard(test: &Test) {
        let db = &test.app.db;
        let mut stage = stage(test, &[(Eternity, 1_000)]).await;
        stage.process(1, Eternity).get(test, 10).await;
        stage.epoch = restore(db).await.unwrap().epoch;
        // However long after the restore the server is started.
        db.pass_time(3_600_000);
        let mut process = stage.process(1, Eternity);
        assert_eq!(process.ask(test, 1).await.outcome, OutcomeV1::Later);
        db.pass_time(TTL_MS as i64 - 2_000);
        assert_eq!(process.ask(test, 1).await.outcome, OutcomeV1::Later);
        db.pass_time(2_000);
        process.get(test, 1).await;
        assert_eq!(process.granted, 10, "it held that before");
    }

    async fn what_is_declared_may_pass_the_limit_and_is_recalled(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 60).await;
        two.granted = 90;
        let hello = SyncV1 { declared: two.declared(test).await, ..two.delivery(&[]) };
        let answer = two.send(test, hello).await;
        assert_eq!(stage.cell(db, Eternity, 0).await.leased, 150);
        assert_eq!(recalls(&answer).len(), 1);
        two.report(test, 0).await;
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn what_is_declared_must_name_something(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.granted = 5;
        let good = process.declared(test).await;
        let mut declared = Vec::new();
        for change in 0..5 {
            let mut bad = good.clone();
            match change {
                0 => bad[0].application.0 = 999_999,
                1 => bad[0].cells[0].metric.0 = 999_999,
                2 => bad[0].cells[0].window = 1,
                3 => bad[0].cells[0].window = u64::MAX,
                _ => bad[0].cells[0].granted = u64::MAX,
            }
            declared.extend(bad);
        }
        declared.extend(good);
        let hello = SyncV1 { declared, ..process.delivery(&[]) };
        process.send(test, hello).await;
        assert_eq!(counter(test, "lease_anomalies").await, 5);
        assert_eq!(stage.cell(db, Eternity, 0).await.leased, 5);
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn who_was_asked_to_drain_still_is(test: &Test) {
        let db = &test.app.db;
        let mut stage = stage(test, &[(Eternity, 100)]).await;
        stage.process(1, Eternity).get(test, 10).await;
        execute(db, "update instance set drain_asked = true where gateway_id = $1", stage.edge.id).await;
        stage.epoch = restore(db).await.unwrap().epoch;
        let asked = on!(db, |c| sqlx::query_scalar::<_, i64>("select count(*) from instance where drain_asked").fetch_one(c)).unwrap();
        assert_eq!(asked, 2);
    }

    async fn who_is_fenced_stays_fenced(test: &Test) {
        let db = &test.app.db;
        let mut stage = stage(test, &[(Eternity, 100)]).await;
        stage.process(1, Eternity).get(test, 10).await;
        execute(db, "update instance set fenced = true where gateway_id = $1", stage.edge.id).await;
        stage.epoch = restore(db).await.unwrap().epoch;
        assert_eq!(stage.edge.sync(test, stage.process(1, Eternity).delivery(&[])).await.unwrap_err().0, 409);
        let fenced = on!(db, |c| sqlx::query_scalar::<_, i64>("select count(*) from instance where fenced").fetch_one(c)).unwrap();
        assert_eq!(fenced, 2);
    }
}
