//! What deployments freeze of backends, and what 3scale's clients and developers read of them.

use super::{backend, deploy, each, followed, hits, method, promote, rule, usage};
use crate::products::product;
use crate::support::{Test, both_databases};
use serde_json::json;
use tallygate::publish::Environment::{Production, Staging};
use tallygate_core::wire::ConfigV1;

/// Each backend in a line: where, whither, by which cluster, and the patterns of its rules.
fn routes(config: &ConfigV1) -> Vec<String> {
    let lines = config.backends.iter().map(|backend| {
        let rules: Vec<_> = backend
            .rules
            .iter()
            .map(|rule| rule.pattern.as_str())
            .collect();
        let upstream = &backend.upstream;
        let cluster = backend.cluster.as_deref().unwrap_or("-");
        format!(
            "{} {}{} {cluster} [{}]",
            backend.path,
            upstream.authority,
            upstream.path_prefix,
            rules.join(" ")
        )
    });
    lines.collect()
}

both_databases! {
    async fn a_deployment_freezes_backends_with_their_rules(t: &Test) {
        let product = product(t, "Post").await;
        let proxy = format!("/admin/api/services/{product}/proxy");
        let form = [("api_backend", "http://own.internal"), ("hostname_rewrite", "api.example.com"), ("endpoint", "https://*.post.example/v1")];
        t.patch(&format!("{proxy}.json"), &form).await.expect(200);
        deploy(t, product).await;
        assert_eq!(followed(t, product, Staging).await.upstream.unwrap().authority, "own.internal");

        let (mail, maps) = (backend(t, "Mail").await, backend(t, "Maps").await);
        let (of_mail, of_maps) = (hits(t, mail).await, hits(t, maps).await);
        rule(t, mail, "/send", of_mail).await;
        let used = usage(t, product, mail, "/").await;
        deploy(t, product).await;
        let config = followed(t, product, Staging).await;
        assert_eq!(config.upstream, None);
        assert_eq!(routes(&config), ["/ origin.internal:8080/v1 - [/send]"]);
        // One that takes everything is in the place of the product's own private base URL, as in 3scale.
        assert_eq!(config.backends[0].upstream.host_rewrite.as_deref(), Some("api.example.com"));

        usage(t, product, maps, "/maps").await;
        t.put(&format!("/admin/api/backend_apis/{maps}.json"), &[("cluster", "map_servers")]).await.expect(200);
        rule(t, maps, "/tiles/{z}$", of_maps).await;
        deploy(t, product).await;
        let config = followed(t, product, Staging).await;
        assert_eq!(routes(&config), [
            "/ origin.internal:8080/v1 - [/send]",
            "/maps origin.internal:8080/v1 map_servers [/tiles/{z}$]",
        ]);
        assert_eq!(config.backends[0].upstream.host_rewrite, None);
        assert_eq!(config.public_urls.len(), 0);
        promote(t, product, 3).await;
        let production = followed(t, product, Production).await;
        assert_eq!(production.public_urls[0].host, "*.post.example");
        assert_eq!(production.backends, config.backends);

        // A backend's change is the product's with its next deployment, and never without one.
        t.put(&format!("/admin/api/backend_apis/{mail}.json"), &[("private_endpoint", "https://mail.internal")]).await.expect(200);
        t.put(&format!("/admin/api/services/{product}/backend_usages/{used}.json"), &[("path", "/mail")]).await.expect(200);
        rule(t, mail, "/more", of_mail).await;
        assert_eq!(followed(t, product, Staging).await, config);
        deploy(t, product).await;
        assert_eq!(routes(&followed(t, product, Staging).await), [
            "/mail mail.internal - [/send /more]",
            "/maps origin.internal:8080/v1 map_servers [/tiles/{z}$]",
        ]);
        assert_eq!(followed(t, product, Production).await, production);
        // Nothing has changed since.
        let latest = format!("{proxy}/configs/sandbox/latest.json");
        t.post(&format!("{proxy}/deploy.json"), &[]).await;
        assert_eq!(t.get(&latest).await.expect(200).at("/proxy_config/version"), 4);
    }

    async fn contents_say_it_as_threescale_does(t: &Test) {
        let product = product(t, "Post").await;
        let (mail, maps) = (backend(t, "Mail").await, backend(t, "Maps").await);
        let of_mail = hits(t, mail).await;
        rule(t, mail, "/send", of_mail).await;
        usage(t, product, mail, "/mail").await;
        usage(t, product, maps, "/").await;
        deploy(t, product).await;
        let latest = format!("/admin/api/services/{product}/proxy/configs/sandbox/latest.json");
        let proxy = t.get(&latest).await.expect(200).at("/proxy_config/content/proxy");
        assert_eq!(proxy["api_backend"], json!(null));
        assert_eq!(each(&proxy["proxy_rules"], "/pattern"), ["/", "/mail/send"]);
        let own_and_backends = ["Proxy", "BackendApi"];
        assert_eq!(each(&proxy["proxy_rules"], "/owner_type"), own_and_backends);
        assert_eq!(proxy["proxy_rules"][1]["owner_id"], mail);
        assert_eq!(proxy["proxy_rules"][1]["metric_system_name"], format!("hits.{mail}"));
        assert_eq!(proxy["policy_chain"][0]["name"], "routing");
        let rules = &proxy["policy_chain"][0]["configuration"]["rules"];
        assert_eq!(each(rules, "/condition/operations/0/value"), ["/mail/.*|/mail/?", "/.*"]);
        assert_eq!(each(rules, "/owner_id"), [mail, maps]);
        assert_eq!(rules[0]["replace_path"], "{{uri | remove_first: '/mail'}}");
        assert_eq!(rules[1].get("replace_path"), None);
        assert_eq!(proxy["policy_chain"][1]["name"], "apicast");
    }

    async fn wildcard_hosts_are_found_by_any_name_below(t: &Test) {
        let product = product(t, "Post").await;
        let proxy = format!("/admin/api/services/{product}/proxy.json");
        for endpoint in ["https://*", "https://a.*.example", "https://*example.com", "https://*.*.example"] {
            assert_eq!(t.patch(&proxy, &[("endpoint", endpoint)]).await.expect(422).complaints(), ["endpoint"], "{endpoint}");
        }
        t.patch(&proxy, &[("endpoint", "https://*.post.example")]).await.expect(200);
        deploy(t, product).await;
        for (host, found) in [("eu.post.example", 1), ("A.B.POST.example", 1), ("post.example", 0), ("epost.example", 0), ("*.post.example", 1)] {
            let path = format!("/admin/api/account/proxy_configs/sandbox.json?version=latest&host={host}");
            let listed = t.get(&path).await.expect(200).at("/proxy_configs");
            assert_eq!(listed.as_array().unwrap().len(), found, "{host}");
        }
    }

    async fn developers_read_of_a_backends_calls(t: &Test) {
        let product = product(t, "Post").await;
        let mail = backend(t, "Mail").await;
        let sent = method(t, mail, "Mails sent").await;
        rule(t, mail, "/send", sent).await;
        usage(t, product, mail, "/mail").await;
        deploy(t, product).await;
        promote(t, product, 1).await;
        let page = t.http.get(format!("{}/docs", t.portal)).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("<code>/mail/send</code></td><td>Mails sent</td>"), "{page}");
    }
}
