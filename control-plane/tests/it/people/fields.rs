//! `/admin/api/fields_definitions`, and what accounts, users and applications have in the fields.

use crate::support::client::Reply;
use crate::support::{Test, both_databases};
use serde_json::{Value, json};

const FIELDS: &str = "/admin/api/fields_definitions";

async fn define(t: &Test, target: &str, name: &str, more: &[(&str, &str)]) -> i64 {
    let form = [&[("target", target), ("name", name), ("label", name)], more].concat();
    let reply = t.post(&format!("{FIELDS}.json"), &form).await.expect(201);
    reply.id("/fields_definition/id")
}

async fn names(t: &Test, target: &str) -> Vec<String> {
    let all = t
        .get(&format!("{FIELDS}.json"))
        .await
        .expect(200)
        .at("/fields_definitions");
    let all = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["fields_definition"]);
    all.filter(|one| one["target"] == target)
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn sign_up(t: &Test, more: &[(&str, &str)]) -> Reply {
    let form = [
        &[
            ("org_name", "Bob"),
            ("username", "bob"),
            ("email", "bob@example.com"),
            ("password", "correct horse"),
        ],
        more,
    ]
    .concat();
    t.post("/admin/api/signup.json", &form).await
}

both_databases! {
    async fn definitions(t: &Test) {
        assert_eq!(names(t, "Account").await, ["org_name"]);
        assert_eq!(names(t, "User").await, ["username", "email"]);
        assert_eq!(names(t, "Cinstance").await, ["name", "description"]);
        let form = [("target", "Account"), ("name", "vat"), ("label", "VAT number"), ("choices[]", "yes"), ("choices[]", "no"), ("hidden", "1")];
        let reply = t.post(&format!("{FIELDS}.json"), &form).await.expect(201);
        assert_eq!(reply.headers["location"], format!("{FIELDS}/6.json"));
        let mut shown = reply.at("/fields_definition");
        for time in ["created_at", "updated_at"] {
            assert!(shown.as_object_mut().unwrap().remove(time).is_some());
        }
        assert_eq!(shown, json!({"id": 6, "target": "Account", "name": "vat", "label": "VAT number", "required": false, "hidden": true, "read_only": false, "choices": ["yes", "no"], "position": 2}));
        let xml = t.get(&format!("{FIELDS}/6.xml")).await.expect(200).text;
        assert!(xml.contains("<choices><choice>yes</choice><choice>no</choice></choices><position>2</position>"), "{xml}");

        for (change, complaints) in [
            (("target", ""), &["target"][..]),
            (("target", "Service"), &["target"]),
            (("label", ""), &["label"]),
            (("name", ""), &["name"]),
            (("name", "1st"), &["name"]),
            (("name", "a b"), &["name"]),
            (("name", "é"), &["name"]),
            (("name", "vat"), &["name"]),
            (("name", "org_name"), &["name"]),
            (("name", "access_token"), &["name"]),
            (("name", "links"), &["name"]),
            (("choices[a]", "x"), &["choices"]),
            (("required", "1"), &["required"]),
        ] {
            let mut form = vec![("target", "Account"), ("name", "size"), ("label", "Size"), ("read_only", "1")];
            form.push(change);
            let reply = t.post(&format!("{FIELDS}.json"), &form).await.expect(422);
            assert_eq!(reply.complaints(), complaints, "{change:?}");
        }
        // The same name may be a field of something else.
        define(t, "User", "vat", &[]).await;

        let reply = t.put(&format!("{FIELDS}/6.json"), &[("target", "Account"), ("label", "VAT"), ("hidden", "false"), ("required", "true"), ("choices[]", ""), ("name", "other")]).await.expect(200);
        let of = |name: &str| reply.at(&format!("/fields_definition/{name}"));
        assert_eq!((of("label"), of("hidden"), of("required"), of("choices"), of("name")), ("VAT".into(), false.into(), true.into(), json!([]), "vat".into()));
        let reply = t.put(&format!("{FIELDS}/6.json"), &[("hidden", "true")]).await.expect(422);
        assert_eq!(reply.complaints(), ["required"]);
        // What nothing can be without stays required, whatever is asked for.
        let reply = t.put(&format!("{FIELDS}/1.json"), &[("label", "Company"), ("required", "0"), ("hidden", "1")]).await.expect(200);
        assert_eq!((reply.at("/fields_definition/label"), reply.at("/fields_definition/required"), reply.at("/fields_definition/hidden")), ("Company".into(), true.into(), false.into()));
        assert_eq!(t.delete(&format!("{FIELDS}/1.json")).await.expect(422).complaints(), ["base"]);

        let last = define(t, "Account", "size", &[]).await;
        t.put(&format!("{FIELDS}/{last}.json"), &[("position", "1")]).await.expect(200);
        assert_eq!(names(t, "Account").await, ["size", "org_name", "vat"]);
        t.put(&format!("{FIELDS}/{last}.json"), &[("position", "99")]).await.expect(200);
        assert_eq!(names(t, "Account").await, ["org_name", "vat", "size"]);
        t.put(&format!("{FIELDS}/{last}.json"), &[("position", "0")]).await.expect(422);
        t.delete(&format!("{FIELDS}/{last}.json")).await.expect(200);
        t.get(&format!("{FIELDS}/{last}.json")).await.expect(404);
    }

    async fn accounts_and_users_have_them(t: &Test) {
        define(t, "Account", "vat", &[]).await;
        let size = define(t, "Account", "size", &[("choices", "small,large")]).await;
        let city = define(t, "User", "city", &[]).await;
        let reply = sign_up(t, &[("size", "huge"), ("city[a]", "x")]).await.expect(422);
        assert_eq!(reply.complaints(), ["size", "city"]);
        let reply = sign_up(t, &[("vat", " DE1 "), ("size", "small"), ("city", "Bonn"), ("undefined", "x")]).await.expect(201);
        let account = reply.at("/account");
        assert_eq!((&account["vat"], &account["size"], &account["users"][0]["user"]["city"]), (&"DE1".into(), &"small".into(), &"Bonn".into()));
        assert_eq!(account.get("undefined"), None);
        let xml = t.get("/admin/api/accounts/1.xml").await.expect(200).text;
        assert!(xml.contains("<org_name>Bob</org_name><extra_fields><vat>DE1</vat><size>small</size></extra_fields>"), "{xml}");
        assert!(xml.contains("<extra_fields><city>Bonn</city></extra_fields>"), "{xml}");

        // What is given changes; nested as 3scale's clients may send it too.
        let reply = t.put("/admin/api/accounts/1.json", &[("size", "large")]).await.expect(200);
        assert_eq!((reply.at("/account/vat"), reply.at("/account/size")), ("DE1".into(), "large".into()));
        let reply = t.json(reqwest::Method::PUT, "/admin/api/accounts/1.json", &json!({"account": {"org_name": "Bobs", "vat": ["a", "b"]}})).await.expect(200);
        assert_eq!((reply.at("/account/org_name"), reply.at("/account/vat")), ("Bobs".into(), json!(["a", "b"])));
        let xml = t.get("/admin/api/accounts.xml").await.expect(200).text;
        assert!(xml.contains("<extra_fields><vat>a</vat><vat>b</vat><size>large</size></extra_fields>"), "{xml}");
        let reply = t.put("/admin/api/accounts/1.json", &[("vat", "")]).await.expect(200);
        assert_eq!(reply.value()["account"].get("vat"), None);
        let reply = t.put("/admin/api/accounts/1.json", &[("size", "tiny"), ("org_name", "Other")]).await.expect(422);
        assert_eq!(reply.complaints(), ["size"]);
        assert_eq!(t.get("/admin/api/accounts/1.json").await.at("/account/org_name"), "Bobs");

        let form = [("username", "ann"), ("email", "ann@example.com"), ("password", "correct horse"), ("city", "Ulm")];
        let reply = t.post("/admin/api/accounts/1/users.json", &form).await.expect(201);
        assert_eq!(reply.at("/user/city"), "Ulm");
        let path = format!("/admin/api/accounts/1/users/{}.json", reply.id("/user/id"));
        assert_eq!(t.put(&path, &[("username", "anna")]).await.expect(200).at("/user/city"), "Ulm");
        assert_eq!(t.put(&path, &[("city", "Köln")]).await.expect(200).at("/user/city"), "Köln");
        // The provider's own people are users too.
        let form = [("username", "cyd"), ("email", "cyd@acme.example"), ("password", "correct horse"), ("city", "Rom")];
        assert_eq!(t.post("/admin/api/users.json", &form).await.expect(201).at("/user/city"), "Rom");
        assert_eq!(t.put("/admin/api/users/2.json", &[("city", "Bari")]).await.expect(200).at("/user/city"), "Bari");

        // A field that goes takes along what is in it, and nothing else.
        t.put("/admin/api/accounts/1.json", &[("vat", "DE2")]).await.expect(200);
        for id in [size, city] {
            t.delete(&format!("{FIELDS}/{id}.json")).await.expect(200);
        }
        let account = t.get("/admin/api/accounts/1.json").await.expect(200).at("/account");
        assert_eq!((account.get("vat"), account.get("size")), (Some(&"DE2".into()), None));
        define(t, "User", "city", &[]).await;
        for path in [path.as_str(), "/admin/api/users/2.json"] {
            assert_eq!(t.get(path).await.expect(200).value()["user"].get("city"), None, "{path}");
        }
    }

    async fn applications_have_them(t: &Test) {
        define(t, "Cinstance", "platform", &[("required", "1"), ("choices[]", "web"), ("choices[]", "app")]).await;
        sign_up(t, &[]).await.expect(201);
        let service = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201).id("/service/id");
        let plan = t.post(&format!("/admin/api/services/{service}/application_plans.json"), &[("name", "Basic")]).await.expect(201).id("/application_plan/id").to_string();
        let path = "/admin/api/accounts/1/applications.json";
        let form = |platform: &'static str| [("plan_id", plan.clone()), ("name", "x".into()), ("platform", platform.into())];
        let post = |form: [(&'static str, String); 3]| async move {
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            t.post(path, &form).await
        };
        assert_eq!(post(form("desktop")).await.expect(422).complaints(), ["platform"]);
        let id = post(form("web")).await.expect(201).id("/application/id");
        let own = format!("/admin/api/accounts/1/applications/{id}.json");
        assert_eq!(t.get(&own).await.expect(200).at("/application/platform"), "web");
        let reply = t.put(&own, &[("description", "y")]).await.expect(200);
        assert_eq!((reply.at("/application/platform"), reply.at("/application/description")), ("web".into(), "y".into()));
        assert_eq!(t.put(&own, &[("platform", "app")]).await.expect(200).at("/application/platform"), "app");
        // Required is for developers: the provider may leave it out, though not blank it.
        assert_eq!(t.put(&own, &[("platform", "")]).await.expect(422).complaints(), ["platform"]);
        let reply = t.post(path, &[("plan_id", plan.as_str()), ("name", "z")]).await.expect(201);
        assert_eq!(reply.value()["application"].get("platform"), None::<&Value>);
        let xml = t.get("/admin/api/applications.xml").await.expect(200).text;
        assert!(xml.contains("<extra_fields><platform>app</platform></extra_fields>"), "{xml}");
    }
}
