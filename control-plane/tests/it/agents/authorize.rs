//! `authorize` and `authrep`: who may call, what limits say, and how it is told.

use super::world::{code, get, header, limit, world};
use crate::support::{Test, both_databases};

both_databases! {
    async fn a_call_is_counted_on_its_metric_and_the_parent_until_the_limit(t: &Test) {
        let w = world(t, "2", &[("hits", "eternity", 3), ("disk", "month", 10)]).await;
        let first = w.call(t, "authrep", &[("send", 2)], "").await.expect(200);
        assert_eq!(
            first.text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<status><authorized>true</authorized><plan>Bronze &amp; Co</plan>\
             <usage_reports><usage_report metric=\"hits\" period=\"eternity\"><max_value>3</max_value>\
             <current_value>2</current_value></usage_report></usage_reports></status>\n"
        );
        assert_eq!(header(&first, "content-type"), Some("application/vnd.3scale-v2.0+xml; charset=utf-8"));
        let denied = w.call(t, "authrep", &[("send", 2)], "rejection_reason_header=1&limit_headers=1").await.expect(409);
        assert!(denied.text.contains("<authorized>false</authorized><reason>usage limits are exceeded</reason>"), "{}", denied.text);
        assert!(denied.text.contains("period=\"eternity\" exceeded=\"true\""), "{}", denied.text);
        assert_eq!(header(&denied, "3scale-rejection-reason"), Some("limits_exceeded"));
        assert_eq!(header(&denied, "3scale-limit-remaining"), Some("0"));
        assert_eq!(header(&denied, "retry-after"), None, "eternity does not end");
        w.call(t, "authrep", &[("hits", 1)], "").await.expect(200);
        w.call(t, "authrep", &[("send", 1)], "").await.expect(409);
        // A limit of another metric is not in the way, and what is not limited is counted.
        w.call(t, "authrep", &[("disk", 10)], "").await.expect(200);
        w.call(t, "authrep", &[("disk", 1)], "").await.expect(409);
        assert_eq!((w.used(t, w.hits).await, w.used(t, w.method).await, w.used(t, w.other).await), (3, 2, 10));
        assert_eq!((w.used_in_all(t, w.hits).await, w.used_in_all(t, w.other).await), (3, 10));
    }

    async fn all_limits_or_none(t: &Test) {
        let w = world(t, "2", &[("hits", "eternity", 10), ("send", "day", 2), ("disk", "year", 5)]).await;
        w.call(t, "authrep", &[("send", 2), ("disk", 1)], "").await.expect(200);
        for usage in [&[("send", 1)][..], &[("hits", 1), ("disk", 5)], &[("hits", 9)]] {
            w.call(t, "authrep", usage, "").await.expect(409);
        }
        assert_eq!((w.used(t, w.hits).await, w.used(t, w.method).await, w.used(t, w.other).await), (2, 2, 1));
        let reply = w.call(t, "authrep", &[("hits", 8), ("disk", 4)], "no_body=1").await.expect(200);
        assert_eq!(reply.text, "");
        w.call(t, "authrep", &[("hits", 0)], "").await.expect(200);
        // Up to here all limits are met exactly, which is not beyond them.
        w.call(t, "authorize", &[], "").await.expect(200);
    }

    async fn authorize_foresees_and_counts_nothing(t: &Test) {
        let w = world(t, "2", &[("hits", "hour", 5)]).await;
        for _ in 0..3 {
            w.call(t, "authorize", &[("send", 5)], "").await.expect(200);
        }
        let beyond = w.call(t, "authorize", &[("send", 6)], "").await.expect(409);
        let retry_after: u64 = header(&beyond, "retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&retry_after));
        assert_eq!(w.used(t, w.hits).await, 0);
        // Reports pass limits; then a call without usage is denied too.
        w.report(t, &[("transactions[0][app_id]", &w.app_id), ("transactions[0][usage][hits]", "6")]).await.expect(202);
        let exceeded = w.call(t, "authorize", &[], "").await.expect(409);
        assert!(exceeded.text.contains("<current_value>6</current_value>"), "{}", exceeded.text);
        w.call(t, "authrep", &[], "").await.expect(409);
        w.call(t, "authrep", &[("hits", 0)], "").await.expect(409);
        w.call(t, "authrep", &[("disk", 1)], "").await.expect(200);
    }

    async fn headers_tell_the_nearest_limit(t: &Test) {
        let w = world(t, "2", &[("hits", "minute", 10), ("hits", "eternity", 9), ("send", "day", 8)]).await;
        let options = "limit_headers=1&no_body=1";
        let limits = |reply: &crate::support::client::Reply| {
            ["remaining", "reset", "max-value"]
                .map(|name| header(reply, &format!("3scale-limit-{name}")).unwrap().parse::<i64>().unwrap())
        };
        let reply = w.call(t, "authrep", &[("hits", 2)], options).await.expect(200);
        assert_eq!(limits(&reply), [3, -1, 9], "(9 - 2) / 2");
        let reply = w.call(t, "authrep", &[("send", 1)], options).await.expect(200);
        assert_eq!(limits(&reply), [6, -1, 9], "9 - 3, before 8 - 1 and 10 - 3");
        let reply = w.call(t, "authrep", &[("disk", 1)], options).await.expect(200);
        assert_eq!(limits(&reply), [-1, -1, -1]);
        let reply = w.call(t, "authorize", &[("send", 7)], options).await.expect(409);
        assert_eq!(limits(&reply)[0], 0);
        // Nothing about limits where they are not the reason.
        let mut pairs = w.credentials();
        pairs[3].1 = "wrong".into();
        let reply = get(t, "authrep", &pairs, options).await.expect(409);
        assert_eq!(header(&reply, "3scale-limit-remaining"), None);
    }

    async fn who_may_not_call_is_told_so_in_3scales_words(t: &Test) {
        let w = world(t, "2", &[]).await;
        let elsewhere = world(t, "2", &[]).await;
        let id = w.service.to_string();
        for (change, status, expected) in [
            (vec![("service_token", None)], 403, "provider_key_or_service_token_required"),
            (vec![("service_token", Some("wrong"))], 403, "service_token_invalid"),
            (vec![("service_token", Some(elsewhere.token.as_str()))], 403, "service_token_invalid"),
            (vec![("service_id", None)], 422, "service_id_missing"),
            (vec![("service_id", Some("x"))], 403, "service_token_invalid"),
            (vec![("service_id", Some("-1"))], 403, "service_token_invalid"),
            (vec![("service_token", None), ("provider_key", Some("wrong"))], 403, "provider_key_invalid"),
            (vec![("service_token", None), ("provider_key", Some(t.provider_key.as_str())), ("service_id", Some("99999"))], 403, "service_id_invalid"),
            (vec![("service_token", None), ("provider_key", Some(t.provider_key.as_str())), ("service_id", None)], 422, "service_id_missing"),
            (vec![("app_id", None)], 404, "application_not_found"),
            (vec![("app_id", Some("nobody"))], 404, "application_not_found"),
            (vec![("app_id", Some(elsewhere.app_id.as_str()))], 404, "application_not_found"),
            (vec![("user_key", Some("x"))], 403, "authentication_error"),
            // An app_id is a name: it must not pass for the secret that a user_key is.
            (vec![("user_key", Some(w.app_id.as_str())), ("app_id", None)], 403, "user_key_invalid"),
            (vec![("usage[nothing]", Some("1"))], 404, "metric_invalid"),
            (vec![("usage[hits]", Some("-1"))], 403, "usage_value_invalid"),
            (vec![("usage[hits]", Some("#5"))], 403, "usage_value_invalid"),
            (vec![("usage[hits]", Some(""))], 403, "usage_value_invalid"),
            (vec![("usage[hits]", Some("9007199254740992"))], 403, "usage_value_invalid"),
        ] {
            let mut pairs = w.credentials();
            for (name, value) in &change {
                pairs.retain(|(known, _)| known != name);
                pairs.extend(value.map(|value| (*name, value.to_owned())));
            }
            for verb in ["authorize", "authrep"] {
                let reply = get(t, verb, &pairs, "rejection_reason_header=1").await.expect(status);
                assert_eq!(code(&reply), expected, "{change:?}");
                assert_eq!(header(&reply, "3scale-rejection-reason"), Some(expected));
                let bare = get(t, verb, &pairs, "no_body=1").await.expect(status);
                assert_eq!(bare.text, "");
            }
        }
        // Denials: what is named exists, but may not.
        for (key, reason) in [(Some("wrong"), "application key \"wrong\" is invalid"), (None, "application key is missing")] {
            let mut pairs = w.credentials();
            pairs.pop();
            pairs.extend(key.map(|key| ("app_key", key.to_owned())));
            let reply = get(t, "authrep", &pairs, "rejection_reason_header=1").await.expect(409);
            assert!(reply.text.contains(&format!("<reason>{}</reason>", reason.replace('"', "&quot;"))), "{}", reply.text);
            assert_eq!(header(&reply, "3scale-rejection-reason"), Some("application_key_invalid"));
        }
        let provider = [("provider_key", t.provider_key.clone()), ("service_id", id), ("app_id", w.app_id.clone()), ("app_key", w.app_key.clone())];
        get(t, "authorize", &provider, "").await.expect(200);
        let reply = w.call(t, "oauth_authrep", &[], "rejection_reason_header=1").await.expect(409);
        assert_eq!(header(&reply, "3scale-rejection-reason"), Some("oauth_not_enabled"));
    }

    async fn referrers_are_held_against_the_applications_filters(t: &Test) {
        let w = world(t, "2", &[]).await;
        let filters = format!("/admin/api/accounts/{}/applications/{}/referrer_filters.json", w.account, w.application);
        t.post(&filters, &[("referrer_filter", "*.example.com")]).await.expect(201);
        let mut pairs = w.credentials();
        get(t, "authrep", &pairs, "").await.expect(200);
        t.put(&format!("/admin/api/services/{}.json", w.service), &[("referrer_filters_required", "true")]).await.expect(200);
        let reply = get(t, "authrep", &pairs, "rejection_reason_header=1").await.expect(409);
        assert_eq!(header(&reply, "3scale-rejection-reason"), Some("referrer_not_allowed"));
        pairs.push(("referrer", String::new()));
        for (referrer, status) in [("https://www.example.com/a", 200), ("https://evil.example/", 409), ("*", 200)] {
            pairs[4].1 = referrer.into();
            get(t, "authrep", &pairs, "").await.expect(status);
        }
    }

    async fn who_is_stopped_is_denied_at_once(t: &Test) {
        let w = world(t, "2", &[("hits", "day", 100)]).await;
        let account = format!("/admin/api/accounts/{}", w.account);
        let application = format!("{account}/applications/{}", w.application);
        w.call(t, "authrep", &[("hits", 1)], "").await.expect(200);
        for (stop, go_on) in [
            (format!("{application}/suspend.json"), format!("{application}/resume.json")),
            (format!("{account}/suspend.json"), format!("{account}/resume.json")),
        ] {
            t.put(&stop, &[]).await.expect(200);
            let reply = w.call(t, "authrep", &[("hits", 1)], "rejection_reason_header=1").await.expect(409);
            assert_eq!(header(&reply, "3scale-rejection-reason"), Some("application_not_active"));
            t.put(&go_on, &[]).await.expect(200);
            w.call(t, "authrep", &[("hits", 1)], "").await.expect(200);
        }
        // A key that is taken away works no longer; a limit that is lowered binds.
        t.delete(&format!("{application}/keys/{}.json", w.app_key)).await.expect(200);
        w.call(t, "authrep", &[("hits", 1)], "").await.expect(409);
        t.post(&format!("{application}/keys.json"), &[("key", &w.app_key)]).await.expect(201);
        limit(t, w.plan, w.hits, "eternity", 4).await;
        w.call(t, "authrep", &[("hits", 1)], "").await.expect(200);
        w.call(t, "authrep", &[("hits", 1)], "").await.expect(409);
        t.delete(&format!("/admin/api/services/{}.json", w.service)).await.expect(200);
        let gone = w.call(t, "authorize", &[], "").await.expect(403);
        assert_eq!(code(&gone), "service_token_invalid");
    }

    async fn what_else_agents_may_be_told(t: &Test) {
        let w = world(t, "2", &[]).await;
        let reply = w.call(t, "authorize", &[], "hierarchy=1&list_app_keys=1").await.expect(200);
        let expected = format!(
            "<hierarchy><metric name=\"hits\" children=\"send\"/></hierarchy><app_keys app=\"{}\" svc=\"{}\"><key id=\"key-12345\"/></app_keys>",
            w.app_id, w.service
        );
        assert!(reply.text.contains(&expected), "{}", reply.text);
        // Added up by the agent already: nothing goes to the parent.
        w.call(t, "authrep", &[("send", 2)], "flat_usage=1").await.expect(200);
        assert_eq!((w.used(t, w.hits).await, w.used(t, w.method).await), (0, 2));
        w.call(t, "authrep", &[("hits", 1), ("send", 2)], "").await.expect(200);
        assert_eq!((w.used(t, w.hits).await, w.used(t, w.method).await), (3, 4));
    }

    async fn what_backends_count_is_named_with_their_id_and_adds_to_hits(t: &Test) {
        let w = world(t, "2", &[("hits", "eternity", 3)]).await;
        let maps = t
            .post("/admin/api/backend_apis.json", &[("name", "Maps"), ("private_endpoint", "https://maps.example.com")])
            .await
            .expect(201)
            .id("/backend_api/id");
        let name = format!("hits.{maps}");
        w.call(t, "authrep", &[(&name, 1)], "").await.expect(404);
        let form = [("backend_api_id", maps.to_string()), ("path", "/maps".to_owned())];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        t.post(&format!("/admin/api/services/{}/backend_usages.json", w.service), &form).await.expect(201);
        w.call(t, "authrep", &[(&name, 2)], "").await.expect(200);
        w.call(t, "authrep", &[(&name, 2)], "").await.expect(409);
        let reply = w.call(t, "authrep", &[(&name, 1)], "hierarchy=1").await.expect(200);
        assert!(reply.text.contains(&format!("<metric name=\"hits\" children=\"send {name}\"/>")), "{}", reply.text);
        assert_eq!(w.used(t, w.hits).await, 3);
    }

    async fn user_keys(t: &Test) {
        let w = world(t, "1", &[("hits", "minute", 1)]).await;
        let mut pairs = vec![
            ("service_token", w.token.clone()),
            ("service_id", w.service.to_string()),
            ("user_key", w.user_key.clone()),
            ("usage[hits]", "1".into()),
        ];
        get(t, "authrep", &pairs, "").await.expect(200);
        let denied = get(t, "authrep", &pairs, "").await.expect(409);
        let retry_after: u64 = header(&denied, "retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&retry_after));
        assert!(denied.text.contains("<period_start>2"), "{}", denied.text);
        pairs[2].1 = "wrong".into();
        assert_eq!(code(&get(t, "authrep", &pairs, "").await.expect(403)), "user_key_invalid");
        pairs[2] = ("app_id", w.user_key.clone());
        assert_eq!(code(&get(t, "authrep", &pairs, "").await.expect(404)), "application_not_found");
    }

    async fn tokens_of_an_issuer(t: &Test) {
        let w = world(t, "oidc", &[("hits", "day", 2)]).await;
        let mut pairs = w.credentials();
        pairs.pop();
        pairs.push(("usage[hits]", "1".into()));
        let reply = get(t, "oauth_authrep", &pairs, "").await.expect(200);
        assert!(reply.text.contains(&format!("<application><id>{}</id>", w.app_id)), "{}", reply.text);
        pairs.push(("app_key", "wrong".into()));
        get(t, "oauth_authrep", &pairs, "").await.expect(409);
        pairs.pop();
        pairs.push(("redirect_uri", "https://evil.example".into()));
        let reply = get(t, "oauth_authorize", &pairs, "rejection_reason_header=1").await.expect(409);
        assert_eq!(header(&reply, "3scale-rejection-reason"), Some("redirect_uri_invalid"));
        assert_eq!(w.used(t, w.hits).await, 1);
    }
}
