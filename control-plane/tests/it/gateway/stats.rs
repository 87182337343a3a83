//! Usage over time: shapes, ranges, time zones, and that everything adds up.

use super::world::{Product, applications, delivery, epoch, gateway, now_minute, product, usage};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::json;
use tallygate::db::Db;
use tallygate::ledger::totals::{Entry, merge, sums};
use tallygate::store::ledger::{self as store, Owner};

both_databases! {
    async fn what_was_answered_for_is_visible(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 2).await;
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        for seq in 1..=5 {
            edge.deliver(test, delivery(1, epoch, seq, &[
                usage(apps[0], &[(shop.hits, minute, 3), (shop.method, minute, 2)]),
                usage(apps[1], &[(shop.hits, minute, 1)]),
            ])).await;
            let total = async |path: String| test.get(&path).await.expect(200).at("/total").as_u64().unwrap();
            assert_eq!(total(format!("/stats/services/{}/usage.json?metric_name=hits&period=day", shop.id)).await, seq * 4);
            assert_eq!(total(format!("/stats/services/{}/usage.json?metric_name=send&period=year", shop.id)).await, seq * 2);
            assert_eq!(total(format!("/stats/applications/{}/usage.json?metric_name=hits&period=week", apps[0])).await, seq * 3);
            assert_eq!(total(format!("/stats/applications/{}/usage.json?metric_name=hits&period=eternity", apps[1])).await, seq);
        }
    }

    async fn shapes(test: &Test) {
        let db = &test.app.db;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        record(db, shop, app, &[("2010-06-01T10:35:00Z", 1), ("2010-06-02T09:59:00Z", 2), ("2010-06-02T10:00:00Z", 4)]).await;
        let query = "metric_name=hits&period=day&since=2010-06-01%2010:00:00&skip_change=false";
        let reply = test.get(&format!("/stats/applications/{app}/usage.json?{query}")).await.expect(200);
        let mut values = vec![0; 24];
        (values[0], values[23]) = (1, 2);
        assert_eq!(reply.value(), json!({
            "metric": {"id": shop.hits, "name": "hits", "system_name": "hits", "unit": "hit"},
            "period": {"name": "day", "since": "2010-06-01T10:00:00Z", "until": "2010-06-02T09:59:59Z", "timezone": "Etc/UTC", "granularity": "hour"},
            "total": 3,
            "values": values,
            "previous_total": 0,
            "change": 100.0,
            "application": {
                "id": app, "name": "App <1>", "state": "live", "description": "",
                "link": format!("/admin/api/accounts/{}/applications/{app}.json", shop.account),
                "plan": {"id": shop.plan, "name": "bronze"},
                "account": {"id": shop.account, "name": "Customer & Co"},
                "service": {"id": shop.id},
            },
        }));
        let reply = test.get(&format!("/stats/services/{}/usage.json?metric_name=hits&since=2010-06-01&until=2010-06-02&granularity=day", shop.id)).await.expect(200);
        assert_eq!(reply.value(), json!({
            "metric": {"id": shop.hits, "name": "hits", "system_name": "hits", "unit": "hit"},
            "period": {"name": null, "since": "2010-06-01T00:00:00Z", "until": "2010-06-02T23:59:59Z", "timezone": "Etc/UTC", "granularity": "day"},
            "total": 7,
            "values": [1, 6],
        }));
        let reply = test.get(&format!("/stats/applications/{app}/usage.xml?{query}&timezone=Madrid")).await.expect(200);
        assert_eq!(reply.headers["content-type"], "application/xml; charset=utf-8");
        let expected = format!(
            "<usage><metric><id>{}</id><name>hits</name><system_name>hits</system_name><unit>hit</unit></metric>\
             <period><since>2010-06-01T10:00:00+02:00</since><until>2010-06-02T09:59:59+02:00</until><name>day</name>\
             <timezone>Europe/Madrid</timezone><granularity>hour</granularity></period>\
             <data><total>1</total><values length=\"24\">0,0,1,{}</values></data>\
             <application><id>{app}</id><name>App &lt;1&gt;</name><plan><id>{}</id><name>bronze</name></plan>\
             <account><name>Customer &amp; Co</name><id>{}</id></account></application></usage>",
            shop.hits, ["0"; 21].join(","), shop.plan, shop.account,
        );
        assert!(reply.text.ends_with(&expected), "{}\n{expected}", reply.text);
    }

    async fn periods_and_time_zones(test: &Test) {
        let db = &test.app.db;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        record(db, shop, app, &[
            ("2009-12-31T10:35:00Z", 1), ("2009-12-31T23:20:00Z", 1), ("2010-01-01T12:21:00Z", 1),
            ("2010-12-01T12:21:00Z", 1), ("2011-01-01T23:21:00Z", 1),
        ]).await;
        let ask = async |query: &str| test.get(&format!("/stats/services/{}/usage.json?metric_name=hits&{query}", shop.id)).await.expect(200).value();
        let year = ask("period=year&since=2010-01-01&timezone=Madrid&skip_change=false").await;
        assert_eq!(year["values"], json!([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(year["period"], json!({"name": "year", "since": "2010-01-01T00:00:00+01:00", "until": "2010-12-31T23:59:59+01:00", "timezone": "Europe/Madrid", "granularity": "month"}));
        assert_eq!((&year["previous_total"], &year["change"]), (&json!(1), &json!(200.0)));
        let year = ask("period=year&since=2010-01-01&timezone=America/New_York&skip_change=false").await;
        assert_eq!((&year["total"], &year["previous_total"], &year["change"]), (&json!(2), &json!(2), &json!(0.0)));
        let week = ask("period=week&since=2009-12-31&timezone=Asia/Kathmandu").await;
        assert_eq!(week["period"]["granularity"], json!(21600));
        assert_eq!(week["values"].as_array().unwrap().len(), 28);
        assert_eq!(week["total"], json!(3));
        let month = ask("period=month&since=2010-01-31").await;
        assert_eq!((&month["period"]["since"], &month["period"]["until"]), (&json!("2010-01-31T00:00:00Z"), &json!("2010-02-27T23:59:59Z")));
        let all = ask("period=eternity").await;
        assert_eq!((&all["total"], &all["values"]), (&json!(5), &json!([5])));
        assert_eq!(all["period"]["until"], json!("9999-12-31T23:59:59Z"));
        // Up to now, unless since is given.
        for (period, least) in [("day", 24), ("week", 28), ("month", 28), ("year", 12)] {
            let values = ask(&format!("period={period}")).await["values"].as_array().unwrap().len();
            assert!((least..=least + 4).contains(&values), "{period}: {values}");
        }
        // An offset in the moment counts.
        let hours = ask("since=2010-01-01T13:00:00%2B01:00&until=2010-01-01T12:59:59Z&granularity=hour&timezone=Madrid").await;
        assert_eq!((&hours["values"], &hours["period"]["since"]), (&json!([1]), &json!("2010-01-01T13:00:00+01:00")));
    }

    async fn days_of_23_and_25_hours(test: &Test) {
        let db = &test.app.db;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let every_hour: Vec<(String, i64)> = (0..24 * 400)
            .map(|n| ("2025-01-01T00:30:00Z".parse::<Timestamp>().unwrap().checked_add(n.hours()).unwrap().to_string(), 1))
            .collect();
        record(db, shop, app, &every_hour.iter().map(|(at, delta)| (at.as_str(), *delta)).collect::<Vec<_>>()).await;
        let values = async |query: &str| -> Vec<i64> {
            let reply = test.get(&format!("/stats/services/{}/usage.json?metric_name=hits&{query}", shop.id)).await.expect(200);
            serde_json::from_value(reply.at("/values")).unwrap()
        };
        let days = values("period=month&since=2025-03-01&timezone=Europe/Madrid").await;
        let mut expected = vec![24; 31];
        expected[29] = 23;
        assert_eq!(days, expected);
        let days = values("period=month&since=2025-10-01&timezone=Europe/Madrid").await;
        let mut expected = vec![24; 31];
        expected[25] = 25;
        assert_eq!(days, expected);
        assert_eq!(values("period=day&since=2025-10-26&timezone=Europe/Madrid").await, vec![1; 25]);
        assert_eq!(values("period=day&since=2025-03-30&timezone=Europe/Madrid").await, vec![1; 23]);
        assert_eq!(values("since=2025-10-26&until=2025-10-26&granularity=21600&timezone=Europe/Madrid").await, [7]);
        assert_eq!(values("period=year&since=2025-01-01&timezone=Europe/Madrid").await.iter().sum::<i64>(), 365 * 24 - 1, "the first hour is of 2024 there");
    }

    async fn buckets_add_up_in_every_time_zone(test: &Test) {
        let db = &test.app.db;
        let mut random = StdRng::seed_from_u64(1);
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let first = "2023-12-20T00:00:00Z".parse::<Timestamp>().unwrap().as_second() / 60;
        let used: Vec<(i64, i64)> = (0..3000).map(|_| (first + random.random_range(0..420 * 1440), random.random_range(1..100))).collect();
        let mut entries: Vec<Entry> = used.iter().map(|(minute, delta)| Entry { owner: app, metric: shop.hits, minute: u32::try_from(*minute).unwrap(), delta: *delta }).collect();
        write(db, shop, &mut entries).await;
        let zones = ["UTC", "Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Pacific/Kiritimati", "Africa/Casablanca"];
        for zone in zones {
            for (granularity, longest) in [("hour", 80), ("21600", 170), ("day", 360), ("month", 400)] {
                let rules = TimeZone::get(zone).unwrap();
                let since: DateTime = "2024-01-01".parse::<DateTime>().unwrap().checked_add(random.random_range(0..20 * 1440_i64).minutes()).unwrap();
                let until = since.checked_add(random.random_range(0..longest * 1440_i64).minutes()).unwrap();
                let path = format!(
                    "/stats/applications/{app}/usage.json?metric_name=hits&since={since}&until={until}&granularity={granularity}&timezone={zone}"
                );
                let reply = test.get(&path).await.expect(200).value();
                let moment = |name: &str| reply["period"][name].as_str().unwrap().parse::<Timestamp>().unwrap();
                let (start, end) = (moment("since"), moment("until"));
                assert!(start <= rules.to_timestamp(since).unwrap() && end >= rules.to_timestamp(until).unwrap(), "{path}");
                let inside = |minute: &i64| *minute * 60 >= start.as_second() && *minute * 60 <= end.as_second();
                let total: i64 = used.iter().filter(|(minute, _)| inside(minute)).map(|(_, delta)| delta).sum();
                let values: Vec<i64> = serde_json::from_value(reply["values"].clone()).unwrap();
                assert_eq!(reply["total"], json!(total), "{path}");
                assert_eq!(values.iter().sum::<i64>(), total, "{path}");
                // Each by itself, counted plainly.
                let mut plain = vec![0; values.len()];
                for (minute, delta) in used.iter().filter(|(minute, _)| inside(minute)) {
                    plain[bucket(&rules, granularity, start, *minute * 60)] += delta;
                }
                assert_eq!(values, plain, "{path}");
            }
        }
    }

    async fn what_cannot_be_asked_is_refused(test: &Test) {
        let db = &test.app.db;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let ask = async |query: &str| test.get(&format!("/stats/services/{}/usage.json?{query}", shop.id)).await;
        for (query, field) in [
            ("period=day", "metric_name"), ("period=day&metric_name=", "metric_name"), ("period=day&metric_name=nope", "metric_name"),
            ("period=decade&metric_name=hits", "period"), ("period=day&metric_name=hits&skip_change=maybe", "skip_change"),
        ] {
            assert_eq!(ask(query).await.expect(422).complaints(), [field], "{query}");
        }
        for (query, said) in [
            ("", "period"),
            ("since=2010-01-01", "period"),
            ("since=2010-01-01&until=2010-01-02", "period"),
            ("since=2010-01-01&granularity=day", "period"),
            ("period=day&granularity=minute", "granularity"),
            ("period=day&granularity=eternity", "eternity"),
            ("period=eternity&granularity=day", "eternity"),
            ("period=day&timezone=Nowhere", "timezone"),
            ("period=day&since=yesterday", "since"),
            ("period=day&since=2010-02-30", "since"),
            ("since=2010-01-01&until=2009-12-31&granularity=day", "until"),
            ("period=year&since=9999-12-31", "years"),
            ("period=year&granularity=hour&since=2010-01-01", "90 days"),
            ("since=2010-01-01&until=2011-01-02&granularity=day", "1 year"),
            ("since=2010-01-01&until=2010-04-02&granularity=hour", "90 days"),
            ("since=2010-01-01&until=2010-07-02&granularity=21600", "6 months"),
            ("since=2010-01-01&until=2020-01-02&granularity=month", "10 years"),
        ] {
            let reply = ask(&format!("metric_name=hits&{query}")).await.expect(400);
            assert!(reply.at("/error").as_str().unwrap().contains(said), "{query}: {}", reply.text);
        }
        for query in ["since=2010-01-01&until=2011-01-01&granularity=day", "since=2010-01-01&until=2010-04-01&granularity=hour", "period=month&since=0150-12-01&timezone=New%20Delhi"] {
            ask(&format!("metric_name=hits&{query}")).await.expect(200);
        }
        test.get("/stats/services/999/usage.json?metric_name=hits&period=day").await.expect(404);
        test.get("/stats/services/x/usage.json?metric_name=hits&period=day").await.expect(404);
        test.get(&format!("/stats/applications/{}/usage.json?metric_name=hits&period=day", app + 1)).await.expect(404);
        let path = format!("/stats/services/{}/usage.json?metric_name=hits&period=day", shop.id);
        send(test.request(Method::GET, &path)).await.expect(403);
        send(test.request(Method::GET, &format!("{path}&provider_key={}", test.provider_key))).await.expect(200);
    }
}

/// The bucket that a moment is in, by the calendar.
fn bucket(rules: &TimeZone, granularity: &str, start: Timestamp, at_secs: i64) -> usize {
    let wall = |at: Timestamp| rules.to_datetime(at);
    let at = Timestamp::from_second(at_secs).unwrap();
    let days = |to: DateTime| i64::from(wall(start).date().until(to.date()).unwrap().get_days());
    let bucket = match granularity {
        "hour" => (at_secs - start.as_second()) / 3600,
        "21600" => {
            days(wall(at)) * 4 + i64::from(wall(at).hour() / 6) - i64::from(wall(start).hour() / 6)
        }
        "day" => days(wall(at)),
        _ => {
            let months = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month());
            months(wall(at)) - months(wall(start))
        }
    };
    usize::try_from(bucket).unwrap()
}

async fn record(db: &Db, product: Product, app: i64, used: &[(&str, i64)]) {
    let minute =
        |at: &str| u32::try_from(at.parse::<Timestamp>().unwrap().as_second() / 60).unwrap();
    let mut entries: Vec<Entry> = used
        .iter()
        .map(|(at, delta)| Entry {
            owner: app,
            metric: product.hits,
            minute: minute(at),
            delta: *delta,
        })
        .collect();
    write(db, product, &mut entries).await;
}

/// Into the series, whatever their age.
async fn write(db: &Db, product: Product, entries: &mut Vec<Entry>) {
    let mut tx = db.begin().await.unwrap();
    merge(entries);
    store::add(&mut tx, Owner::Application, &sums(entries))
        .await
        .unwrap();
    for entry in entries.iter_mut() {
        entry.owner = product.id;
    }
    merge(entries);
    store::add(&mut tx, Owner::Product, &sums(entries))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}
