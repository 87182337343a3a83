//! Metrics of backends at the edge and in the ledger: known to gateways of every product that uses the backend, counted for
//! each, limited by its plans, and added up by backend.

use super::world::{delivery, epoch, gateway, now_minute, usage as row};
use crate::backends::{backend, deploy, hits, method, rule, usage};
use crate::products::{self, application, plan, product};
use crate::support::{Test, both_databases};
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::wire::{AskV1, AskedCellV1, LeaseTotalsV1, MetricV1, OutcomeV1};

fn told(metrics: &[MetricV1]) -> Vec<(i64, Option<i64>, String)> {
    let line = |metric: &MetricV1| {
        (
            metric.id.0,
            metric.parent.map(|id| id.0),
            metric.system_name.clone(),
        )
    };
    metrics.iter().map(line).collect()
}

both_databases! {
    async fn gateways_learn_of_a_backends_metrics(t: &Test) {
        let product = product(t, "Post").await;
        let mail = backend(t, "Mail").await;
        let of_mail = hits(t, mail).await;
        let sent = method(t, mail, "Sent").await;
        rule(t, mail, "/send", sent).await;
        let used = usage(t, product, mail, "/mail").await;
        let plan = plan(t, product, "Bronze").await;
        let form = [("period", "minute"), ("value", "5")];
        t.post(&format!("/admin/api/application_plans/{plan}/metrics/{sent}/limits.json"), &form).await.expect(201);
        deploy(t, product).await;
        let edge = gateway(&t.app.db, "staging").await;
        let page = edge.page(t, "after=0").await.unwrap();
        let own = products::hits(t, product).await;
        let mut expected = vec![
            (own, None, "hits".to_owned()),
            (of_mail, Some(own), format!("hits.{mail}")),
            (sent, Some(of_mail), format!("sent.{mail}")),
        ];
        expected.sort();
        assert_eq!(told(&page.products[0].metrics), expected);
        assert_eq!(page.products[0].plans[0].limits[0].metric.0, sent);
        assert_eq!(page.products[0].config.as_ref().unwrap().backends.len(), 1);

        // A new metric is a change of the product; a usage that is removed leaves its metrics to what is deployed.
        let after = format!("after={}", page.next.products);
        let more = method(t, mail, "Bounced").await;
        t.delete(&format!("/admin/api/services/{product}/backend_usages/{used}.json")).await.expect(200);
        let page = edge.page(t, &after).await.unwrap();
        expected.push((more, Some(of_mail), format!("bounced.{mail}")));
        assert_eq!(told(&page.products[0].metrics), expected);

        // Who reads the first version only is not sent what it would get wrong.
        let old = edge.page_of_version_1(t, "after=0").await.unwrap();
        assert_eq!(old.products[0].config, None);
        assert_eq!(told(&old.products[0].metrics), expected);
    }

    async fn usage_counts_in_every_product_that_uses_the_backend(t: &Test) {
        let mail = backend(t, "Mail").await;
        let (of_mail, sent) = (hits(t, mail).await, method(t, mail, "Sent").await);
        let maps = backend(t, "Maps").await;
        let of_maps = hits(t, maps).await;
        let (post, news) = (product(t, "Post").await, product(t, "News").await);
        let used = usage(t, post, mail, "/mail").await;
        usage(t, news, mail, "/").await;
        let of_post = application(t, plan(t, post, "Bronze").await).await;
        let of_news = application(t, plan(t, news, "Bronze").await).await;
        let db = &t.app.db;
        let edge = gateway(db, "production").await;
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        edge.deliver(t, delivery(1, epoch, 1, &[
            row(of_post, &[(of_mail, minute, 3), (sent, minute, 2)]),
            row(of_news, &[(of_mail, minute, 4)]),
        ])).await;
        // It was admitted while the usage was there.
        t.delete(&format!("/admin/api/services/{post}/backend_usages/{used}.json")).await.expect(200);
        edge.deliver(t, delivery(1, epoch, 2, &[row(of_post, &[(of_mail, minute, 10)])])).await;
        // A backend that the product never used is another's.
        let answer = edge.sync(t, delivery(1, epoch, 3, &[row(of_post, &[(of_maps, minute, 1)])])).await.unwrap();
        assert_eq!(answer.rejected.len(), 1, "{answer:?}");

        let total = async |whose: String, metric: String, period: &str| {
            let path = format!("/stats/{whose}/usage.json?metric_name={metric}&period={period}");
            let reply = t.get(&path).await.expect(200);
            assert_eq!(reply.at("/metric/system_name").as_str().unwrap().rsplit('.').next().unwrap(), mail.to_string());
            reply.at("/total").as_i64().unwrap()
        };
        for period in ["day", "year", "eternity"] {
            assert_eq!(total(format!("backend_apis/{mail}"), "hits".into(), period).await, 17, "{period}");
            assert_eq!(total(format!("backend_apis/{mail}"), format!("hits.{mail}"), period).await, 17);
            assert_eq!(total(format!("backend_apis/{mail}"), "sent".into(), period).await, 2);
            assert_eq!(total(format!("services/{post}"), format!("hits.{mail}"), period).await, 13);
            assert_eq!(total(format!("services/{news}"), format!("hits.{mail}"), period).await, 4);
            assert_eq!(total(format!("applications/{of_post}"), format!("sent.{mail}"), period).await, 2);
        }
        t.get(&format!("/stats/backend_apis/{mail}/usage.xml?metric_name=hits&period=day")).await.expect(200);
        let unknown = format!("/stats/backend_apis/{mail}/usage.json?metric_name=nothing&period=day");
        assert_eq!(t.get(&unknown).await.expect(422).complaints(), ["metric_name"]);
        t.get("/stats/backend_apis/999/usage.json?metric_name=hits&period=day").await.expect(404);
        t.get(&format!("/stats/services/{news}/usage.json?metric_name=hits.{maps}&period=day")).await.expect(422);
    }

    async fn credit_is_granted_of_a_backends_limit(t: &Test) {
        let mail = backend(t, "Mail").await;
        let of_mail = hits(t, mail).await;
        let post = product(t, "Post").await;
        usage(t, post, mail, "/mail").await;
        let bronze = plan(t, post, "Bronze").await;
        let form = [("period", "day"), ("value", "10")];
        t.post(&format!("/admin/api/application_plans/{bronze}/metrics/{of_mail}/limits.json"), &form).await.expect(201);
        let caller = application(t, bronze).await;
        let db = &t.app.db;
        let edge = gateway(db, "production").await;
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        edge.deliver(t, delivery(1, epoch, 1, &[row(caller, &[(of_mail, minute, 7)])])).await;
        let ask = async |metric: i64, need: u64| {
            edge.ask(t, AskV1 {
                instance: [1; 16],
                epoch,
                application: ApplicationId(caller),
                cells: vec![AskedCellV1 {
                    totals: LeaseTotalsV1 {
                        metric: MetricId(metric),
                        period: Period::Day,
                        window: Period::Day.window(u64::from(minute) * 60).start,
                        granted: 0,
                        spent: 0,
                        returned: 0,
                    },
                    need,
                    want: need,
                }],
            }).await
        };
        assert_eq!(ask(of_mail, 4).await.unwrap().outcome, OutcomeV1::Short);
        assert_eq!(ask(of_mail, 3).await.unwrap().outcome, OutcomeV1::Granted);
        let other = hits(t, backend(t, "Maps").await).await;
        assert!(matches!(ask(other, 1).await, Err((422, _))));
    }
}
