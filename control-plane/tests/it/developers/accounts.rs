//! `/admin/api/accounts`

use super::{APP_ID, at_gateways, first_application, product, redacted, revision, signed_up};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;

both_databases! {
    async fn show_and_list_look_as_3scales(t: &Test) {
        product(t, "mail", APP_ID).await;
        signed_up(t, "bob").await;
        let reply = t.get("/admin/api/accounts.xml").await.expect(200);
        assert_snapshot!(redacted(t, &reply), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <accounts>
        <account>
        <id>1</id>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        <state>approved</state>
        <org_name>bob&apos;s</org_name>
        <extra_fields>
        </extra_fields>
        <monthly_billing_enabled>true</monthly_billing_enabled>
        <monthly_charging_enabled>true</monthly_charging_enabled>
        <credit_card_stored>false</credit_card_stored>
        <plans type="array">
        <plan default="true">
        <id>1</id>
        <name>Default account plan</name>
        <type>account_plan</type>
        <state>published</state>
        <approval_required>false</approval_required>
        <setup_fee>0.0</setup_fee>
        <cost_per_month>0.0</cost_per_month>
        <trial_period_days>0</trial_period_days>
        <cancellation_period>0</cancellation_period>
        </plan>
        <plan default="true">
        <id>4</id>
        <name>Default</name>
        <type>service_plan</type>
        <state>published</state>
        <approval_required>false</approval_required>
        <setup_fee>0.0</setup_fee>
        <cost_per_month>0.0</cost_per_month>
        <trial_period_days>0</trial_period_days>
        <cancellation_period>0</cancellation_period>
        </plan>
        <plan default="true">
        <id>2</id>
        <name>Bronze</name>
        <type>application_plan</type>
        <state>published</state>
        <approval_required>false</approval_required>
        <setup_fee>0.0</setup_fee>
        <cost_per_month>0.0</cost_per_month>
        <trial_period_days>0</trial_period_days>
        <cancellation_period>0</cancellation_period>
        </plan>
        </plans>
        <users type="array">
        <user>
        <id>1</id>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        <account_id>1</account_id>
        <state>active</state>
        <role>admin</role>
        <username>bob</username>
        <email>bob@example.com</email>
        <extra_fields>
        </extra_fields>
        </user>
        </users>
        </account>
        </accounts>
        "#);
        let shown = t.get("/admin/api/accounts/1.json").await.expect(200);
        assert_eq!(shown.at("/account/users/0/user/username"), "bob");
        let listed = t.get("/admin/api/accounts.json").await.expect(200);
        assert_eq!(listed.at("/accounts/0/account/org_name"), "bob's");
        assert_eq!(listed.at("/accounts/0/account"), shown.at("/account"));
    }

    async fn lists_are_paged_and_narrowed(t: &Test) {
        for name in ["ann", "bob", "cyd"] {
            signed_up(t, name).await;
        }
        t.put("/admin/api/accounts/2/reject.json", &[]).await.expect(200);
        let ids = |path: &'static str| async move {
            let reply = t.get(path).await.expect(200).value();
            reply["accounts"].as_array().unwrap().iter().map(|item| item["account"]["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(ids("/admin/api/accounts.json").await, [1, 2, 3]);
        assert_eq!(ids("/admin/api/accounts.json?state=rejected").await, [2]);
        assert_eq!(ids("/admin/api/accounts.json?per_page=2&page=2").await, [3]);
        let reply = t.get("/admin/api/accounts.json?per_page=2").await.expect(200);
        assert_eq!(reply.at("/metadata/total_pages"), 2);
        let reply = t.get("/admin/api/accounts.json?state=odd&page=0").await.expect(422);
        assert!(!reply.complaints().is_empty());
    }

    async fn find_by_a_user(t: &Test) {
        signed_up(t, "ann").await;
        signed_up(t, "bob").await;
        for query in ["username=bob", "username=BOB", "email=Bob@example.com", "user_id=2", "user_id=2&username=bob"] {
            let reply = t.get(&format!("/admin/api/accounts/find.json?{query}")).await.expect(200);
            assert_eq!(reply.id("/account/id"), 2, "{query}");
        }
        t.get("/admin/api/accounts/find.json?username=nobody").await.expect(404);
        t.get("/admin/api/accounts/find.json?username=bob&user_id=1").await.expect(404);
        t.get("/admin/api/accounts/find.json").await.expect(422);
        t.get("/admin/api/accounts/find.json?user_id=x").await.expect(422);
    }

    async fn states_change_in_their_order_and_reach_gateways(t: &Test) {
        product(t, "mail", APP_ID).await;
        let (_, application) = first_application(&signed_up(t, "bob").await);
        for (event, state, live) in [
            ("suspend", "suspended", false),
            ("resume", "approved", true),
            ("make_pending", "pending", false),
            ("reject", "rejected", false),
            ("approve", "approved", true),
        ] {
            let reply = t.put(&format!("/admin/api/accounts/1/{event}.json"), &[]).await.expect(200);
            assert_eq!(reply.at("/account/state"), state);
            assert_eq!(at_gateways(t, application).await, (revision(t).await, live), "{event}");
            // Twice is once too often, and changes nothing.
            let reply = t.put(&format!("/admin/api/accounts/1/{event}.json"), &[]).await.expect(422);
            assert_eq!(reply.complaints(), ["state"]);
            assert_eq!(at_gateways(t, application).await, (revision(t).await, live), "{event}");
        }
        t.put("/admin/api/accounts/9/approve.json", &[]).await.expect(404);
    }

    async fn update_and_change_plan(t: &Test) {
        signed_up(t, "bob").await;
        let reply = t.put("/admin/api/accounts/1.json", &[("org_name", "Robert")]).await.expect(200);
        assert_eq!(reply.at("/account/org_name"), "Robert");
        let reply = t.put("/admin/api/accounts/1.json", &[("org_name", "")]).await.expect(422);
        assert_eq!(reply.complaints(), ["org_name"]);
        t.put("/admin/api/accounts/1.json", &[]).await.expect(200);
        t.put("/admin/api/accounts/9.json", &[]).await.expect(404);
        t.put("/admin/api/accounts/1/change_plan.json", &[("plan_id", "1")]).await.expect(200);
        for plan in ["", "9", "x"] {
            let reply = t.put("/admin/api/accounts/1/change_plan.json", &[("plan_id", plan)]).await.expect(422);
            assert_eq!(reply.complaints(), ["plan_id"]);
        }
    }

    async fn a_deleted_account_is_gone_with_all_it_had(t: &Test) {
        product(t, "mail", APP_ID).await;
        let (path, application) = first_application(&signed_up(t, "bob").await);
        let reply = t.delete("/admin/api/accounts/1.json").await.expect(200);
        assert_eq!(reply.text, "");
        for path in ["/admin/api/accounts/1.json", "/admin/api/accounts/1/users.json", path.as_str()] {
            t.get(path).await.expect(404);
        }
        t.delete("/admin/api/accounts/1.json").await.expect(404);
        assert_eq!(at_gateways(t, application).await, (revision(t).await, false));
        // Its names are free again.
        signed_up(t, "bob").await;
    }
}
