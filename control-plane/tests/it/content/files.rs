//! Files of the portal: uploads as forms send them.

use crate::support::client::send;
use crate::support::{Reply, Test, both_databases};
use reqwest::Method;
use serde_json::json;

const PATH: &str = "/admin/api/cms/files.json";

/// Sends a body of parts, as browsers and curl do.
async fn upload(t: &Test, method: Method, path: &str, body: Vec<u8>) -> Reply {
    let request = t
        .request(method, path)
        .basic_auth("", Some(&t.token))
        .header("content-type", "multipart/form-data; boundary=XX")
        .body(body);
    send(request).await
}

fn part(head: &str, content: &[u8]) -> Vec<u8> {
    [
        format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        content,
        b"\r\n",
    ]
    .concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), b"--XX--\r\n".to_vec()].concat()
}

both_databases! {
    async fn files_are_uploaded_replaced_and_deleted(t: &Test) {
        let icon: Vec<u8> = (0..=255).collect();
        let body = form(&[
            part("name=\"path\"", b"images/icon.ico"),
            part("name=\"attachment\"; filename=\"C:\\fav icon.ico\"\r\nContent-Type: image/x-icon", &icon),
        ]);
        let reply = upload(t, Method::POST, PATH, body).await.expect(201);
        assert_eq!(reply.at("/path"), "/images/icon.ico");
        assert_eq!(reply.at("/title"), "fav icon.ico");
        assert_eq!(reply.at("/content_type"), "image/x-icon");
        assert_eq!(reply.at("/url"), format!("{}/images/icon.ico", t.portal));
        let id = reply.id("/id");
        assert_eq!(content(t, id).await, icon);
        let own = format!("/admin/api/cms/files/{id}.json");
        assert_eq!(t.put(&own, &[("downloadable", "true")]).await.expect(200).at("/downloadable"), true);
        assert_eq!(content(t, id).await, icon);
        let body = form(&[part("name=\"attachment\"; filename=\"new.css\"", b"a{}")]);
        let reply = upload(t, Method::PUT, &own, body).await.expect(200);
        assert_eq!(reply.at("/title"), "new.css");
        assert_eq!(content(t, id).await, b"a{}");
        let list = t.get(PATH).await.expect(200);
        assert_eq!(list.at("/collection/0/path"), "/images/icon.ico");
        assert_eq!(list.at("/metadata/total_entries"), 1);
        t.delete(&own).await.expect(200);
        t.delete(&own).await.expect(404);
    }

    async fn base64_will_do(t: &Test) {
        let reply = t.json(Method::POST, PATH, &json!({"path": "/a.svg", "attachment": "PHN2Zy8+"})).await.expect(201);
        assert_eq!(reply.at("/content_type"), "image/svg+xml");
        assert_eq!(content(t, reply.id("/id")).await, b"<svg/>");
    }

    async fn what_is_wrong_is_named(t: &Test) {
        t.post("/admin/api/cms/templates.json", &[("type", "page"), ("title", "P"), ("path", "/p")]).await.expect(201);
        for (form, expected) in [
            (&[][..], &["path", "attachment"][..]),
            (&[("path", "/a"), ("attachment", "*")], &["attachment"]),
            (&[("path", "/a?b"), ("attachment", "eA==")], &["path"]),
            (&[("path", "/p"), ("attachment", "eA==")], &["path"]),
            (&[("path", "/a"), ("attachment", "eA=="), ("section_id", "99")], &["section_id"]),
        ] {
            assert_eq!(t.post(PATH, form).await.expect(422).complaints(), expected, "{form:?}");
        }
        let big = form(&[part("name=\"path\"", b"/big"), part("name=\"attachment\"; filename=\"b\"", &vec![0; 5 * 1024 * 1024 + 1])]);
        assert_eq!(upload(t, Method::POST, PATH, big).await.expect(422).complaints(), ["attachment"]);
    }

    async fn broken_forms_are_refused(t: &Test) {
        for (body, status) in [
            (b"--XX\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\n/a".to_vec(), 400),
            (b"--XX\r\nContent-Disposition: form-data; name=\"pa".to_vec(), 400),
            (b"nothing of it".to_vec(), 400),
            (form(&[part("name=\"path\"", b"\xff")]), 422),
            (form(&[part("name=\"path\"", b"/a\0b")]), 422),
            (form(&vec![part("name=\"a\"", b""); 200]), 400),
        ] {
            let reply = upload(t, Method::POST, PATH, body.clone()).await;
            assert_eq!(reply.status.as_u16(), status, "{}: {}", String::from_utf8_lossy(&body), reply.text);
        }
        let request = t.request(Method::POST, PATH).basic_auth("", Some(&t.token)).header("content-type", "multipart/form-data").body("x");
        send(request).await.expect(400);
    }
}

async fn content(t: &Test, id: i64) -> Vec<u8> {
    let mut tx = t.app.db.read().await.unwrap();
    tallygate::store::cms::files::content(&mut tx, id)
        .await
        .unwrap()
}
