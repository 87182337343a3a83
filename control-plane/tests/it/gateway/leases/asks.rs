//! `POST /gateway/v1/leases`: what an ask is answered.

use super::stage::{asked, now_secs, stage, wrong_accounts};
use crate::gateway::world::{execute, gateway, metric, remove_gateway, sql};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::{Method, header};
use tallygate::db::Tx;
use tallygate::on;
use tallygate_core::id::ApplicationId;
use tallygate_core::period::Period::{Eternity, Hour, Minute, Month};
use tallygate_core::wire::{self, Ask, OutcomeV1};

both_databases! {
    async fn what_is_needed_is_granted_once(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let first = stage.edge.ask(test, stage.ask(1, &[(Eternity, 0, 5)])).await.unwrap();
        assert_eq!((first.outcome, first.epoch), (OutcomeV1::Granted, stage.epoch));
        let cell = first.cells[0];
        assert_eq!((cell.totals.granted, cell.totals.spent, cell.totals.returned), (5, 0, 0), "a new process gets its need");
        assert_eq!((cell.free, cell.elsewhere), (95, false));
        assert!(cell.limits_rev > 0);
        // The answer was lost: the same ask is told the same.
        let again = stage.edge.ask(test, stage.ask(1, &[(Eternity, 0, 5)])).await.unwrap();
        assert_eq!(again.cells[0], cell);
        // It has spent what it holds: that is read, and not settled.
        let mut more = stage.ask(1, &[(Eternity, 0, 7)]);
        more.cells[0].totals.spent = 4;
        let more = stage.edge.ask(test, more).await.unwrap().cells[0];
        assert_eq!((more.totals.granted, more.totals.spent), (11, 0));
        assert!(more.version > cell.version);
        let row = stage.cell(&test.app.db, Eternity, 0).await;
        assert_eq!((row.used, row.leased), (0, 11));
        let other = stage.edge.ask(test, stage.ask(2, &[(Eternity, 0, 1)])).await.unwrap().cells[0];
        assert_eq!((other.totals.granted, other.free, other.elsewhere), (1, 88, true));
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
    }

    async fn those_who_wait_with_it_get_what_can_be_spared(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut ask = stage.ask(1, &[(Eternity, 0, 1)]);
        ask.cells[0].want = 21;
        let told = stage.edge.ask(test, ask).await.unwrap().cells[0];
        assert_eq!(told.totals.granted, 21);
        let mut greedy = stage.ask(2, &[(Eternity, 0, 1)]);
        greedy.cells[0].want = 1_000;
        let told = stage.edge.ask(test, greedy).await.unwrap().cells[0];
        assert!(told.totals.granted > 1 && told.totals.granted <= 1 + 78 / 2, "half of what is left at most: {told:?}");
    }

    async fn all_cells_or_none(test: &Test) {
        let stage = stage(test, &[(Eternity, 100), (Month, 3)]).await;
        let month = Month.window(now_secs(&test.app.db).await).start;
        let both = |need| stage.ask(1, &[(Eternity, 0, need), (Month, month, need)]);
        let short = stage.edge.ask(test, both(4)).await.unwrap();
        assert_eq!(short.outcome, OutcomeV1::Short);
        assert_eq!(short.cells.iter().map(|cell| (cell.totals.granted, cell.free)).collect::<Vec<_>>(), [(0, 100), (0, 3)]);
        assert_eq!(stage.cell(&test.app.db, Eternity, 0).await.leased, 0);
        let granted = stage.edge.ask(test, both(3)).await.unwrap();
        assert_eq!(granted.outcome, OutcomeV1::Granted);
        assert_eq!(granted.cells.iter().map(|cell| cell.totals.granted).collect::<Vec<_>>(), [3, 3]);
        let short = stage.edge.ask(test, both(4)).await.unwrap();
        assert_eq!(short.outcome, OutcomeV1::Short, "one more on the month");
        assert_eq!(stage.cell(&test.app.db, Eternity, 0).await.leased, 3);
    }

    async fn a_process_never_heard_of_is_entered(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 2).await;
        let rows: Vec<(i64, i64)> = on!(test.app.db, |c| sqlx::query_as("select last_seq, gateway_id from instance").fetch_all(c)).unwrap();
        assert_eq!(rows, [(0, stage.edge.id)]);
        // Only reports say that it is alive.
        let seen = || async { on!(test.app.db, |c| sqlx::query_scalar::<_, i64>("select last_seen_at from instance").fetch_one(c)).unwrap() };
        let before = seen().await;
        test.app.db.pass_time(5_000);
        process.get(test, 3).await;
        assert_eq!(seen().await, before);
        assert_eq!(process.report(test, 3).await.ack, 1);
        assert!(seen().await >= before + 5_000);
    }

    async fn a_new_cell_starts_from_what_was_used(test: &Test) {
        let stage = stage(test, &[]).await;
        let mut process = stage.process(1, Eternity);
        process.get(test, 30).await;
        process.report(test, 30).await;
        let mut tx = test.app.db.begin().await.unwrap();
        for (period, value) in [("month", 100), ("hour", 100)] {
            crate::gateway::world::limit(&mut tx, stage.shop.plan, stage.shop.hits, period, value).await;
        }
        tx.commit().await.unwrap();
        let now = now_secs(&test.app.db).await;
        for period in [Month, Hour] {
            let window = period.window(now).start;
            let told = stage.edge.ask(test, stage.ask(1, &[(period, window, 1)])).await.unwrap().cells[0];
            assert_eq!((told.totals.granted, told.free), (1, 69), "{period:?}");
            assert_eq!(stage.cell(&test.app.db, period, window).await.used, 30);
        }
    }

    async fn a_ledger_of_another_epoch_and_a_window_that_is_not_open_say_later(test: &Test) {
        let stage = stage(test, &[(Hour, 100)]).await;
        let now = now_secs(&test.app.db).await;
        let hour = Hour.window(now).start;
        let mut stale = stage.ask(1, &[(Hour, hour, 1)]);
        stale.epoch -= 1;
        for ask in [
            stale,
            stage.ask(1, &[(Hour, hour - 3600, 1)]),
            stage.ask(1, &[(Hour, hour + 7200, 1)]),
            stage.ask(1, &[(Hour, hour + 1, 1)]),
            stage.ask(1, &[(Hour, hour, 1), (Hour, hour - 7200, 1)]),
        ] {
            let answer = stage.edge.ask(test, ask.clone()).await.unwrap();
            assert_eq!((answer.outcome, answer.cells, answer.epoch), (OutcomeV1::Later, vec![], stage.epoch), "{ask:?}");
        }
        let leases = on!(test.app.db, |c| sqlx::query_scalar::<_, i64>("select count(*) from lease").fetch_one(c)).unwrap();
        assert_eq!(leases, 0);
    }

    async fn who_may_not_call_finds_nothing_left(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let db = &test.app.db;
        let nothing_left = async |app: i64, why: &str| {
            let mut ask = stage.ask(1, &[(Eternity, 0, 1)]);
            ask.application = ApplicationId(app);
            let answer = stage.edge.ask(test, ask).await.unwrap();
            assert_eq!(answer.outcome, OutcomeV1::Short, "{why}");
            let cell = answer.cells[0];
            assert_eq!((cell.totals.granted, cell.free, cell.elsewhere), (0, 0, true), "{why}");
            cell.version
        };
        nothing_left(999_999, "unknown").await;
        execute(db, "update application set state = 'suspended' where id = $1", stage.app).await;
        nothing_left(stage.app, "suspended").await;
        execute(db, "update application set state = 'live' where id = $1", stage.app).await;
        execute(db, "update account set state = 'pending' where id = $1", stage.shop.account).await;
        nothing_left(stage.app, "its account is not approved").await;
        execute(db, "update account set state = 'approved' where id = $1", stage.shop.account).await;
        assert_eq!(stage.edge.ask(test, stage.ask(1, &[(Eternity, 0, 1)])).await.unwrap().outcome, OutcomeV1::Granted);
        execute(db, "update application set deleted_at = 1 where id = $1", stage.app).await;
        // The answer must count at a gateway that knows how the cell stood.
        let version = stage.cell(db, Eternity, 0).await.version;
        assert!(version > 0);
        assert_eq!(nothing_left(stage.app, "deleted").await, version.unsigned_abs());
    }

    async fn a_request_may_meet_hundreds_of_limits(test: &Test) {
        let stage = stage(test, &[(Minute, 100)]).await;
        let window = Minute.window(now_secs(&test.app.db).await).start;
        let cells: Vec<_> = (0..1_000).map(|n| (Minute, window - n * 60, 1)).collect();
        let answer = stage.edge.ask(test, stage.ask(1, &cells)).await.unwrap();
        assert_eq!(answer.outcome, OutcomeV1::Later, "not all of these windows are open, but it makes sense");
    }

    async fn a_limit_that_is_gone_limits_nothing(test: &Test) {
        let stage = stage(test, &[]).await;
        let told = stage.edge.ask(test, stage.ask(1, &[(Eternity, 0, 1_000_000)])).await.unwrap();
        assert_eq!((told.outcome, told.cells[0].totals.granted), (OutcomeV1::Granted, 1_000_000));
    }

    async fn the_rules_of_sync_hold_for_asks(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let db = &test.app.db;
        let other = gateway(db, "staging").await;
        let ask = || stage.ask(1, &[(Eternity, 0, 1)]);
        stage.edge.ask(test, ask()).await.unwrap();
        assert_eq!(other.ask(test, ask()).await.unwrap_err().0, 403);
        remove_gateway(db, stage.edge.id).await;
        assert_eq!(stage.edge.ask(test, ask()).await.unwrap_err().0, 401);
        assert_eq!(other.ask(test, ask()).await.unwrap().outcome, OutcomeV1::Granted, "it has taken its place");
        execute(db, "update instance set fenced = true where gateway_id = $1", stage.edge.id).await;
        assert_eq!(other.ask(test, ask()).await.unwrap_err().0, 409);
        let reply = send(test.request(Method::POST, "/gateway/v1/leases")).await.expect(401);
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }

    async fn people_ask_in_json(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let ask = Ask::V1(stage.ask(1, &[(Eternity, 0, 2)]));
        let reply = stage.edge.json(test, Method::POST, "/gateway/v1/leases", Some(&ask)).await.expect(200);
        assert_eq!(reply.at("/v1/outcome"), "granted");
        assert_eq!(reply.at("/v1/cells/0/totals/granted"), 2);
        assert_eq!(reply.headers[header::CONTENT_TYPE], wire::JSON);
    }

    async fn who_is_short_recalls_what_others_hold(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 10).await;
        let told = two.refused(test, 3).await;
        assert_eq!((told.free, told.elsewhere), (0, true));
        let recalled = on!(test.app.db, |c| sqlx::query_scalar::<_, i64>("select count(*) from lease where recalled_at > 0").fetch_one(c)).unwrap();
        assert_eq!(recalled, 1);
        // Who is not heard of any more will not return it: the refusal lasts.
        test.app.db.pass_time(31_000);
        two.hello(test).await;
        assert!(!two.refused(test, 3).await.elsewhere);
        one.hello(test).await;
        assert!(two.refused(test, 3).await.elsewhere);
    }

    async fn what_can_never_be_had_is_recalled_from_nobody(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let (mut one, mut two) = (stage.process(1, Eternity), stage.process(2, Eternity));
        one.get(test, 10).await;
        let told = two.refused(test, 11).await;
        assert!(!told.elsewhere, "more than the limit");
        let recalled = on!(test.app.db, |c| sqlx::query_scalar::<_, i64>("select count(*) from lease where recalled_at > 0").fetch_one(c)).unwrap();
        assert_eq!(recalled, 0);
    }

    async fn what_is_short_is_kept_for_the_first(test: &Test) {
        let stage = stage(test, &[(Eternity, 10)]).await;
        let (mut one, mut two, mut three) = (stage.process(1, Eternity), stage.process(2, Eternity), stage.process(3, Eternity));
        one.get(test, 8).await;
        two.refused(test, 5).await;
        let told = three.refused(test, 1).await;
        assert_eq!((told.free, told.elsewhere), (0, true), "2 are free, and kept for the one before");
        one.hello(test).await;
        assert_eq!((one.returned, one.left()), (8, 0));
        one.report(test, 0).await;
        two.get(test, 5).await;
        three.get(test, 1).await;
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
    }

    async fn a_metric_must_be_of_the_applications_product(test: &Test) {
        let (stage, other) = (stage(test, &[(Eternity, 10)]).await, stage(test, &[]).await);
        for (metric, text) in [(other.shop.hits, "of another product"), (999_999, "does not exist")] {
            let mut ask = stage.ask(1, &[]);
            ask.cells.push(asked(metric, Eternity, 0, 1));
            let (status, body) = stage.edge.ask(test, ask).await.unwrap_err();
            assert!(status == 422 && body.contains(text), "{status} {body}");
        }
        let mut tx = test.app.db.begin().await.unwrap();
        let gone = metric(&mut tx, stage.shop.id, None, "gone").await;
        sql!(&mut tx, "update metric set deleted_at = 1 where id = $1", gone);
        tx.commit().await.unwrap();
        let mut ask = stage.ask(1, &[]);
        ask.cells.push(asked(gone, Eternity, 0, 1));
        assert_eq!(stage.edge.ask(test, ask).await.unwrap().outcome, OutcomeV1::Granted, "a snapshot may lag behind");
    }
}
