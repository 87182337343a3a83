//! Features, and which plans have them.

use super::{plan, product};
use crate::support::{Test, both_databases};

both_databases! {
    async fn features_are_made_changed_and_deleted(t: &Test) {
        let id = product(t, "Mail").await;
        for (path, scope, wrong) in [
            (format!("/admin/api/services/{id}/features"), "application_plan", "AccountPlan"),
            ("/admin/api/features".to_owned(), "account_plan", "ServicePlan"),
        ] {
            let form = [("name", "Free Support"), ("description", "By mail")];
            let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
            let made = reply.id("/feature/id");
            assert_eq!(reply.headers["location"], format!("{path}/{made}.json"));
            let shown = reply.at("/feature");
            assert_eq!((&shown["system_name"], &shown["scope"], &shown["visible"], &shown["description"]),
                (&"free_support".into(), &scope.into(), &true.into(), &"By mail".into()));
            assert_eq!(t.get(&format!("{path}/{made}.json")).await.expect(200).at("/feature"), shown);
            let owner = if scope == "account_plan" { "<account_id>1</account_id>".to_owned() } else { format!("<service_id>{id}</service_id>") };
            let xml = t.get(&format!("{path}.xml")).await.expect(200).text;
            let expected = format!("<features><feature><id>{made}</id><name>Free Support</name><system_name>free_support</system_name>{owner}<scope>{scope}</scope><visible>true</visible><description>By mail</description></feature></features>");
            assert!(xml.ends_with(&expected), "{xml}");
            t.post(&format!("{path}.json"), &[("name", "Other")]).await.expect(201);
            for (field, value) in [("name", ""), ("system_name", "free_support"), ("system_name", "a b"), ("scope", wrong), ("scope", "x"), ("visible", "perhaps")] {
                let mut form = vec![("name", "Third")];
                form.retain(|(name, _)| *name != field);
                form.push((field, value));
                assert_eq!(t.post(&format!("{path}.json"), &form).await.expect(422).complaints(), [field], "{field}={value}");
            }
            let own = format!("{path}/{made}.json");
            assert_eq!(t.put(&own, &[("system_name", "other")]).await.expect(422).complaints(), ["system_name"]);
            assert_eq!(t.put(&own, &[("name", "")]).await.expect(422).complaints(), ["name"]);
            let reply = t.put(&own, &[("name", "Support"), ("system_name", "support"), ("visible", "false"), ("description", "")]).await.expect(200);
            assert_eq!((reply.at("/feature/name"), reply.at("/feature/system_name"), reply.at("/feature/visible"), reply.at("/feature/description")),
                ("Support".into(), "support".into(), false.into(), "".into()));
            t.put(&own, &[("system_name", "support")]).await.expect(200);
            let listed = t.get(&format!("{path}.json?per_page=1&page=2")).await.expect(200);
            assert_eq!((listed.at("/features/0/feature/name"), listed.at("/metadata/total_entries")), ("Other".into(), 2.into()));
            t.delete(&own).await.expect(200);
            t.get(&own).await.expect(404);
            t.put(&own, &[("name", "x")]).await.expect(404);
            t.delete(&own).await.expect(404);
        }
        t.get("/admin/api/services/9/features.json").await.expect(404);
    }

    async fn plans_have_the_features_made_for_them(t: &Test) {
        let mail = product(t, "Mail").await;
        let news = product(t, "News").await;
        let bronze = plan(t, mail, "Bronze").await;
        let service_plan = t.get(&format!("/admin/api/services/{mail}/service_plans.json")).await.expect(200).id("/plans/0/service_plan/id");
        let of_mail = format!("/admin/api/services/{mail}/features.json");
        let feature = |path: String, scope: &'static str| async move {
            t.post(&path, &[("name", "x"), ("scope", scope)]).await.expect(201).id("/feature/id").to_string()
        };
        let for_applications = feature(of_mail.clone(), "ApplicationPlan").await;
        let for_services = feature(of_mail.clone(), "ServicePlan").await;
        let for_accounts = feature("/admin/api/features.json".into(), "").await;
        let foreign = feature(format!("/admin/api/services/{news}/features.json"), "").await;
        for (plan, right, wrong) in [
            (format!("/admin/api/application_plans/{bronze}/features"), &for_applications, [&for_services, &for_accounts, &foreign]),
            (format!("/admin/api/service_plans/{service_plan}/features"), &for_services, [&for_applications, &for_accounts, &foreign]),
            ("/admin/api/account_plans/1/features".to_owned(), &for_accounts, [&for_services, &for_applications, &foreign]),
        ] {
            assert_eq!(t.get(&format!("{plan}.json")).await.expect(200).text, r#"{"features":[]}"#);
            for wrong in wrong.into_iter().map(String::as_str).chain(["", "x", "0", "999"]) {
                assert_eq!(t.post(&format!("{plan}.json"), &[("feature_id", wrong)]).await.expect(422).complaints(), ["feature_id"], "{plan} {wrong}");
            }
            let reply = t.post(&format!("{plan}.json"), &[("feature_id", right)]).await.expect(201);
            assert_eq!(reply.id("/feature/id").to_string(), *right);
            assert_eq!(t.post(&format!("{plan}.json"), &[("feature_id", right)]).await.expect(422).complaints(), ["feature_id"]);
            assert_eq!(t.get(&format!("{plan}.json")).await.expect(200).id("/features/0/feature/id").to_string(), *right);
            t.delete(&format!("{plan}/{right}.json")).await.expect(200);
            t.delete(&format!("{plan}/{right}.json")).await.expect(404);
            t.post(&format!("{plan}.xml"), &[("feature_id", right)]).await.expect(201);
        }
        // A feature that is deleted is on no plan.
        t.delete(&format!("/admin/api/services/{mail}/features/{for_applications}.json")).await.expect(200);
        assert_eq!(t.get(&format!("/admin/api/application_plans/{bronze}/features.json")).await.expect(200).text, r#"{"features":[]}"#);
        t.get(&format!("/admin/api/service_plans/{bronze}/features.json")).await.expect(404);
        t.post(&format!("/admin/api/account_plans/{bronze}/features.json"), &[("feature_id", &for_accounts)]).await.expect(404);
    }
}
