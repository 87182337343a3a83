//! What `export` writes is what `apply` reads.

use super::{EXAMPLE, apply, export, run};
use crate::support::{Test, both_databases};
use serde_json::json;

both_databases! {
    async fn a_new_product_is_a_few_lines(t: &Test) {
        t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201);
        let brief = export(t, &["--product", "mail"]).await;
        assert_eq!(brief, "products:\n  mail: {name: Mail}\n");
        let full = export(t, &["--full"]).await;
        assert!(full.contains("\n      on_disconnect: allow\n"), "{full}");
        assert!(full.contains("\n  signups_enabled: true\n"), "{full}");
        assert!(!full.contains("secret_token"), "{full}");
    }

    async fn an_export_changes_nothing_where_it_came_from(t: &Test) {
        run(t, &["apply", "-f", EXAMPLE], "").await.expect(0);
        odd(t).await;
        for detail in [&[][..], &["--full"]] {
            let file = export(t, detail).await;
            let again = apply(t, &file, &["--dry-run", "--prune-products"]).await;
            assert_eq!(again.status, 0, "{}\n{}\n{file}", again.out, again.error);
            assert_eq!(export(t, detail).await, file);
        }
        let one = export(t, &["--product", "odd"]).await;
        assert!(one.contains("  odd:") && !one.contains("  mail:"), "{one}");
        run(t, &["export", "--product", "nothing"], "").await.expect(1).says(&["there is no product nothing"]);
    }
}

/// An installation that is emptied and made again of its own export is the same.
async fn made_again(t: &Test) {
    run(t, &["apply", "-f", EXAMPLE], "").await.expect(0);
    odd(t).await;
    for detail in [&[][..], &["--full"]] {
        let file = export(t, detail).await;
        apply(t, "products: {}", &["--prune-products"])
            .await
            .expect(0)
            .says(&["2 deleted"]);
        apply(t, &file, &[]).await.expect(0);
        assert_eq!(export(t, detail).await, file);
    }
}

both_databases! {
    async fn an_export_makes_the_same_again(t: &Test) {
        made_again(t).await;
    }
}

/// A product with what is easily lost on the way: odd texts, several usages, several limits, texts of errors.
async fn odd(t: &Test) {
    let product = json!({
        "name": "Odd: #1, \"quoted\" \\ — ünïcode", "system_name": "odd", "description": "First.\n\n  Indented: yes\n- no list",
        "mandatory_app_key": false,
    });
    let made = t
        .json(reqwest::Method::POST, "/admin/api/services.json", &product)
        .await
        .expect(201);
    let id = made.id("/service/id");
    let path = format!("/admin/api/services/{id}");
    let metric = [
        ("friendly_name", "true"),
        ("system_name", "1.5"),
        ("unit", "yes"),
        ("description", "{a: b}"),
    ];
    let metric = t
        .post(&format!("{path}/metrics.json"), &metric)
        .await
        .expect(201)
        .id("/metric/id");
    let hits = t
        .get(&format!("{path}/metrics.json"))
        .await
        .expect(200)
        .id("/metrics/0/metric/id");
    t.put(
        &format!("{path}/metrics/{hits}.json"),
        &[("description", "Everything")],
    )
    .await
    .expect(200);
    let rule = json!({
        "methods": ["POST", "PUT"], "pattern": "/a/{b}.json$?c={d}", "last": true,
        "usages": [{"metric_id": metric, "delta": 3}, {"metric_id": hits, "delta": 1}],
    });
    t.json(
        reqwest::Method::POST,
        &format!("{path}/proxy/mapping_rules.json"),
        &rule,
    )
    .await
    .expect(201);
    let proxy = [
        ("error_no_match", "{\"error\": \"no\"}"),
        ("error_status_no_match", "418"),
        ("credentials_sources", "basic,query"),
    ];
    t.patch(&format!("{path}/proxy.json"), &proxy)
        .await
        .expect(200);
    let plan = [
        ("name", "Plan: a"),
        ("cost_per_month", "0.5"),
        ("setup_fee", "100"),
        ("state_event", "publish"),
    ];
    let plan = t
        .post(&format!("{path}/application_plans.json"), &plan)
        .await
        .expect(201)
        .id("/application_plan/id");
    t.put(
        &format!("{path}/application_plans/{plan}/default.json"),
        &[],
    )
    .await
    .expect(200);
    for (metric, period, value) in [
        (hits, "eternity", "0"),
        (hits, "minute", "5"),
        (metric, "eternity", "0"),
    ] {
        let limits = format!("/admin/api/application_plans/{plan}/metrics/{metric}/limits.json");
        t.post(&limits, &[("period", period), ("value", value)])
            .await
            .expect(201);
    }
}
