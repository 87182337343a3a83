//! Usage and alerts as developers see them.

use super::signed_up;
use crate::support::{Browser, Test, both_databases};
use tallygate::db::Tx;
use tallygate::store::ledger::{self, Owner};
use tallygate::store::{alert_choices, alerts, traffic};

/// An application of Ann's on a plan with 100 hits a day; ids of account, application and `hits`.
async fn application(t: &Test) -> (i64, i64, i64) {
    let (account, _) = signed_up(t, "ann").await;
    let api = t
        .post(
            "/admin/api/services.json",
            &[("name", "Mail"), ("system_name", "mail_x")],
        )
        .await
        .expect(201)
        .id("/service/id");
    let metrics = t
        .get(&format!("/admin/api/services/{api}/metrics.json"))
        .await
        .expect(200);
    let hits = metrics.id("/metrics/0/metric/id");
    let plan = t
        .post(
            &format!("/admin/api/services/{api}/application_plans.json"),
            &[("name", "Gold")],
        )
        .await
        .expect(201)
        .id("/application_plan/id");
    let limit = [("period", "day"), ("value", "100")];
    t.post(
        &format!("/admin/api/application_plans/{plan}/metrics/{hits}/limits.json"),
        &limit,
    )
    .await
    .expect(201);
    let plan = plan.to_string();
    let form = [
        ("plan_id", plan.as_str()),
        ("name", "\"><script>alert(1)"),
        ("description", "x"),
    ];
    let made = t
        .post(
            &format!("/admin/api/accounts/{account}/applications.json"),
            &form,
        )
        .await
        .expect(201);
    (account, made.id("/application/id"), hits)
}

/// Usage of this day.
async fn used(tx: &mut Tx, application: i64, hits: i64, value: i64) {
    let now_secs = tx.now_ms().await.unwrap() / 1000;
    let minute = u32::try_from(now_secs / 60).unwrap();
    let sums = tallygate::ledger::totals::sums(&[tallygate::ledger::totals::Entry {
        owner: application,
        metric: hits,
        minute,
        delta: value,
    }]);
    ledger::add(tx, Owner::Application, &sums).await.unwrap();
}

both_databases! {
    async fn usage_is_drawn_and_downloaded(t: &Test) {
        let (_, app, hits) = application(t).await;
        let mut tx = t.app.db.begin().await.unwrap();
        used(&mut tx, app, hits, 85).await;
        let quarter = tx.now_ms().await.unwrap() / 900_000 * 900;
        let mut row = traffic::NewRow { application_id: app, start_secs: quarter, outcomes: [0; 8], durations: [0; 13] };
        (row.outcomes[0], row.outcomes[3], row.outcomes[6], row.durations[2]) = (1_070, 10, 7, 1_080);
        traffic::add(&mut tx, &[row]).await.unwrap();
        tx.commit().await.unwrap();
        let ann = Browser::signed_in(t, "ann").await;
        for period in ["day", "week", "month", "year"] {
            let page = ann.get(&format!("/buyer/stats?application_id={app}&period={period}")).await.expect(200).text;
            assert!(page.contains("<td class=\"num\">85</td>") && page.contains("<path class=\"series-1"), "{page}");
            assert!(page.contains("85 %") && page.contains("class=\"warn\""), "{page}");
            // Answers of the API, what gateways refused, how long it took.
            assert!(page.contains(">1\u{202f}087<") && page.contains(">0.9\u{202f}%<") && page.contains("A limit was exceeded"), "{page}");
            assert!(page.contains("<path class=\"line-1\"") && page.contains(" ms</span>"), "{page}");
        }
        let csv = ann.get(&format!("/buyer/stats.csv?application_id={app}&period=year")).await.expect(200);
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert!(csv.text.starts_with("from,to,\"hits\"\r\n") && csv.text.ends_with(",85\r\n"), "{}", csv.text);
    }

    async fn what_is_typed_wrong_is_said_at_its_field(t: &Test) {
        let (_, app, _) = application(t).await;
        let ann = Browser::signed_in(t, "ann").await;
        for (query, field) in [
            ("period=custom&since=2026-02-30&until=2026-03-01", "since-problem"),
            ("period=custom&since=2026-03-01", "until-problem"),
            ("since=2026-03-02&until=2026-03-01", "until-problem"),
            ("since=1970-01-01&until=9998-12-31", "until-problem"),
            ("since=-009999-01-01&until=-009999-01-02", "since-problem"),
            ("metric_name=%22%3E%3Cscript%3E", "notice error"),
            ("period=century", "notice error"),
        ] {
            let page = ann.get(&format!("/buyer/stats?application_id={app}&{query}")).await.expect(422).text;
            assert!(page.contains(field) && !page.contains("\"><script"), "{query}: {page}");
            ann.get(&format!("/buyer/stats.csv?application_id={app}&{query}")).await.expect(422);
        }
    }

    async fn other_accounts_see_none_of_it(t: &Test) {
        let (_, app, hits) = application(t).await;
        let alert = raised(t, app, hits).await;
        signed_up(t, "eve").await;
        let eve = Browser::signed_in(t, "eve").await;
        eve.get(&format!("/buyer/stats?application_id={app}")).await.expect(404);
        eve.get(&format!("/buyer/stats.csv?application_id={app}")).await.expect(404);
        eve.post(&format!("/admin/alerts/{alert}/read"), &[]).await.expect(404);
        let id = app.to_string();
        eve.post("/admin/alerts/mails", &[("application_id", &id), ("level", "0")]).await.expect(404);
        assert!(eve.get("/buyer/stats").await.expect(200).text.contains("No application yet"));
        assert!(eve.get("/admin/alerts").await.expect(200).text.contains("No alerts"));
    }

    async fn alerts_are_listed_read_and_mailed_as_chosen(t: &Test) {
        let (_, app, hits) = application(t).await;
        let alert = raised(t, app, hits).await;
        let ann = Browser::signed_in(t, "ann").await;
        let page = ann.get("/admin/alerts").await.expect(200).text;
        assert!(page.contains("Hits per day: limit reached") && page.contains("100 of 100 used"), "{page}");
        assert!(page.contains("class=\"unread\"") && page.contains("class=\"count\">1<"), "{page}");
        ann.post(&format!("/admin/alerts/{alert}/read"), &[]).await.expect(303);
        let page = ann.get("/admin/alerts").await.expect(200).text;
        assert!(!page.contains("class=\"unread\"") && !page.contains("class=\"count\""), "{page}");
        raised_at(t, app, hits, 120).await;
        assert!(ann.get("/admin/alerts").await.expect(200).text.contains("class=\"unread\""));
        ann.post("/admin/alerts/read_all", &[]).await.expect(303);
        assert!(!ann.get("/admin/alerts").await.expect(200).text.contains("class=\"unread\""));
        let id = app.to_string();
        for (level, kept, status) in [("100", 100, 303), ("0", 0, 303), ("55", 0, 422), ("x", 0, 422), ("", 0, 422)] {
            ann.post("/admin/alerts/mails", &[("application_id", &id), ("level", level)]).await.expect(status);
            let mut tx = t.app.db.read().await.unwrap();
            assert_eq!(alert_choices::get(&mut tx, app).await.unwrap(), kept, "{level}");
        }
    }
}

async fn raised(t: &Test, application: i64, hits: i64) -> i64 {
    raised_at(t, application, hits, 100).await
}

async fn raised_at(t: &Test, application_id: i64, hits: i64, level: i64) -> i64 {
    let mut tx = t.app.db.begin().await.unwrap();
    let alert = alerts::NewAlert {
        application_id,
        metric_id: hits,
        period: "day",
        window_start: 0,
        level,
        used: level,
        limit_value: 100,
    };
    let id = alerts::raise(&mut tx, alert).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}
