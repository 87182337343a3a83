//! A file that is wrong changes nothing, and every complaint names its line.

use super::{apply, committed, run};
use crate::support::{Test, both_databases};
use serde_json::json;
use tallygate::catalogue::{read, schema};

both_databases! {
    async fn names_of_nothing_are_found_before_anything_is_made(t: &Test) {
        let file = "
products:
  p:
    methods: {web_api: {}}
    mapping_rules:
      - {methods: GET, pattern: /a, usages: web_apo}
    application_plans:
      free:
        limits:
          hit: {minute: 1}
";
        let refused = apply(t, file, &[]).await.expect(1);
        refused.says(&[
            "nothing was changed: the standard input can't be applied",
            "the standard input:6:9: products.p: GET /a: there is no metric web_apo; did you mean web_api?",
            "the standard input:10:17: products.p: plan free: there is no metric hit; did you mean hits?",
        ]);
        assert_eq!(t.get("/admin/api/services.json").await.expect(200).text, r#"{"services":[]}"#);

        // What the installation has counts too, unless it is about to go.
        apply(t, "products: {p: {methods: {old: {}}}}", &[]).await.expect(0);
        let rule = "products: {p: {methods: {new: {}}, mapping_rules: [{methods: GET, pattern: /a, usages: old}]}}";
        apply(t, rule, &["--dry-run"]).await.expect(3);
        apply(t, rule, &["--dry-run", "--prune"]).await.expect(1).says(&["there is no metric old"]);
        apply(t, "products: {p: {metrics: {old: {}}}}", &[]).await.expect(1).says(&["is a method there"]);
    }

    async fn who_may_not_write_sees_the_plan_and_no_more(t: &Test) {
        let token = tallygate::provider::create_token(&t.app.db, "reader", "account_management", "ro").await.unwrap();
        let file = "products: {p: {}}";
        let with = ["--access-token", token.reveal()];
        apply(t, file, &[&with[..], &["--dry-run"]].concat()).await.expect(3).says(&["+ product p"]);
        apply(t, file, &with).await.expect(1).says(&["0 of 1 changes are made", "refused (403)", "permission"]);
        let unknown = ["--access-token", "nobody"];
        apply(t, file, &unknown).await.expect(1).says(&["refused (403)"]);
        apply(t, file, &["--admin-url", "http://127.0.0.1:1"]).await.expect(1).says(&["could not reach"]);
        run(t, &["apply", "-f", "/nowhere.yaml"], "").await.expect(1).says(&["reading /nowhere.yaml"]);
        run(t, &["apply"], "").await.expect(2);
    }
}

#[test]
fn every_complaint_names_its_place() {
    for (text, expected) in [
        (
            "products: [a]",
            "1:11 products must be a mapping, but is a list",
        ),
        ("service: {}", "1:1 service is nothing that a catalogue has"),
        (
            "services: {}",
            "1:1 services is nothing that a catalogue has; did you mean products?",
        ),
        (
            "products:\n  p:\n    nmae: x",
            "3:5 products.p.nmae is nothing that a product has; did you mean name?",
        ),
        (
            "products: {p: {system_name: x}}",
            "1:16 products.p.system_name is nothing that a product has; the system name is the key under which it stands",
        ),
        (
            "products: {'a b': {}}",
            "1:12 products.a b is no system name",
        ),
        (
            "products: {p: {backend_version: 3}}",
            "1:33 products.p.backend_version must be one of 1, 2",
        ),
        (
            "products: {p: {buyers_manage_apps: yes}}",
            "1:36 products.p.buyers_manage_apps must be true or false",
        ),
        (
            "products: {p: {name: [x]}}",
            "1:22 products.p.name must be a text",
        ),
        (
            "products: {p: {mapping_rules: {a: b}}}",
            "1:31 products.p.mapping_rules must be a list of rules",
        ),
        (
            "products: {p: {mapping_rules: [{methods: GET, pattern: a, usages: hits}]}}",
            "1:56 products.p.mapping_rules[0].pattern is not valid",
        ),
        (
            "products: {p: {mapping_rules: [{methods: get, pattern: /a, usages: hits}]}}",
            "1:42 products.p.mapping_rules[0].methods \"get\" is not one of GET",
        ),
        (
            "products: {p: {mapping_rules: [{methods: GET, usages: hits}]}}",
            "1:32 products.p.mapping_rules[0] needs methods and a pattern",
        ),
        (
            "products: {p: {mapping_rules: [{methods: GET, pattern: /a}]}}",
            "1:32 products.p.mapping_rules[0] needs usages",
        ),
        (
            "products: {p: {mapping_rules: [{methods: GET, pattern: /a, usages: {hits: 0}}]}}",
            "1:75 products.p.mapping_rules[0].usages.hits must be a whole number, 1 or more",
        ),
        (
            "products: {p: {application_plans: {a: {cost_per_month: -1}}}}",
            "1:56 products.p.application_plans.a.cost_per_month must be an amount",
        ),
        (
            "products: {p: {application_plans: {a: {limits: {hits: {hourly: 1}}}}}}",
            "1:56 products.p.application_plans.a.limits.hits.hourly is no period",
        ),
        (
            "products: {p: {application_plans: {a: {limits: {hits: {hour: 1.5}}}}}}",
            "1:62 products.p.application_plans.a.limits.hits.hour must be a whole number",
        ),
        (
            "products: {p: {application_plans: {a: {limits: {hits: off}}}}}",
            "1:55 products.p.application_plans.a.limits.hits must be a mapping from periods",
        ),
        (
            "products: {p: {application_plans: {a: {default: true}, b: {default: true}}}}",
            "1:56 products.p.application_plans.b can't be the default: a is already",
        ),
        (
            "products: {p: {metrics: {m: {}}, methods: {m: {}}}}",
            "1:44 products.p.methods.m is a metric as well",
        ),
        (
            "products: {p: {methods: {hits: {}}}}",
            "1:26 products.p.methods.hits is the metric that methods add up to",
        ),
        (
            "settings: {signups_enabled: 1}",
            "1:29 settings.signups_enabled must be true or false",
        ),
        ("a: 1\na: 2", "2:1  comes twice"),
    ] {
        let faults = read::read(text).unwrap_err();
        let fault = &faults.0[0];
        let seen = format!("{} {} {}", fault.at, fault.path, fault.message);
        assert!(seen.starts_with(expected), "{text}\n  {seen}\n  {expected}");
    }
    for empty in ["", "# nothing", "{}", "products:", "products:\n  p:\n"] {
        assert!(read::read(empty).is_ok(), "{empty}");
    }
}

#[test]
fn the_committed_schema_is_the_one_that_is_read_by() {
    let schema = schema::schema();
    committed("docs/catalogue.schema.json", &format!("{schema:#}\n"));
    let plan = &schema["properties"]["products"]["additionalProperties"]["properties"]["application_plans"];
    let fields = &plan["additionalProperties"]["properties"];
    assert_eq!(fields["cost_per_month"]["default"], json!(0));
    assert_eq!(
        fields["limits"]["additionalProperties"]["anyOf"][0],
        json!({"const": "disabled"})
    );
}
