//! What a batch leaves behind: series, cells, first traffic.

use super::world::{
    application, applications, cells, delivery, epoch, execute, gateway, limit, now_minute, plan,
    product, sql, sums_by_application, usage,
};
use crate::support::{Test, both_databases};
use tallygate::db::Tx;
use tallygate::on;
use tallygate::series::Series;
use tallygate_core::period::Period;

both_databases! {
    async fn a_minute_is_added_to_each_series(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        edge.deliver(test, delivery(1, epoch, 1, &[usage(app, &[(shop.hits, minute, 5), (shop.hits, minute, 2)])])).await;
        let sums = sums_by_application(db).await;
        let at_secs = u64::from(minute) * 60;
        let expected = Series::ALL.map(|series| ((app, shop.hits, series.as_str().to_owned(), series.window_start(at_secs)), 7));
        assert_eq!(sums, expected.into_iter().collect());
    }

    async fn usage_is_held_against_every_limit_of_the_plan(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 2).await;
        let mut tx = db.begin().await.unwrap();
        for period in Period::ALL {
            limit(&mut tx, shop.plan, shop.hits, period.as_str(), 100).await;
        }
        tx.commit().await.unwrap();
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let batch = |seq, delta| delivery(1, epoch, seq, &[
            usage(apps[0], &[(shop.hits, minute, delta), (shop.method, minute, delta)]),
            usage(apps[1], &[(shop.hits, minute, 1)]),
        ]);
        edge.deliver(test, batch(1, 5)).await;
        edge.deliver(test, batch(2, 2)).await;
        edge.sync(test, batch(2, 2)).await.unwrap();
        let mut expected = crate::gateway::world::Sums::new();
        for period in Period::ALL {
            let start = period.window(u64::from(minute) * 60).start as i64;
            expected.insert((apps[0], shop.hits, period.as_str().into(), start), 7);
            expected.insert((apps[1], shop.hits, period.as_str().into(), start), 2);
        }
        assert_eq!(cells(db).await, expected);
    }

    async fn a_new_limit_starts_from_what_was_used(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, now) = (epoch(db).await, now_minute(db).await);
        // Usage all over the last weeks, before there is a limit.
        let minutes: Vec<u32> = (0..60).map(|n| now - n * 701).collect();
        let before: Vec<_> = minutes.iter().map(|minute| (shop.hits, *minute, 3)).collect();
        edge.deliver(test, delivery(1, epoch, 1, &[usage(app, &before)])).await;
        let mut tx = db.begin().await.unwrap();
        let silver = plan(&mut tx, shop.id, "silver").await;
        for period in Period::ALL {
            limit(&mut tx, silver, shop.hits, period.as_str(), 100).await;
        }
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        sql!(&mut tx, "update application set plan_id = $1 where id = $2", silver, app);
        tx.commit().await.unwrap();
        edge.deliver(test, delivery(1, epoch, 2, &[usage(app, &[(shop.hits, now, 1)])])).await;
        let cells = cells(db).await;
        for period in Period::ALL {
            let window = period.window(u64::from(now) * 60);
            let inside = |minute: &&u32| {
                let at = u64::from(**minute) * 60;
                at >= window.start && window.end.is_none_or(|end| at < end)
            };
            // A minute has no series to start from.
            let before = if period == Period::Minute { 0 } else { 3 * minutes.iter().filter(inside).count() as i64 };
            let used = cells[&(app, shop.hits, period.as_str().to_owned(), window.start as i64)];
            assert_eq!(used, before + 1, "{period:?}");
        }
    }

    async fn cells_of_windows_long_over_go(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, now) = (epoch(db).await, now_minute(db).await);
        let mut tx = db.begin().await.unwrap();
        limit(&mut tx, shop.plan, shop.hits, "minute", 100).await;
        limit(&mut tx, shop.plan, shop.hits, "eternity", 100).await;
        for minute in [now - 500, now - 100, now - 30] {
            sql!(&mut tx, "insert into cell (application_id, metric_id, period, window_start, used) values ($1, $2, 'minute', $3, 1)",
                app, shop.hits, i64::from(minute) * 60);
        }
        tx.commit().await.unwrap();
        edge.deliver(test, delivery(1, epoch, 1, &[usage(app, &[(shop.hits, now, 1), (shop.hits, now - 3000, 1)])])).await;
        let minutes: Vec<i64> = cells(db).await.into_keys().filter(|key| key.2 == "minute").map(|key| key.3 / 60).collect();
        assert_eq!(minutes, [i64::from(now - 30), i64::from(now)]);
        assert_eq!(cells(db).await[&(app, shop.hits, "eternity".into(), 0)], 2);
    }

    async fn first_traffic_is_noted(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let mut tx = db.begin().await.unwrap();
        let app = application(&mut tx, shop, "app", "key").await;
        let idle = application(&mut tx, shop, "idle", "key").await;
        tx.commit().await.unwrap();
        let (epoch, now) = (epoch(db).await, now_minute(db).await);
        let day = now / 1440 * 1440;
        let firsts = async |id: i64| -> (Option<i64>, Option<i64>) {
            on!(db, |c| sqlx::query_as("select first_traffic_at, first_daily_traffic_at from application where id = $1")
                .bind(id).fetch_one(c)).unwrap()
        };
        let at_ms = |minute: u32| Some(i64::from(minute) * 60_000);
        let batch = |seq, minutes: &[u32]| delivery(1, epoch, seq, &[usage(app, &minutes.iter().map(|m| (shop.hits, *m, 1)).collect::<Vec<_>>())]);
        edge.deliver(test, batch(1, &[day - 3000, day - 2900, day - 2880])).await;
        assert_eq!(firsts(app).await, (at_ms(day - 3000), at_ms(day - 2880)), "the first of the latest day");
        edge.deliver(test, batch(2, &[day - 2990])).await;
        assert_eq!(firsts(app).await, (at_ms(day - 3000), at_ms(day - 2880)), "of an earlier day");
        edge.deliver(test, batch(3, &[day + 3, day - 1000, day + 1])).await;
        assert_eq!(firsts(app).await, (at_ms(day - 3000), at_ms(day + 1)));
        edge.deliver(test, batch(4, &[day + 2])).await;
        assert_eq!(firsts(app).await, (at_ms(day - 3000), at_ms(day + 1)));
        assert_eq!(firsts(idle).await, (None, None));
        let revision = db.revision().await.unwrap();
        edge.deliver(test, batch(5, &[day])).await;
        assert_eq!(db.revision().await.unwrap(), revision, "usage is no news to gateways");
    }

    async fn usage_waits_for_no_administrator(test: &Test) {
        if matches!(db_kind(test), crate::support::Kind::Sqlite) {
            return; // one writer at a time, by nature
        }
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, now) = (epoch(db).await, now_minute(db).await);
        let mut administrator = db.begin().await.unwrap();
        sql!(&mut administrator, "update application set name = 'x' where id = $1", app);
        edge.deliver(test, delivery(1, epoch, 1, &[usage(app, &[(shop.hits, now, 1)])])).await;
        administrator.commit().await.unwrap();
        edge.deliver(test, delivery(1, epoch, 2, &[usage(app, &[(shop.hits, now, 1)])])).await;
        let first = on!(db, |c| sqlx::query_scalar::<_, Option<i64>>("select first_traffic_at from application where id = $1")
            .bind(app).fetch_one(c)).unwrap();
        assert!(first.is_some(), "noted with the next batch");
        execute(db, "update application set name = 'y' where id = $1", app).await;
    }
}

fn db_kind(test: &Test) -> crate::support::Kind {
    match test.app.db.handle() {
        tallygate::db::Handle::Sqlite(_) => crate::support::Kind::Sqlite,
        tallygate::db::Handle::Postgres(_) => crate::support::Kind::Postgres,
    }
}
