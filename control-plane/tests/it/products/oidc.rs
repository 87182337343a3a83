//! Products whose applications authenticate by tokens.

use super::product;
use super::promotion::followed;
use crate::support::client::with_query;
use crate::support::{Test, both_databases};
use tallygate::oidc::Issuer;
use tallygate::publish::Environment;
use tallygate_core::wire::{CredentialKindV1, SourceV1};

/// A product that takes tokens; its path.
async fn tokens(t: &Test) -> (i64, String) {
    let form = [("name", "Mail"), ("backend_version", "oidc")];
    let made = t.post("/admin/api/services.json", &form).await.expect(201);
    let id = made.id("/service/id");
    (id, format!("/admin/api/services/{id}"))
}

both_databases! {
    async fn what_was_set_is_frozen_for_gateways(t: &Test) {
        let (id, service) = tokens(t).await;
        let path = format!("{service}/proxy.json");
        assert_eq!(t.get(&format!("{service}.json")).await.expect(200).at("/service/backend_version"), "oauth");
        let reply = t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(422);
        assert_eq!(reply.complaints(), ["oidc_issuer_endpoint"], "nobody issues tokens yet");
        let form = [
            ("oidc_issuer_endpoint", "https://client:s3cret@id.example.com/realms/mail/"), ("oidc_issuer_type", "rest"),
            ("oidc_audiences", "mail, archive,mail"), ("jwt_claim_with_client_id", "client.id"),
        ];
        let reply = t.patch(&path, &form).await.expect(200);
        for (field, expected) in [
            ("oidc_issuer_endpoint", "https://id.example.com/realms/mail"), ("oidc_issuer_type", "rest"),
            ("oidc_audiences", "archive,mail"), ("jwt_claim_with_client_id", "client.id"),
            ("jwt_claim_with_client_id_type", "plain"), ("oidc_jwks_uri", ""),
        ] {
            assert_eq!(reply.at(&format!("/proxy/{field}")), expected, "{field}");
        }
        assert_eq!(t.get(&path).await.expect(200).value(), reply.value());
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);

        let latest = t.get(&format!("{service}/proxy/configs/sandbox/latest.json")).await.expect(200);
        assert_eq!(latest.at("/proxy_config/content/backend_version"), "oauth");
        assert_eq!(latest.at("/proxy_config/content/proxy/authentication_method"), "oidc");
        let issuer = Issuer::of_content(&latest.at("/proxy_config/content")).unwrap();
        assert_eq!(issuer.endpoint, "https://id.example.com/realms/mail");
        assert_eq!(issuer.audiences, ["archive", "mail"]);
        let staging = followed(t, id, Environment::Staging).await.unwrap();
        assert_eq!(staging.credentials.kind, CredentialKindV1::AppIdAndKey);
        assert_eq!(staging.credentials.sources, [SourceV1::Jwt]);
        assert_eq!(staging.credentials.jwt_claim, [issuer.key().as_str(), "client", "id"]);

        // Another audience is another provider at the gateways: no token is good for both.
        t.patch(&path, &[("oidc_audiences", ""), ("jwt_claim_with_client_id", "{{ azp }}"), ("jwt_claim_with_client_id_type", "liquid")]).await.expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        let claim = followed(t, id, Environment::Staging).await.unwrap().credentials.jwt_claim;
        assert_ne!(claim[0], issuer.key());
        assert_eq!(claim[1], "azp");
    }

    async fn what_cannot_work_is_refused_by_name(t: &Test) {
        let (_, service) = tokens(t).await;
        let path = format!("{service}/proxy.json");
        let before = t.get(&path).await.expect(200).value();
        assert_eq!(before["proxy"]["jwt_claim_with_client_id"], "azp");
        for (field, value) in [
            ("oidc_issuer_endpoint", "id.example.com"), ("oidc_issuer_endpoint", "ftp://id.example.com"),
            ("oidc_issuer_endpoint", "https://"), ("oidc_issuer_type", "saml"), ("oidc_jwks_uri", "keys"), ("oidc_jwks_uri", "https://id.example.com/k\u{e9}ys"),
            ("jwt_claim_with_client_id", ""), ("jwt_claim_with_client_id", "a..b"),
            ("jwt_claim_with_client_id_type", "regex"),
        ] {
            let reply = t.patch(&path, &[(field, value)]).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{field}={value}: {}", reply.text);
        }
        let liquid = [("jwt_claim_with_client_id_type", "liquid")];
        let reply = t.patch(&path, &liquid).await.expect(422);
        assert_eq!(reply.complaints(), ["jwt_claim_with_client_id"], "azp is no template");
        let many: Vec<String> = (0..21).map(|n| format!("a{n}")).collect();
        let reply = t.patch(&path, &[("oidc_audiences", &many.join(","))]).await.expect(422);
        assert_eq!(reply.complaints(), ["oidc_audiences"]);
        assert_eq!(t.get(&path).await.expect(200).value(), before);
    }

    async fn flows_are_kept_in_both_forms(t: &Test) {
        let (_, service) = tokens(t).await;
        let path = format!("{service}/proxy/oidc_configuration");
        let reply = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(reply.at("/oidc_configuration/standard_flow_enabled"), true);
        assert_eq!(reply.at("/oidc_configuration/implicit_flow_enabled"), false);
        let form = [("standard_flow_enabled", "0"), ("service_accounts_enabled", "true")];
        t.patch(&format!("{path}.json"), &form).await.expect(200);
        let reply = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(reply.at("/oidc_configuration/standard_flow_enabled"), false);
        assert_eq!(reply.at("/oidc_configuration/service_accounts_enabled"), true);
        assert_eq!(reply.at("/oidc_configuration/direct_access_grants_enabled"), false);
        let xml = t.get(&format!("{path}.xml")).await.expect(200).text;
        assert!(xml.contains("<oidc_configuration>") && xml.contains("<service_accounts_enabled>true</service_accounts_enabled>"), "{xml}");
        let reply = t.patch(&format!("{path}.json"), &[("implicit_flow_enabled", "maybe")]).await.expect(422);
        assert_eq!(reply.complaints(), ["implicit_flow_enabled"]);
        t.get("/admin/api/services/999/proxy/oidc_configuration.json").await.expect(404);
        // Setting the flows leaves the rest alone.
        t.patch(&format!("{service}/proxy.json"), &[("oidc_issuer_endpoint", "https://id.example.com")]).await.expect(200);
        t.patch(&format!("{path}.json"), &[("implicit_flow_enabled", "1")]).await.expect(200);
        assert_eq!(t.get(&format!("{service}/proxy.json")).await.expect(200).at("/proxy/oidc_issuer_endpoint"), "https://id.example.com");
    }

    async fn a_client_has_an_id_and_one_secret(t: &Test) {
        let (id, service) = tokens(t).await;
        let plan = t.post(&format!("{service}/application_plans.json"), &[("name", "Basic")]).await.expect(201).id("/application_plan/id").to_string();
        let signup = [("org_name", "Acme"), ("username", "acme"), ("email", "a@acme.example"), ("password", "correct-horse"), ("application_plan_id", plan.as_str())];
        let account = t.post("/admin/api/signup.json", &signup).await.expect(201).id("/account/id");
        let path = format!("/admin/api/accounts/{account}/applications");
        let form = [("plan_id", plan.as_str()), ("name", "App"), ("description", "An app"), ("application_id", "my-client")];
        let made = t.post(&format!("{path}.json"), &form).await.expect(201);
        assert_eq!(made.at("/application/application_id"), "my-client");
        let application = made.id("/application/id");
        let keys = format!("{path}/{application}/keys.json");
        assert_eq!(t.get(&keys).await.expect(200).at("/keys").as_array().unwrap().len(), 1);
        let reply = t.post(&keys, &[("key", "another-secret")]).await.expect(422);
        assert_eq!(reply.complaints(), ["key"]);
        let both = serde_json::json!({"plan_id": plan, "name": "B", "description": "B", "application_key": ["first-key", "second-key"]});
        let reply = t.json(reqwest::Method::POST, &format!("{path}.json"), &both).await.expect(422);
        assert_eq!(reply.complaints(), ["application_key"]);
        let found = with_query("/admin/api/applications/find.json", &[("app_id", "my-client"), ("service_id", &id.to_string())]);
        assert_eq!(t.get(&found).await.expect(200).id("/application/id"), application);

        // Keys are of no other kind: a product may go from keys to tokens and back, not to user keys.
        t.put(&format!("{service}.json"), &[("backend_version", "2")]).await.expect(200);
        t.put(&format!("{service}.json"), &[("backend_version", "oauth")]).await.expect(200);
        let reply = t.put(&format!("{service}.json"), &[("backend_version", "1")]).await.expect(422);
        assert_eq!(reply.complaints(), ["backend_version"]);
    }

    async fn a_product_with_keys_may_take_tokens_as_well(t: &Test) {
        let id = product(t, "Mail").await;
        let service = format!("/admin/api/services/{id}");
        let form = [("credentials_sources", "jwt,basic"), ("oidc_issuer_endpoint", "https://id.example.com")];
        t.patch(&format!("{service}/proxy.json"), &form).await.expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        let credentials = followed(t, id, Environment::Staging).await.unwrap().credentials;
        assert_eq!(credentials.sources, [SourceV1::Jwt, SourceV1::Basic]);
        assert!(credentials.jwt_claim[0].starts_with("tallygate_oidc_"), "{credentials:?}");
        // Without an issuer it is the operator's own `jwt_authn` that verifies.
        t.patch(&format!("{service}/proxy.json"), &[("oidc_issuer_endpoint", "")]).await.expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        let credentials = followed(t, id, Environment::Staging).await.unwrap().credentials;
        assert_eq!(credentials.jwt_claim, ["jwt_payload", "azp"]);
    }
}
