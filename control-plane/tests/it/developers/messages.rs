//! `POST …/messages`: the provider writes to a developer.

use super::{count, signed_up};
use crate::support::{Test, both_databases};
use tallygate::store::messages;

both_databases! {
    async fn messages_are_kept_for_the_portal(t: &Test) {
        signed_up(t, "bob").await;
        let path = "/admin/api/accounts/1/messages.json";
        let reply = t.post(path, &[("subject", "Hello"), ("body", "Your key\nis ready")]).await.expect(201);
        assert_eq!((reply.at("/message/subject"), reply.at("/message/body"), reply.at("/message/state")),
            ("Hello".into(), "Your key\nis ready".into(), "sent".into()));
        let xml = t.post("/admin/api/accounts/1/messages.xml", &[("body", "no subject")]).await.expect(201).text;
        assert!(xml.contains("<message><id>2</id><body>no subject</body>"), "{xml}");
        t.post(path, &[("subject", "no body")]).await.expect(201);
        let long = "x".repeat(65_536);
        for (form, field) in [
            (vec![], "body"), (vec![("body", " "), ("subject", "")], "body"), (vec![("body", long.as_str())], "body"),
            (vec![("subject", &long[..256]), ("body", "x")], "subject"), (vec![("subject", &long[..256])], "subject"),
        ] {
            assert_eq!(t.post(path, &form).await.expect(422).complaints(), [field]);
        }
        t.post("/admin/api/accounts/9/messages.json", &[("body", "x")]).await.expect(404);
        let mut tx = t.app.db.read().await.unwrap();
        let subjects: Vec<_> = messages::of_account(&mut tx, 1).await.unwrap().into_iter().map(|row| row.subject).collect();
        drop(tx);
        assert_eq!(subjects, ["no body", "", "Hello"]);
        t.delete("/admin/api/accounts/1.json").await.expect(200);
        assert_eq!(count(t, "message").await, 0);
    }
}
