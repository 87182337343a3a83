//! The provider's own account.

use crate::support::{Test, both_databases};

both_databases! {
    async fn the_provider_can_be_read_and_changed(t: &Test) {
        let reply = t.get("/admin/api/provider.json").await.expect(200);
        assert_eq!(reply.at("/account/org_name"), "Acme");
        assert_eq!(reply.at("/account/support_email"), "api@acme.example");
        let form = [("support_email", "help@acme.example"), ("from_email", "no-reply@acme.example"), ("site_access_code", "sesame")];
        let reply = t.put("/admin/api/provider.json", &form).await.expect(200);
        assert_eq!(reply.at("/account/support_email"), "help@acme.example");
        assert_eq!(reply.at("/account/from_email"), "no-reply@acme.example");
        assert_eq!(reply.at("/account/site_access_code"), "sesame");
        let reply = t.put("/admin/api/provider.json", &[("from_email", "nobody")]).await.expect(422);
        assert_eq!(reply.complaints(), ["from_email"]);
        let form = [("finance_support_email", "money@acme.example"), ("from_email", ""), ("site_access_code", "")];
        let reply = t.put("/admin/api/provider.xml", &form).await.expect(200);
        for part in ["<account><id>1</id><org_name>Acme</org_name>", "<from_email>help@acme.example</from_email>", "<finance_support_email>money@acme.example</finance_support_email>", "<site_access_code></site_access_code>"] {
            assert!(reply.text.contains(part), "{}", reply.text);
        }
        let reply = t.put("/admin/api/provider.json", &[("support_email", ""), ("org_name", ""), ("finance_support_email", "x")]).await.expect(422);
        assert_eq!(reply.complaints(), ["org_name", "support_email", "finance_support_email"]);
        let reply = t.get("/admin/api/provider.json").await.expect(200);
        assert_eq!((reply.at("/account/org_name"), reply.at("/account/support_email")), ("Acme".into(), "help@acme.example".into()));
        assert_eq!(format!("http://{}", reply.at("/account/admin_domain").as_str().unwrap()), t.admin);
        assert_eq!(format!("http://{}", reply.at("/account/domain").as_str().unwrap()), t.portal);
    }
}
