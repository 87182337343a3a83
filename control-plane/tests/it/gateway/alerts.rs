//! Alerts: raised by the ledger, once for each level of a window.

use super::world::{
    Gateway, Product, applications, delivery, epoch, gateway, limit, now_minute, product, usage,
};
use crate::support::{Test, both_databases};
use serde_json::Value;
use tallygate_core::id::MetricId;
use tallygate_core::period::Period;
use tallygate_core::wire::CellTotalsV1;

struct World {
    edge: Gateway,
    shop: Product,
    app: i64,
    epoch: i64,
    minute: u32,
}

/// An application with 100 hits a day.
async fn world(t: &Test) -> World {
    let db = &t.app.db;
    let edge = gateway(db, "production").await;
    let shop = product(db, "shop").await;
    let mut tx = db.begin().await.unwrap();
    limit(&mut tx, shop.plan, shop.hits, "day", 100).await;
    limit(&mut tx, shop.plan, shop.method, "day", 0).await;
    tx.commit().await.unwrap();
    let app = applications(db, shop, 2).await[0];
    let (epoch, minute) = (epoch(db).await, now_minute(db).await);
    World {
        edge,
        shop,
        app,
        epoch,
        minute,
    }
}

/// Levels of the alerts there are, the oldest first.
async fn levels(t: &Test, query: &str) -> Vec<i64> {
    let alerts = t
        .get(&format!("/admin/api/alerts.json?{query}"))
        .await
        .expect(200)
        .at("/alerts");
    alerts
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|alert| alert["alert"]["level"].as_i64().unwrap())
        .collect()
}

both_databases! {
    async fn late_usage_of_a_deleted_application_counts_and_raises_none(t: &Test) {
        let w = world(t).await;
        let hook = [("url", "https://hooks.example.com/"), ("active", "true"), ("alert_raised_on", "true")];
        t.put("/admin/api/webhooks.json", &hook).await.expect(200);
        let path = format!("/admin/api/accounts/{}/applications/{}.json", w.shop.account, w.app);
        t.delete(&path).await.expect(200);
        let rows = [usage(w.app, &[(w.shop.hits, w.minute, 60)])];
        w.edge.deliver(t, delivery(1, w.epoch, 1, &rows)).await;
        assert_eq!(levels(t, "").await, [0; 0]);
    }

    async fn each_level_is_raised_once(t: &Test) {
        let w = world(t).await;
        let mut raised = Vec::new();
        for (n, (delta, level)) in [
            (49, None), (1, Some(50)), (20, None), (25, Some(90)), (4, None), (1, Some(100)), (30, Some(120)), (500, Some(300)), (500, None),
        ].into_iter().enumerate() {
            let seq = n as u64 + 1;
            let rows = [usage(w.app, &[(w.shop.hits, w.minute, delta), (w.shop.method, w.minute, 1)])];
            w.edge.deliver(t, delivery(1, w.epoch, seq, &rows)).await;
            // Sent again, it changes nothing.
            w.edge.sync(t, delivery(1, w.epoch, seq, &rows)).await.unwrap();
            raised.extend(level);
            assert_eq!(levels(t, "").await, raised, "after {delta}");
        }
        let alert = t.get("/admin/api/alerts.json?level=300").await.expect(200).at("/alerts/0/alert");
        let message = alert["message"].as_str().unwrap();
        assert_eq!(message, "hits per day: 630/100");
        assert_eq!((alert["violation"].clone(), alert["application_id"].clone()), (Value::Bool(true), w.app.into()));
        // The next window is another.
        let rows = [usage(w.app, &[(w.shop.hits, w.minute - 24 * 60, 80)])];
        w.edge.deliver(t, delivery(1, w.epoch, 10, &rows)).await;
        let days = t.get("/admin/api/alerts.json?level=80").await.expect(200).at("/alerts");
        let windows: std::collections::BTreeSet<String> =
            days.as_array().unwrap().iter().map(|alert| alert["alert"]["window_start"].to_string()).collect();
        assert_eq!(windows.len(), if expired(&w) { 1 } else { 2 }, "{days}");
    }

    async fn what_is_reported_beside_leases_is_watched_too(t: &Test) {
        let w = world(t).await;
        let window = Period::Day.window(u64::from(w.minute) * 60).start;
        let mut spent = 0;
        for (seq, delta) in [(1, 60), (2, 10), (3, 25)] {
            spent += delta;
            let mut row = usage(w.app, &[(w.shop.hits, w.minute, delta)]);
            row.cells = vec![CellTotalsV1 { metric: MetricId(w.shop.hits), period: Period::Day, window, spent, returned: 0 }];
            w.edge.deliver(t, delivery(1, w.epoch, seq, &[row])).await;
        }
        assert_eq!(levels(t, "").await, [50, 90]);
    }

    async fn alerts_are_read_by_application(t: &Test) {
        let w = world(t).await;
        let other = applications_of(t, &w).await;
        for (seq, app, delta) in [(1, w.app, 50), (2, w.app, 50), (3, other, 90)] {
            w.edge.deliver(t, delivery(1, w.epoch, seq, &[usage(app, &[(w.shop.hits, w.minute, delta)])])).await;
        }
        let path = format!("/admin/api/accounts/{}/applications/{}/alerts", w.shop.account, w.app);
        let listed = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(listed.at("/alerts").as_array().unwrap().len(), 2);
        let xml = t.get(&format!("{path}.xml?state=unread")).await.expect(200).text;
        assert!(xml.contains("<alerts><alert><id>"), "{xml}");
        let newest = listed.id("/alerts/0/alert/id");
        let read = t.put(&format!("{path}/{newest}/read.json"), &[]).await.expect(200);
        assert_eq!(read.at("/alert/state"), "read");
        assert_eq!(t.get(&format!("{path}.json?state=unread")).await.at("/alerts").as_array().unwrap().len(), 1);
        t.put(&format!("{path}/read_all.json"), &[]).await.expect(200);
        assert_eq!(levels(t, "state=unread").await, [90], "the other application's");
        assert_eq!(levels(t, &format!("application_id={other}")).await, [90]);
        assert_eq!(levels(t, &format!("account_id={}&level=100", w.shop.account)).await, [100]);
        assert_eq!(levels(t, &format!("service_id={}", w.shop.id)).await.len(), 3);
        assert!(levels(t, "service_id=999").await.is_empty());
        assert_eq!(t.get("/admin/api/alerts.json?per_page=1").await.expect(200).at("/metadata/total_entries"), 3);
        // Another application's alert is not found here.
        let theirs = t.get(&format!("/admin/api/alerts.json?application_id={other}")).await.id("/alerts/0/alert/id");
        t.put(&format!("{path}/{theirs}/read.json"), &[]).await.expect(404);
        assert_eq!(levels(t, "state=unread").await, [90]);
        for (query, field) in [("level=55", "level"), ("level=x", "level"), ("state=new", "state"), ("page=-1", "page")] {
            assert_eq!(t.get(&format!("{path}.json?{query}")).await.expect(422).complaints(), [field], "{query}");
        }
        t.get(&format!("/admin/api/accounts/{}/applications/999/alerts.json", w.shop.account)).await.expect(404);
    }

    async fn alerts_go_to_the_webhook_with_the_usage_that_raised_them(t: &Test) {
        let w = world(t).await;
        let form = [("url", "https://example.com/events"), ("active", "true"), ("alert_raised_on", "true")];
        t.put("/admin/api/webhooks.json", &form).await.expect(200);
        let refused = t.app.db.begin().await.unwrap();
        drop(refused);
        w.edge.deliver(t, delivery(1, w.epoch, 1, &[usage(w.app, &[(w.shop.hits, w.minute, 85)])])).await;
        let told: Vec<(String, String)> = tallygate::on!(t.app.db, |c| sqlx::query_as(
            "select type, action from webhook_event"
        ).fetch_all(c)).unwrap();
        assert_eq!(told, [("alert".to_owned(), "raised".to_owned())]);
    }
}

/// The second application of the world.
async fn applications_of(t: &Test, w: &World) -> i64 {
    tallygate::on!(t.app.db, |c| sqlx::query_scalar::<_, i64>(
        "select id from application where id <> $1"
    )
    .bind(w.app)
    .fetch_one(c))
    .unwrap()
}

/// Whether yesterday's window is over for so long that its cell is not kept.
fn expired(w: &World) -> bool {
    w.minute % (24 * 60) > 60
}
