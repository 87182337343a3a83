//! `ETag`, `If-None-Match` and `If-Match`.

use super::product;
use crate::support::client::{Reply, send};
use crate::support::{Test, both_databases};
use reqwest::Method;

async fn with_header(
    t: &Test,
    method: Method,
    path: &str,
    header: (&str, &str),
    form: &[(&str, &str)],
) -> Reply {
    let request = t
        .request(method.clone(), path)
        .basic_auth("", Some(&t.token))
        .header(header.0, header.1);
    let request = if method == Method::GET {
        request
    } else {
        request.form(form)
    };
    send(request).await
}

async fn tag(t: &Test, path: &str) -> String {
    let reply = t.get(path).await.expect(200);
    reply.headers["etag"].to_str().unwrap().to_owned()
}

/// What is written, how, where its tag comes from, and the form.
type Case<'a> = (Method, String, &'a str, &'a [(&'a str, &'a str)]);

both_databases! {
    async fn what_is_known_is_not_sent_again(t: &Test) {
        let path = product(t, "Mail").await;
        for resource in [path.clone(), format!("{path}/proxy"), "/admin/api/services".into(), "/admin/api/settings".into()] {
            for extension in ["json", "xml"] {
                let resource = format!("{resource}.{extension}");
                let known = tag(t, &resource).await;
                assert_eq!(tag(t, &resource).await, known, "{resource}");
                for header in [known.clone(), format!("\"x\", {known}"), format!("W/{known}"), "*".into()] {
                    let reply = with_header(t, Method::GET, &resource, ("if-none-match", &header), &[]).await.expect(304);
                    assert_eq!(reply.text, "");
                    assert_eq!(reply.headers["etag"].to_str().unwrap(), known);
                }
                let other = with_header(t, Method::GET, &resource, ("if-none-match", "\"x\""), &[]).await.expect(200);
                assert!(!other.text.is_empty());
            }
        }
        let known = tag(t, &format!("{path}.json")).await;
        assert_ne!(known, tag(t, &format!("{path}.xml")).await, "one tag, one text");
        t.put(&format!("{path}.json"), &[("name", "Letters")]).await.expect(200);
        let reply = with_header(t, Method::GET, &format!("{path}.json"), ("if-none-match", &known), &[]).await;
        assert_eq!(reply.expect(200).at("/service/name"), "Letters");
        let missing = t.get("/admin/api/services/99.json").await.expect(404);
        assert!(!missing.headers.contains_key("etag"));
    }

    async fn writes_happen_only_to_what_the_client_knows(t: &Test) {
        let path = product(t, "Mail").await;
        let metric = t.post(&format!("{path}/metrics.json"), &[("friendly_name", "Calls"), ("unit", "call")]).await.expect(201);
        let metric = format!("{path}/metrics/{}", metric.id("/metric/id"));
        let proxy = format!("{path}/proxy");
        let writes: [Case<'_>; 6] = [
            (Method::PUT, format!("{path}.json"), &path, &[("name", "Letters")]),
            (Method::PATCH, format!("{proxy}.json"), &proxy, &[("api_backend", "https://mail.example")]),
            (Method::PATCH, format!("{proxy}.xml"), &proxy, &[("api_backend", "https://mail2.example")]),
            (Method::PUT, format!("{metric}.json"), &metric, &[("unit", "letter")]),
            (Method::POST, format!("{proxy}/deploy.json"), &proxy, &[]),
            (Method::DELETE, format!("{metric}.json"), &metric, &[]),
        ];
        for (method, target, resource, form) in writes {
            let before = t.get(&format!("{resource}.json")).await.expect(200).text;
            for stale in ["\"00000000000000000000000000000000\"", "", "W/\"x\""] {
                let reply = with_header(t, method.clone(), &target, ("if-match", stale), form).await;
                assert_eq!(reply.status, 412, "{method} {target} {stale}: {}", reply.text);
                assert!(reply.text.contains("If-Match"), "{}", reply.text);
            }
            assert_eq!(t.get(&format!("{resource}.json")).await.expect(200).text, before, "{method} {target}");
            // Whichever form it was read in.
            let known = tag(t, &format!("{resource}.xml")).await;
            let reply = with_header(t, method.clone(), &target, ("if-match", &known), form).await;
            assert!(reply.status.is_success() || target.contains("deploy") && reply.status == 422, "{method} {target}: {} {}", reply.status, reply.text);
            let again = with_header(t, method.clone(), &target, ("if-match", &known), form).await;
            if method == Method::PUT || method == Method::PATCH {
                assert_eq!(again.status, 412, "{method} {target}: {}", again.text);
            }
        }
        // Refused for what is wrong with it, not for a tag that nothing has.
        with_header(t, Method::PUT, "/admin/api/services/99.json", ("if-match", "*"), &[("name", "x")]).await.expect(404);
        with_header(t, Method::PUT, &format!("{path}.json"), ("if-match", "*"), &[("name", "Any")]).await.expect(200);
        // A list can be what is known, too.
        let list = tag(t, "/admin/api/services.json").await;
        with_header(t, Method::POST, "/admin/api/services.json", ("if-match", &list), &[("name", "One")]).await.expect(201);
        with_header(t, Method::POST, "/admin/api/services.json", ("if-match", &list), &[("name", "Two")]).await.expect(412);
    }

    async fn who_may_not_write_learns_nothing_from_tags(t: &Test) {
        let path = format!("{}.json", product(t, "Mail").await);
        for header in ["*", "\"x\""] {
            let request = t.request(Method::PUT, &path).header("if-match", header).form(&[("name", "x")]);
            send(request).await.expect(403);
        }
        let request = t.request(Method::GET, &path).header("if-none-match", "*");
        send(request).await.expect(403);
    }
}
