//! What `apply` does, and that it does it once.

use super::{EXAMPLE, apply, run};
use crate::support::{Test, both_databases};
use serde_json::json;

/// A product with one of each.
const SHOP: &str = "
products:
  shop:
    name: Shop
    metrics:
      bytes: {friendly_name: Bytes, unit: byte}
    methods:
      orders: {friendly_name: Orders}
      carts: {friendly_name: Carts}
    proxy: {endpoint: 'https://shop.example', api_backend: 'https://origin.example'}
    mapping_rules:
      - {methods: [GET, POST], pattern: '/orders/{id}$', usages: {orders: 2, bytes: 10}}
      - {methods: ANY, pattern: /carts, usages: carts, last: true}
    application_plans:
      free: {name: Free, default: true, limits: {hits: {minute: 10, day: 100}, carts: disabled}}
      paid: {name: Paid, cost_per_month: 9.5, state: published}
";

both_databases! {
    async fn the_example_of_the_documentation_is_applied_once(t: &Test) {
        let first = run(t, &["apply", "-f", EXAMPLE, "--promote"], "").await.expect(0);
        let first = first.says(&["+ product mail", "ANY /api/mail", "production now follows version 1 of mail"]);
        assert!(!first.out.contains('\u{1b}'), "no colours into a pipe: {}", first.out);
        let again = run(t, &["apply", "-f", EXAMPLE, "--promote", "--prune"], "").await.expect(0);
        again.says(&["Nothing to do: everything is as", "staging follows version 1 of mail", "production follows version 1 of mail"]);
        run(t, &["apply", "-f", EXAMPLE, "--dry-run", "--prune"], "").await.expect(0).says(&["Nothing to do"]);

        let services = t.get("/admin/api/services.json").await.expect(200);
        assert_eq!(services.at("/services/0/service/backend_version"), "2");
        let id = services.id("/services/0/service/id");
        let plans = t.get(&format!("/admin/api/services/{id}/application_plans.json")).await.expect(200);
        let names: Vec<_> = (0..4).map(|n| plans.at(&format!("/plans/{n}/application_plan/system_name"))).collect();
        assert_eq!(names, ["bronze", "silver", "gold", "platinum"]);
        assert_eq!(plans.at("/plans/0/application_plan/default"), true);
        assert_eq!(plans.at("/plans/3/application_plan/approval_required"), true);
        let rules = t.get(&format!("/admin/api/services/{id}/proxy/mapping_rules.json")).await.expect(200);
        // The catch-all that products begin with would let every path through.
        assert_eq!(rules.at("/mapping_rules").as_array().unwrap().len(), 5);
    }

    async fn only_what_differs_is_changed(t: &Test) {
        let first = apply(t, SHOP, &[]).await.expect(0);
        first.says(&["drafts until they are deployed", "Done: 12 made, 1 deleted"]);
        apply(t, SHOP, &[]).await.expect(0).says(&["Nothing to do"]);
        let changed = SHOP
            .replace("Orders}", "All orders}")
            .replace("minute: 10", "minute: 20")
            .replace("cost_per_month: 9.5", "cost_per_month: 12, default: true")
            .replace("Free, default: true", "Free")
            .replace("https://origin.example", "https://other.example");
        let dry = apply(t, &changed, &["--dry-run", "--json"]).await.expect(3).json();
        let seen: Vec<_> = dry["changes"].as_array().unwrap().iter().map(|change| {
            let last = change["path"].as_array().unwrap().last().unwrap().clone();
            (change["action"].clone(), last["kind"].clone(), change["fields"].clone())
        }).collect();
        assert_eq!(seen, [
            (json!("update"), json!("method"), json!({"friendly_name": {"from": "Orders", "to": "All orders"}})),
            (json!("update"), json!("proxy"), json!({"api_backend": {"from": "https://origin.example", "to": "https://other.example"}})),
            (json!("update"), json!("limit"), json!({"value": {"from": 10, "to": 20}})),
            (json!("update"), json!("plan"), json!({"cost_per_month": {"from": 9.5, "to": 12}, "default": {"from": null, "to": true}})),
        ]);
        assert_eq!(dry["made"], 0);
        assert_eq!(dry["changes"][0]["line"], 8);
        let text = apply(t, &changed, &["--dry-run"]).await.expect(3);
        text.says(&["~ limit hits per minute", "10 → 20", "api_backend  https://origin.example → https://other.example", "4 to change. Nothing was changed"]);
        let made = apply(t, &changed, &["--json"]).await.expect(0).json();
        assert_eq!(made["made"], 4);
        apply(t, &changed, &["--dry-run"]).await.expect(0).says(&["Nothing to do"]);
    }

    async fn what_the_file_does_not_name_goes_only_on_request(t: &Test) {
        apply(t, SHOP, &[]).await.expect(0);
        apply(t, "products: {other: {}}", &[]).await.expect(0);
        let less = "
products:
  shop:
    metrics: {}
    methods: {orders: {}}
    mapping_rules:
      - {methods: [GET, POST], pattern: '/orders/{id}$', usages: orders}
    application_plans:
      free: {limits: {hits: {day: 100}}}
";
        let kept = apply(t, less, &[]).await.expect(0);
        kept.says(&[
            "Not in the file, and left alone", "product shop, metric bytes", "product shop, method carts",
            "product shop, mapping rule ANY /carts", "product shop, plan paid", "product shop, plan free, limit hits per minute",
        ]);
        let dry = apply(t, less, &["--dry-run", "--prune"]).await.expect(3);
        dry.says(&["- method carts", "- metric bytes", "- mapping rule ANY /carts", "- plan paid", "- limit hits per minute", "6 to delete"]);
        apply(t, less, &["--prune"]).await.expect(0).says(&["Done: 6 deleted"]);
        apply(t, less, &["--prune"]).await.expect(0).says(&["Nothing to do"]);
        let services = t.get("/admin/api/services.json").await.expect(200);
        assert_eq!(services.at("/services").as_array().unwrap().len(), 2);
        apply(t, less, &["--prune-products"]).await.expect(0).says(&["- product other", "Done: 1 deleted"]);
        let services = t.get("/admin/api/services.json").await.expect(200);
        assert_eq!(services.at("/services").as_array().unwrap().len(), 1);
    }

    async fn rules_end_in_the_files_order(t: &Test) {
        let file = |rules: &[&str]| {
            let rules: String = rules.iter().map(|rule| format!("\n      - {{methods: GET, pattern: {rule}}}")).collect();
            format!("products:\n  p:\n    methods: {{m: {{}}, n: {{}}}}\n    mapping_rules:{rules}\n")
        };
        let patterns = async || {
            let services = t.get("/admin/api/services.json").await.expect(200);
            let id = services.id("/services/0/service/id");
            let rules = t.get(&format!("/admin/api/services/{id}/proxy/mapping_rules.json")).await.expect(200);
            let rules = rules.at("/mapping_rules");
            rules.as_array().unwrap().iter().map(|rule| rule["mapping_rule"]["pattern"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for rules in [
            vec!["/a, usages: m", "/b, usages: m", "/c, usages: m"],
            vec!["/c, usages: m", "/a, usages: m", "/b, usages: m"],
            vec!["/d, usages: m", "/c, usages: n", "/e, usages: m", "/b, usages: m", "/a, usages: m"],
            vec!["/a, usages: m", "/a, usages: n", "/e, usages: m"],
            vec!["/e, usages: m", "/a, usages: n", "/a, usages: m"],
        ] {
            apply(t, &file(&rules), &["--prune"]).await.expect(0);
            let wanted: Vec<_> = rules.iter().map(|rule| rule[..2].to_owned()).collect();
            assert_eq!(patterns().await, wanted);
            apply(t, &file(&rules), &["--prune", "--dry-run"]).await.expect(0).says(&["Nothing to do"]);
        }
    }

    async fn what_is_new_stays_valid_however_far_it_came(t: &Test) {
        // The second plan is refused by the server, the first is made; put right, the rest follows.
        let file = "products: {p: {application_plans: {a: {name: A}, b: {name: B, trial_period_days: 1000000}, c: {name: C}}}}";
        let failed = apply(t, file, &[]).await.expect(1);
        failed.says(&["2 of 4 changes are made", "line 1", "making product p, plan b", "trial_period_days"]);
        let right = file.replace("1000000", "10");
        apply(t, &right, &[]).await.expect(0).says(&["Done: 2 made"]);
    }
}
