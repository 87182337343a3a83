//! Everything that a catalogue may hold at once: backends, plans of all kinds, features and prices.

use super::{apply, export};
use crate::support::{Test, both_databases};

const WHOLE: &str = "
settings: {signups_enabled: false, change_service_plan_permission: direct}
features:
  invoices: {name: Invoices}
account_plans:
  partners: {name: Partners, approval_required: true, features: [invoices]}
backends:
  letters:
    name: Letters
    private_endpoint: https://letters.example
    methods: {sent: {friendly_name: Sent}}
    mapping_rules:
      - {methods: POST, pattern: /send, usages: sent}
  parcels:
    private_endpoint: https://parcels.example/v2
    metrics: {weight: {unit: gram}}
products:
  post:
    name: Post
    methods: {calls: {}}
    backends: {letters: /l, parcels: p/}
    mapping_rules:
      - {methods: ANY, pattern: /status, usages: calls}
    features:
      tracking: {name: Tracking, description: Where is it?}
      support: {name: Support, scope: service_plan, visible: false}
    service_plans:
      gold: {name: Gold, default: true, features: [support]}
    application_plans:
      free:
        limits:
          hits: {minute: 10}
          letters/sent: {day: 100}
          parcels/weight: disabled
        features: []
      paid:
        cost_per_month: 10
        pricing_rules:
          hits: [{max: 1000, cost_per_unit: 0}, {min: 1001, cost_per_unit: 0.0025}]
        features: [tracking]
";

both_databases! {
    async fn a_whole_catalogue_is_applied_once_and_comes_back(t: &Test) {
        let made = apply(t, WHOLE, &[]).await.expect(0);
        made.says(&[
            "+ backend letters", "+ use of backend letters  /l", "letters/sent per day", "weight per eternity  0 (disabled)",
            "1–1000: 0, 1001–: 0.0025", "+ has feature tracking", "+ service plan gold", "+ account plan partners",
        ]);
        apply(t, WHOLE, &[]).await.expect(0).says(&["Nothing to do"]);
        let file = export(t, &[]).await;
        for line in [
            "    backends:\n      letters: /l\n      parcels: /p\n",
            "          letters/sent: {day: 100}\n          parcels/weight: disabled\n",
            "          hits: [{min: 1, max: 1000, cost_per_unit: 0}, {min: 1001, cost_per_unit: 0.0025}]\n",
            "        features: [tracking]\n",
            "settings:\n  signups_enabled: false\n  change_service_plan_permission: direct\n",
        ] {
            assert!(file.contains(line), "{line:?} is not in\n{file}");
        }
        apply(t, &file, &["--dry-run", "--prune-products"]).await.expect(0).says(&["Nothing to do"]);
        let full = export(t, &["--full"]).await;
        apply(t, &full, &["--dry-run", "--prune-products"]).await.expect(0).says(&["Nothing to do"]);
    }

    async fn prices_features_and_uses_change(t: &Test) {
        apply(t, WHOLE, &[]).await.expect(0);
        let changed = WHOLE
            .replace("{max: 1000, cost_per_unit: 0}, {min: 1001, cost_per_unit: 0.0025}", "{max: 500, cost_per_unit: 0}, {min: 501, max: 2000, cost_per_unit: 0.01}")
            .replace("features: []", "features: [tracking]")
            .replace("letters: /l,", "letters: /letters,");
        let seen = apply(t, &changed, &["--prune"]).await.expect(0);
        seen.says(&["/l → /letters", "1–1000: 0, 1001–: 0.0025 → 1–500: 0, 501–2000: 0.01", "+ has feature tracking"]);
        apply(t, &changed, &["--prune"]).await.expect(0).says(&["Nothing to do"]);
        let without = changed
            .replace("          letters/sent: {day: 100}\n", "")
            .replace("backends: {letters: /letters, parcels: p/}", "backends: {parcels: p/}");
        let seen = apply(t, &without, &["--prune"]).await.expect(0);
        seen.says(&["- use of backend letters", "- limit letters/sent per day", "2 deleted"]);
        apply(t, &without, &["--prune"]).await.expect(0).says(&["Nothing to do"]);
    }

    async fn names_of_nothing_are_found(t: &Test) {
        let file = "
products:
  p:
    backends: {nowhere: /}
    features: {f: {}}
    application_plans:
      a: {features: [g], pricing_rules: {m: [{cost_per_unit: 1}]}, limits: {b/hits: {day: 1}}}
";
        apply(t, file, &[]).await.expect(1).says(&[
            "4:16: products.p: backends: there is no backend nowhere", "there is no feature g", "there is no metric m", "there is no metric b/hits",
        ]);
        apply(t, "products: {p: {features: {f: {scope: service_plan}}}}", &[]).await.expect(0);
        apply(t, "products: {p: {features: {f: {scope: application_plan}}}}", &[]).await.expect(1).says(&["stays so"]);
        for prices in ["[{max: 10, cost_per_unit: 1}, {min: 10, cost_per_unit: 1}]", "[{cost_per_unit: 1}, {min: 10, cost_per_unit: 1}]", "[{min: 3, max: 2, cost_per_unit: 1}]"] {
            let file = format!("products: {{p: {{application_plans: {{a: {{pricing_rules: {{hits: {prices}}}}}}}}}}}");
            apply(t, &file, &[]).await.expect(1).says(&["has ranges that end before they begin, or overlap"]);
        }
    }
}
