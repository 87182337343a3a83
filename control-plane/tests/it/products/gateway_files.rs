//! Files for gateways: what they hold for a product and an environment, and the gateway that is made with them.

use crate::support::client::Reply;
use crate::support::{Test, both_databases};
use serde_json::Value;

/// A product that is in both environments, and the start of the paths of its files there.
async fn promoted(t: &Test, api_backend: &str) -> [String; 2] {
    let service = t
        .post("/admin/api/services.json", &[("name", "Mail & Co")])
        .await
        .expect(201)
        .id("/service/id");
    let path = format!("/admin/api/services/{service}");
    let form = [
        ("endpoint", "https://api.example.com/mail"),
        ("sandbox_endpoint", "https://staging.example.com"),
        ("api_backend", api_backend),
    ];
    t.patch(&format!("{path}/proxy.json"), &form)
        .await
        .expect(200);
    t.post(&format!("{path}/proxy/deploy.json"), &[])
        .await
        .expect(201);
    t.post(
        &format!("{path}/proxy/configs/sandbox/1/promote.json"),
        &[("to", "production")],
    )
    .await
    .expect(201);
    ["sandbox", "production"]
        .map(|environment| format!("{path}/proxy/configs/{environment}/gateway"))
}

/// The documents of a YAML file.
fn documents(reply: &Reply) -> Vec<Value> {
    let parts = reply.text.split("---\n");
    parts
        .map(|part| yaml_serde::from_str(part).unwrap_or_else(|error| panic!("{error}: {part}")))
        .filter(|value: &Value| !value.is_null())
        .collect()
}

/// The documents of a kind, by name.
fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents.iter().filter(|one| one["kind"] == kind).collect()
}

/// Holds resources of Istio against what there are fields for.
fn assert_resources(documents: &[Value]) {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../envoy/istio/schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for document in documents {
        let errors: Vec<String> = validator
            .iter_errors(document)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{document}: {errors:?}");
    }
}

/// Runs `tallygate gateway-config` for production.
async fn gateway_config(t: &Test, args: &[&str]) -> std::process::Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_tallygate"))
        .args(["gateway-config", "--environment", "production"])
        .args(args)
        .env_clear()
        .env("TALLYGATE_ADMIN_URL", &t.admin)
        .env("TALLYGATE_ACCESS_TOKEN", &t.token)
        .output()
        .await
        .unwrap()
}

both_databases! {
    async fn a_bootstrap_with_and_without_its_gateway(t: &Test) {
        let [staging, production] = promoted(t, "https://private.example.com").await;
        let shown = t.get(&format!("{production}/envoy.yaml?listener=127.0.0.1:9000&control_plane=https://admin.example.com")).await.expect(200);
        assert_eq!(shown.headers["content-type"], "application/yaml; charset=utf-8");
        assert_eq!(shown.headers["cache-control"], "no-store");
        let file = &documents(&shown)[0];
        let listener = &file["static_resources"]["listeners"][0];
        assert_eq!(listener["address"]["socket_address"]["port_value"], 9000);
        assert!(shown.text.contains("PUT_THE_GATEWAYS_TOKEN_HERE") && shown.text.contains("mail_co"), "{}", shown.text);
        assert_eq!(t.get("/admin/api/gateways.json").await.expect(200).at("/gateways"), Value::Array(Vec::new()));

        let made = t.post(&format!("{staging}/envoy.yaml"), &[("name", "Frankfurt \"1\"\n")]).await.expect(201);
        let gateways = t.get("/admin/api/gateways.json").await.expect(200);
        assert_eq!(gateways.at("/gateways/0/gateway/name"), "Frankfurt \"1\"");
        assert_eq!(gateways.at("/gateways/0/gateway/environment"), "staging");
        let from = made.text.find("tgg_").unwrap();
        let token: String = made.text[from..].chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        let snapshot = t.request(reqwest::Method::GET, "/gateway/v1/snapshot").bearer_auth(token);
        crate::support::client::send(snapshot).await.expect(200);
    }

    async fn the_filters_configuration(t: &Test) {
        let [_, production] = promoted(t, "https://private.example.com").await;
        let shown = t.get(&format!("{production}/filter.json?control_plane=http://10.0.0.1:3001&form_credentials=false")).await.expect(200);
        assert_eq!(shown.at("/environment"), "production");
        assert_eq!(shown.at("/control_plane/authority"), "10.0.0.1:3001");
        assert_eq!(shown.at("/default_product"), "mail_co");
        assert_eq!(shown.at("/form_credentials"), false);
        let made = t.post(&format!("{production}/filter.json"), &[]).await.expect(201);
        assert!(made.at("/control_plane/token").as_str().unwrap().starts_with("tgg_"));
    }

    async fn istios_resources(t: &Test) {
        let [_, production] = promoted(t, "https://private.example.com:8443/v1").await;
        let made = t.post(&format!("{production}/istio.yaml?control_plane=https://admin.example.com"), &[("namespace", "edge")]).await.expect(201);
        let all = documents(&made);
        assert_resources(&all);
        assert!(all.iter().all(|one| one["metadata"]["namespace"] == "edge"));
        let plugin = of_kind(&all, "WasmPlugin")[0];
        assert_eq!(plugin["spec"]["pluginConfig"]["control_plane"]["cluster"], "outbound|443||admin.example.com");
        assert!(plugin["spec"]["pluginConfig"]["control_plane"]["token"].as_str().unwrap().starts_with("tgg_"));
        assert_eq!(plugin["spec"]["pluginConfig"]["form_credentials"], false);
        let hosts: Vec<&Value> = of_kind(&all, "ServiceEntry").iter().map(|one| &one["spec"]["hosts"][0]).collect();
        assert_eq!(hosts, ["admin.example.com", "private.example.com"]);
        assert_eq!(of_kind(&all, "DestinationRule").len(), 2);
        let route = &of_kind(&all, "VirtualService")[0]["spec"]["http"][0];
        assert_eq!(route["match"][0]["uri"]["prefix"], "/mail/");
        assert_eq!(route["rewrite"]["uri"], "/v1/");
        assert_eq!(route["rewrite"]["authority"], "private.example.com:8443");
        assert_eq!(route["route"][0]["destination"]["port"]["number"], 8443);

        // Addresses have no names, and services of the cluster need no entry.
        let shown = t.get(&format!("{production}/istio.yaml?control_plane=http://10.0.0.1:3001")).await.expect(200);
        let all = documents(&shown);
        assert_resources(&all);
        assert_eq!(of_kind(&all, "ServiceEntry")[0]["spec"]["endpoints"][0]["address"], "10.0.0.1");
        let shown = t.get(&format!("{production}/istio.yaml?control_plane=http://tallygate.tallygate.svc.cluster.local:3001")).await.expect(200);
        assert_eq!(of_kind(&documents(&shown), "ServiceEntry").len(), 1);
    }

    async fn istio_leads_to_each_backend_by_its_path(t: &Test) {
        let [_, production] = promoted(t, "https://private.example.com").await;
        let service = production.split("/proxy/").next().unwrap();
        for (name, endpoint, path) in [("Mail", "https://mail.internal.example.com/v1", "/"), ("Maps", "http://maps.internal.example.com:8080", "/maps")] {
            let backend = t
                .post("/admin/api/backend_apis.json", &[("name", name), ("private_endpoint", endpoint)])
                .await
                .expect(201)
                .id("/backend_api/id")
                .to_string();
            t.post(&format!("{service}/backend_usages.json"), &[("backend_api_id", &backend), ("path", path)]).await.expect(201);
        }
        let deployed = t.post(&format!("{service}/proxy/deploy.json"), &[]).await;
        assert!(deployed.status.is_success(), "{}", deployed.text);
        t.post(&format!("{service}/proxy/configs/sandbox/2/promote.json"), &[("to", "production")]).await.expect(201);
        let all = documents(&t.get(&format!("{production}/istio.yaml?control_plane=https://admin.example.com")).await.expect(200));
        assert_resources(&all);
        let routes: Vec<(Value, Value, Value)> = of_kind(&all, "VirtualService")[0]["spec"]["http"]
            .as_array()
            .unwrap()
            .iter()
            .map(|route| (route["match"][0]["uri"]["prefix"].clone(), route["rewrite"]["uri"].clone(), route["route"][0]["destination"]["host"].clone()))
            .collect();
        let expected = [("/mail/maps/", "/", "maps.internal.example.com"), ("/mail/", "/v1/", "mail.internal.example.com")];
        assert_eq!(routes, expected.map(|(a, b, c)| (a.into(), b.into(), c.into())));
        let hosts: Vec<&Value> = of_kind(&all, "ServiceEntry").iter().map(|one| &one["spec"]["hosts"][0]).collect();
        assert_eq!(hosts, ["admin.example.com", "maps.internal.example.com", "mail.internal.example.com"]);
    }

    async fn the_command_prints_the_same(t: &Test) {
        let [_, production] = promoted(t, "https://private.example.com/v1").await;
        for (format, file) in [("filter", "filter.json"), ("istio", "istio.yaml")] {
            let printed = gateway_config(t, &["--format", format, "--product", "mail_co"]).await;
            assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
            let printed = String::from_utf8(printed.stdout).unwrap();
            let shown = t.get(&format!("{production}/{file}")).await.expect(200).text;
            let from = printed.find("tgg_").unwrap();
            let end = printed[from..].find(['"', '\n']).unwrap();
            let blank = printed.replace(&printed[from..from + end], "PUT_THE_GATEWAYS_TOKEN_HERE");
            assert_eq!(blank.trim(), shown.trim());
        }
        for (args, complaint) in [
            (&["--format", "istio"][..], "--product"),
            (&["--format", "istio", "--product", "none"][..], "no product `none`"),
            (&["--format", "envoy"][..], "--listener"),
            (&["--format", "xml"][..], "invalid value"),
        ] {
            let refused = gateway_config(t, args).await;
            let said = String::from_utf8(refused.stderr).unwrap();
            assert!(!refused.status.success() && said.contains(complaint), "{said}");
        }
        // One each for those two, none for those that were refused.
        let gateways = t.get("/admin/api/gateways.json").await.expect(200).at("/gateways");
        assert_eq!(gateways.as_array().unwrap().len(), 2);
    }

    async fn what_cannot_be_is_said(t: &Test) {
        let [_, production] = promoted(t, "https://private.example.com").await;
        for (query, field) in [
            ("listener=x", "listener"), ("listener=1.2.3.4", "listener"), ("admin=:80", "admin"),
            ("control_plane=ftp://a", "control_plane"), ("control_plane=https://a%20b", "control_plane"),
            ("control_plane=https://a/b", "control_plane"), ("namespace=A", "namespace"), ("namespace=-", "namespace"),
            ("filter=a%20b", "filter"), ("ca_file=%0a", "ca_file"), ("form_credentials=x", "form_credentials"),
        ] {
            for file in ["envoy.yaml", "filter.json", "istio.yaml"] {
                let reply = t.get(&format!("{production}/{file}?{query}")).await.expect(422);
                assert!(reply.text.to_lowercase().replace('_', " ").contains(&field.replace('_', " ")), "{query}: {}", reply.text);
            }
        }
        let none = t.post("/admin/api/services.json", &[("name", "None")]).await.expect(201).id("/service/id");
        for path in [
            format!("/admin/api/services/{none}/proxy/configs/sandbox/gateway/envoy.yaml"),
            "/admin/api/services/99999/proxy/configs/sandbox/gateway/envoy.yaml".to_owned(),
            production.replace("production", "staging") + "/envoy.yaml",
        ] {
            t.get(&path).await.expect(404);
            t.post(&path, &[]).await.expect(404);
        }
        assert_eq!(t.get("/admin/api/gateways.json").await.expect(200).at("/gateways"), Value::Array(Vec::new()));
    }
}
