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
    }
}
