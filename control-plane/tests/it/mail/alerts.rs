//! Which alerts are mailed, and how often.

use super::{Post, application, product, sign_up};
use crate::support::{Test, both_databases};
use tallygate::alerts::growth::Growth;
use tallygate::alerts::watch;
use tallygate::leases::key::CellKey;
use tallygate::on;
use tallygate::store::alert_choices::{self as choices, NEVER};
use tallygate_core::period::Period;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Usage of a limit of 100 goes from so much to so much, in the n-th window. Whom that is mailed to, and how high.
async fn grows(
    t: &Test,
    post: &Post,
    application: i64,
    period: Period,
    n: i64,
    used: (i64, i64),
) -> Vec<String> {
    let metric: i64 = on!(t.app.db, |c| sqlx::query_scalar(
        "select min(id) from metric"
    )
    .fetch_one(c))
    .unwrap();
    let key = CellKey {
        application,
        metric,
        period,
        window_start: n * 86_400,
    };
    let mut tx = t.app.db.begin().await.unwrap();
    watch(
        &mut tx,
        Growth {
            key,
            before: used.0,
            after: used.1,
        },
        100,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    post.deliver(&t.app).await;
    let mut told: Vec<String> = post
        .sink
        .received()
        .iter()
        .map(|mail| {
            let text = mail.text();
            let (_, told) = text
                .split_once(&format!("hits per {period}: ", period = period.as_str()))
                .unwrap();
            format!("{} {}", mail.to.join(" "), told.lines().next().unwrap())
        })
        .collect();
    told.sort();
    told
}

both_databases! {
    async fn alerts_are_mailed_from_the_chosen_level_on(t: &Test) {
        let post = Post::start().await;
        let (_, bronze, _) = product(t).await;
        let account = sign_up(t, "dev").await;
        let (_, app) = application(t, account, bronze).await;
        post.arrivals(&t.app).await;
        let day = Period::Day;
        assert_eq!(grows(t, &post, app, day, 1, (0, 50)).await, [""; 0]);
        assert_eq!(grows(t, &post, app, day, 1, (50, 81)).await, ["api@acme.example 81/100", "dev@dev.example 81/100"]);
        assert_eq!(grows(t, &post, app, day, 1, (81, 85)).await, [""; 0]);
        assert_eq!(grows(t, &post, app, day, 1, (81, 85)).await, [""; 0]);
        assert_eq!(grows(t, &post, app, day, 1, (85, 110)).await, ["api@acme.example 110/100", "dev@dev.example 110/100"]);
        assert_eq!(grows(t, &post, app, day, 2, (0, 80)).await, ["api@acme.example 80/100", "dev@dev.example 80/100"], "the next window");
        for (mailed_from, told) in [(50, vec!["dev@dev.example 50/100"]), (100, vec![]), (NEVER, vec![])] {
            let mut tx = t.app.db.begin().await.unwrap();
            choices::set(&mut tx, app, mailed_from).await.unwrap();
            assert_eq!(choices::get(&mut tx, app).await.unwrap(), mailed_from);
            tx.commit().await.unwrap();
            assert_eq!(grows(t, &post, app, day, 10 + mailed_from, (0, 50)).await, told, "{mailed_from}");
        }
        assert_eq!(grows(t, &post, app, day, 200, (0, 100)).await, ["api@acme.example 100/100"], "never");
    }

    async fn limits_by_the_minute_are_mailed_once_a_day(t: &Test) {
        let post = Post::start().await;
        let (_, bronze, _) = product(t).await;
        let account = sign_up(t, "dev").await;
        let (_, app) = application(t, account, bronze).await;
        post.arrivals(&t.app).await;
        for (n, used, mails) in [(1, 80, 2), (2, 85, 0), (3, 100, 2), (4, 90, 0), (5, 100, 0), (6, 300, 2), (7, 300, 0)] {
            let told = grows(t, &post, app, Period::Minute, n, (0, used)).await;
            assert_eq!(told.len(), mails, "{n}: {told:?}");
        }
        t.app.db.pass_time(DAY_MS + 1);
        assert_eq!(grows(t, &post, app, Period::Minute, 8, (0, 80)).await.len(), 2);
        assert_eq!(grows(t, &post, app, Period::Hour, 8, (0, 80)).await.len(), 2, "another limit");
    }
}
