//! Backends in a catalogue: made before the products that use them, and limited by `backend/metric`.

use super::{apply, export};
use crate::support::{Test, both_databases};

const POST: &str = "
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
    proxy: {endpoint: https://post.example, sandbox_endpoint: https://staging.post.example}
    mapping_rules:
      - {methods: ANY, pattern: /status, usages: calls}
    application_plans:
      free:
        limits:
          hits: {minute: 10}
          letters/sent: {day: 100}
          parcels/weight: disabled
";

both_databases! {
    async fn products_use_backends(t: &Test) {
        let made = apply(t, POST, &["--promote"]).await.expect(0);
        made.says(&[
            "+ backend letters", "+ use of backend letters  /l", "limit letters/sent per day",
            "limit parcels/weight per eternity  0 (disabled)", "production now follows version 1 of post",
        ]);
        apply(t, POST, &["--promote"]).await.expect(0).says(&["Nothing to do", "production follows version 1"]);
        let file = export(t, &[]).await;
        for lines in [
            "    backends:\n      letters: /l\n      parcels: /p\n",
            "          letters/sent: {day: 100}\n          parcels/weight: disabled\n",
            "    mapping_rules:\n      - {methods: POST, pattern: /send, usages: sent}\n",
        ] {
            assert!(file.contains(lines), "{lines:?} is not in\n{file}");
        }
        for detail in [&[][..], &["--full"]] {
            let file = export(t, detail).await;
            apply(t, &file, &["--dry-run", "--prune-products"]).await.expect(0).says(&["Nothing to do"]);
        }
    }

    async fn uses_change_and_end(t: &Test) {
        apply(t, POST, &[]).await.expect(0);
        let moved = POST.replace("letters: /l,", "letters: /letters,");
        apply(t, &moved, &[]).await.expect(0).says(&["/l → /letters", "1 changed"]);
        let without = moved
            .replace("          letters/sent: {day: 100}\n", "")
            .replace("{letters: /letters, parcels: p/}", "{parcels: p/}");
        let pruned = apply(t, &without, &["--prune"]).await.expect(0);
        pruned.says(&["- use of backend letters", "- limit letters/sent per day", "2 deleted"]);
        apply(t, &without, &["--prune"]).await.expect(0).says(&["Nothing to do"]);
        let gone = without.replace("letters", "others");
        apply(t, &gone, &["--prune-products"]).await.expect(0).says(&["- backend letters", "+ backend others"]);
    }

    async fn backends_of_nothing_are_found(t: &Test) {
        let file = "
products:
  p:
    backends: {nowhere: /}
    application_plans:
      a: {limits: {b/hits: {day: 1}}}
";
        apply(t, file, &[]).await.expect(1).says(&[
            "4:16: products.p: backends: there is no backend nowhere", "there is no metric b/hits",
        ]);
        assert_eq!(t.get("/admin/api/services.json").await.expect(200).text, r#"{"services":[]}"#);
    }
}
