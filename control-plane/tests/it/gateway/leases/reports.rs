//! What rows tell of leases: settled once, beside their usage, and renewed.

use super::stage::{at_second, credits, now_secs, stage, wrong_accounts};
use crate::gateway::world::{application, counter, execute, total, usage};
use crate::support::{Test, both_databases};
use tallygate::on;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::lease;
use tallygate_core::period::Period::{Eternity, Hour, Minute, Month};
use tallygate_core::wire::{CellTotalsV1, SyncV1};

both_databases! {
    async fn totals_settle_beside_their_usage_and_once(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 20).await;
        process.spend(12);
        let batch = process.batch(test, 12).await;
        process.send(test, batch.clone()).await;
        let settled = stage.cell(db, Eternity, 0).await;
        assert_eq!(settled.used, 12);
        assert_eq!(stage.lease(db, 1, Eternity).await.unwrap().1, 12);
        let (granted, ..) = stage.lease(db, 1, Eternity).await.unwrap();
        assert_eq!(settled.leased, granted - 12);
        // The answer was lost: the batch comes again.
        process.send(test, batch).await;
        let again = stage.cell(db, Eternity, 0).await;
        assert_eq!((again.used, again.leased), (12, settled.leased));
        // Returned, with no usage.
        process.returned = process.left();
        process.report(test, 0).await;
        let row = stage.cell(db, Eternity, 0).await;
        assert_eq!(row.used, 12);
        assert_eq!(wrong_accounts(db).await, vec![]);
        assert_eq!(counter(test, "lease_anomalies").await, 0);
    }

    async fn old_totals_change_nothing(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 50).await;
        process.report(test, 40).await;
        let before = stage.lease(db, 1, Eternity).await.unwrap();
        process.spent = 10;
        let batch = process.batch(test, 0).await;
        process.send(test, batch).await;
        let after = stage.lease(db, 1, Eternity).await.unwrap();
        assert_eq!((after.1, after.2), (before.1, before.2));
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn a_rejected_row_settles_nothing(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 20).await;
        let mut bad = usage(stage.app, &[(999_999, 1, 1)]);
        process.spent = 10;
        bad.cells = vec![process.totals(test).await];
        process.seq = 1;
        let answer = stage.edge.sync(test, process.delivery(&[bad])).await.unwrap();
        assert_eq!((answer.ack, answer.rejected.len()), (1, 1));
        assert_eq!(stage.lease(db, 1, Eternity).await, Some((20, 0, 0)));
        assert_eq!(stage.cell(db, Eternity, 0).await.leased, 20);
    }

    async fn more_than_was_granted_counts_all_the_same(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 5).await;
        process.spent = 9;
        process.granted = 9;
        let batch = process.batch(test, 9).await;
        process.send(test, batch).await;
        let (granted, spent, _) = stage.lease(db, 1, Eternity).await.unwrap();
        assert!(granted >= 9 && spent == 9);
        assert_eq!(total(db, stage.app, stage.shop.hits).await, 9);
        assert_eq!(counter(test, "lease_anomalies").await, 1);
        assert_eq!(wrong_accounts(db).await, vec![]);
        // Of a lease that the ledger knows nothing of.
        let mut stranger = stage.process(2, Eternity);
        (stranger.granted, stranger.spent, stranger.returned) = (7, 3, 1);
        let batch = stranger.batch(test, 3).await;
        stranger.send(test, batch).await;
        let (granted, spent, returned) = stage.lease(db, 2, Eternity).await.unwrap();
        assert!(granted >= 4 && (spent, returned) == (3, 1));
        assert_eq!(counter(test, "lease_anomalies").await, 2);
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn who_reports_gets_more(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 10_000)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 20).await;
        let answer = process.report(test, 20).await;
        let told = credits(&answer)[&(stage.app, stage.shop.hits, Eternity, 0)];
        assert_eq!((told.totals.spent, told.totals.returned, told.elsewhere), (20, 0, false));
        assert!(told.totals.granted > 20 && told.version > 0 && told.limits_rev > 0, "{told:?}");
        assert_eq!(told.free, 10_000 - told.totals.granted);
        assert_eq!(stage.lease(db, 1, Eternity).await.unwrap().0, told.totals.granted as i64);
        // Faster and faster: for some seconds ahead.
        for _ in 0..4 {
            db.pass_time(1_000);
            let all = process.left();
            process.report(test, all).await;
        }
        assert!(process.left() > 100, "{process:?}");
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn who_goes_away_or_may_not_call_gets_no_more(test: &Test) {
        let stage = stage(test, &[(Eternity, 10_000)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 20).await;
        process.spend(20);
        let batch = process.batch(test, 20).await;
        let answer = process.send(test, SyncV1 { draining: true, ..batch }).await;
        assert_eq!(answer.credits, vec![]);
        process.get(test, 20).await;
        execute(&test.app.db, "update application set state = 'suspended' where id = $1", stage.app).await;
        assert_eq!(process.report(test, 20).await.credits, vec![]);
    }

    async fn the_last_of_a_limit_is_shared(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut processes = [stage.process(1, Eternity), stage.process(2, Eternity), stage.process(3, Eternity)];
        for process in &mut processes {
            process.get(test, 10).await;
        }
        db.pass_time(1_100);
        processes[0].report(test, 10).await;
        // 70 are free: half of it, for three.
        assert!((1..=11).contains(&processes[0].left()), "{processes:?}");
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn a_window_that_begins_soon_is_granted_ahead(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Minute, 1_000)]).await;
        at_second(db, 40).await;
        let mut process = stage.process(1, Minute);
        process.get(test, 20).await;
        process.report(test, 20).await;
        at_second(db, 52).await;
        let next = Minute.window(now_secs(db).await).end.unwrap();
        let answer = process.hello(test).await;
        let told = credits(&answer)[&(stage.app, stage.shop.hits, Minute, next)];
        assert!(told.totals.granted >= lease::FLOOR, "{told:?}");
        assert_eq!(told.totals.spent, 0);
        assert_eq!(process.hello(test).await.credits, vec![], "once");
        // In the window itself it is there, and asks find it.
        at_second(db, 1).await;
        let mut then = stage.process(1, Minute);
        then.get(test, 1).await;
        assert_eq!(then.granted, told.totals.granted);
        assert_eq!(wrong_accounts(db).await, vec![]);
    }

    async fn idle_applications_are_granted_ahead_for_a_while(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Minute, 1_000)]).await;
        at_second(db, 40).await;
        let mut process = stage.process(1, Minute);
        process.get(test, 20).await;
        process.report(test, 20).await;
        let mut windows = 0;
        for _ in 0..lease::IDLE_WINDOWS + 3 {
            at_second(db, 55).await;
            windows += u32::from(!process.hello(test).await.credits.is_empty());
            at_second(db, 2).await;
            process = stage.process(1, Minute);
        }
        assert_eq!(windows, lease::IDLE_WINDOWS + 1);
    }

    async fn usage_counts_in_a_cell_whose_limit_is_gone_while_it_is_held(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Month, 100)]).await;
        let mut process = stage.process(1, Month);
        process.get(test, 20).await;
        execute(db, "delete from plan_limit where plan_id = $1", stage.shop.plan).await;
        process.report(test, 15).await;
        let row = stage.cell(db, Month, process.window(test).await).await;
        assert_eq!((row.used, row.leased), (15, 5));
    }

    async fn totals_that_make_no_sense_are_left_out(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Hour, 100)]).await;
        let now = now_secs(db).await;
        let hour = Hour.window(now).start;
        let told = |metric, window| CellTotalsV1 { metric: MetricId(metric), period: Hour, window, spent: 1, returned: u64::MAX };
        let mut row = usage(stage.app, &[(stage.shop.hits, (now / 60) as u32, 4)]);
        row.cells = vec![
            told(999_999, hour),
            told(stage.shop.hits, hour + 1),
            told(stage.shop.hits, hour + 40 * 3600),
            told(stage.shop.hits, u64::MAX),
            told(stage.shop.hits, hour - 10 * 3600),
        ];
        let sync = crate::gateway::world::delivery(1, stage.epoch, 1, &[row]);
        stage.edge.deliver(test, sync).await;
        assert_eq!(total(db, stage.app, stage.shop.hits).await, 4, "its usage counts");
        assert_eq!(counter(test, "lease_anomalies").await, 4, "one is only old");
        assert_eq!(stage.lease(db, 1, Hour).await, None);
    }

    async fn cells_and_leases_of_windows_that_are_over_go(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Minute, 100), (Eternity, 100)]).await;
        at_second(db, 30).await;
        let mut process = stage.process(1, Minute);
        process.get(test, 3).await;
        process.report(test, 3).await;
        db.pass_time(3_900_000);
        process = stage.process(2, Minute);
        process.get(test, 1).await;
        let count = async |sql| on!(db, |c| sqlx::query_scalar::<_, i64>(sql).fetch_one(c)).unwrap();
        assert_eq!(count("select count(*) from cell where period = 'minute'").await, 1);
        assert_eq!(count("select count(*) from lease where period = 'minute'").await, 1);
        assert_eq!(count("select count(*) from cell where period = 'eternity'").await, 1);
    }

    async fn many_applications_in_one_batch(test: &Test) {
        let db = &test.app.db;
        let stage = stage(test, &[(Eternity, 1_000)]).await;
        let mut apps = Vec::new();
        let mut tx = db.begin().await.unwrap();
        for n in 0..60 {
            apps.push(application(&mut tx, stage.shop, &format!("more-{n}"), "key").await);
        }
        tx.commit().await.unwrap();
        let mut rows = Vec::new();
        for app in &apps {
            let mut ask = stage.ask(1, &[(Eternity, 0, 9)]);
            ask.application = ApplicationId(*app);
            stage.edge.ask(test, ask).await.unwrap();
            let mut row = usage(*app, &[(stage.shop.hits, (now_secs(db).await / 60) as u32, 9)]);
            row.cells = vec![CellTotalsV1 { metric: MetricId(stage.shop.hits), period: Eternity, window: 0, spent: 9, returned: 0 }];
            rows.push(row);
        }
        let answer = stage.edge.sync(test, crate::gateway::world::delivery(1, stage.epoch, 1, &rows)).await.unwrap();
        assert_eq!(answer.credits.len(), 60);
        assert!(answer.credits.is_sorted_by_key(|of| of.application));
        assert_eq!(wrong_accounts(db).await, vec![]);
    }
}
