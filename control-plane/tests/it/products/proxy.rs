//! The draft configuration.

use super::{product, revision};
use crate::support::client::send;
use crate::support::{Test, both_databases};

both_databases! {
    async fn settings_are_kept_and_shown(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/proxy.json");
        let before = revision(t).await;
        let reply = t.get(&path).await.expect(200);
        assert_eq!((reply.at("/proxy/cold_start"), reply.at("/proxy/on_disconnect")), ("deny".into(), "allow".into()));
        let form = [
            ("endpoint", "https://api.example.com/mail"), ("sandbox_endpoint", "https://*.staging.example.com"),
            ("api_backend", "https://origin.example.com:8443/base"), ("hostname_rewrite", "api.origin.example"),
            ("credentials_location", "headers"), ("credentials_sources", "query, form,basic,query"),
            ("auth_app_id", "api_user"), ("auth_app_key", "api_key"), ("auth_user_key", "key"),
            ("strip_credentials", "1"), ("debug_secret", "a-long-enough-secret"), ("secret_token", "shared_secret-1"),
            ("rate_limit_headers", "false"), ("form_in_rules", "true"),
            ("cold_start", "allow"), ("on_disconnect", "deny"),
        ];
        let reply = t.patch(&path, &form).await.expect(200);
        for (pointer, expected) in [
            ("endpoint", "https://api.example.com/mail"), ("sandbox_endpoint", "https://*.staging.example.com"),
            ("api_backend", "https://origin.example.com:8443/base"), ("hostname_rewrite", "api.origin.example"),
            ("credentials_location", "headers"), ("credentials_sources", "query,form,basic"),
            ("auth_app_id", "api_user"), ("debug_secret", "a-long-enough-secret"), ("secret_token", "shared_secret-1"),
            ("cold_start", "allow"), ("on_disconnect", "deny"),
            ("error_format", "problem"), ("error_auth_missing", "Authentication parameters missing"),
        ] {
            assert_eq!(reply.at(&format!("/proxy/{pointer}")), expected, "{pointer}");
        }
        assert_eq!(reply.at("/proxy/rate_limit_headers"), false);
        assert_eq!(reply.at("/proxy/form_in_rules"), true);
        assert_eq!(t.get(&path).await.expect(200).value(), reply.value());
        let reply = t.put(&path, &[("credentials_sources", ""), ("debug_secret", "")]).await.expect(200);
        assert!(reply.at("/proxy/credentials_sources").is_null());
        assert!(reply.at("/proxy/debug_secret").is_null());
        assert_eq!(revision(t).await, before, "gateways see drafts only once they are deployed");
    }

    async fn writing_an_error_makes_errors_custom(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/proxy.json");
        let form = [("error_status_auth_failed", "418"), ("error_auth_failed", "{\"no\": \"tea\"}"), ("error_headers_auth_failed", "application/json")];
        let reply = t.patch(&path, &form).await.expect(200);
        assert_eq!(reply.at("/proxy/error_format"), "custom");
        assert_eq!(reply.at("/proxy/error_status_auth_failed"), 418);
        assert_eq!(reply.at("/proxy/error_status_auth_missing"), 403);
        let reply = t.patch(&path, &[("error_format", "problem")]).await.expect(200);
        assert_eq!(reply.at("/proxy/error_format"), "problem");
        assert_eq!(reply.at("/proxy/error_auth_failed"), "{\"no\": \"tea\"}");
    }

    async fn what_gateways_could_not_load_is_refused(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/proxy.json");
        let before = t.get(&path).await.expect(200).value();
        for (field, value) in [
            ("endpoint", "api.example.com"), ("endpoint", "ftp://a.example"), ("endpoint", "https://a.example?x"),
            ("sandbox_endpoint", "https://"), ("sandbox_endpoint", "https://u@a.example"),
            ("api_backend", "origin"), ("api_backend", "http://h:99999"), ("api_backend", "http://*.example.com"),
            ("cold_start", "perhaps"), ("on_disconnect", "1"),
            ("hostname_rewrite", "a/b"), ("credentials_location", "body"), ("credentials_sources", "query,cookie"),
            ("credentials_sources", "bearer"), ("auth_app_id", "a b"), ("auth_app_id", ""), ("auth_app_key", "app_id"),
            ("error_status_no_match", "99"), ("error_status_no_match", "600"), ("error_status_no_match", "x"),
            ("error_headers_no_match", "text\u{e9}"), ("error_format", "html"), ("secret_token", "a b"),
            ("secret_token", ""), ("debug_secret", "short"), ("strip_credentials", "maybe"),
        ] {
            let reply = t.patch(&path, &[(field, value)]).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{field}={value}: {}", reply.text);
        }
        assert_eq!(t.get(&path).await.expect(200).value(), before);
    }

    async fn two_products_cannot_have_one_address(t: &Test) {
        let mail = format!("/admin/api/services/{}/proxy.json", product(t, "Mail").await);
        let news = format!("/admin/api/services/{}/proxy.json", product(t, "News").await);
        t.patch(&mail, &[("endpoint", "https://api.example.com")]).await.expect(200);
        for same in ["https://api.example.com", "http://API.example.com:8080/"] {
            let reply = t.patch(&news, &[("endpoint", same)]).await.expect(422);
            assert_eq!(reply.complaints(), ["endpoint"], "{same}");
            assert!(reply.text.contains("Mail"), "{}", reply.text);
        }
        t.patch(&news, &[("endpoint", "https://api.example.com/news")]).await.expect(200);
        // The other environment has other gateways.
        t.patch(&news, &[("sandbox_endpoint", "https://api.example.com")]).await.expect(200);
        t.patch(&mail, &[("endpoint", "https://api.example.com")]).await.expect(200);
    }

    async fn an_address_wanted_by_many_at_once_goes_to_one(t: &Test) {
        let mut wanted = Vec::new();
        for n in 0..6 {
            let id = product(t, &format!("P{n}")).await;
            let request = t
                .request(reqwest::Method::PATCH, &format!("/admin/api/services/{id}/proxy.json"))
                .basic_auth("", Some(&t.token))
                .form(&[("endpoint", "https://api.example.com")]);
            wanted.push(request);
        }
        let wanted: Vec<_> = wanted.into_iter().map(|request| tokio::spawn(send(request))).collect();
        let mut statuses = Vec::new();
        for reply in wanted {
            statuses.push(reply.await.unwrap().status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422, 422, 422, 422, 422]);
    }
}
