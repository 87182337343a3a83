//! Where people sign in from, and the provider's own fields.

use super::{Field, Shape, Tag, choice, delete, flag, get, id, int, post, put_patch, shape, text, texts, time};

pub(super) fn fields() -> Tag {
    Tag::new("Fields definitions", "The provider's own fields of accounts, users and applications (Cinstance).")
        .at("/admin/api/fields_definitions", [
            get("", "List all fields").list("fields_definitions", "fields_definition", definition()),
            post("", "Make a field").takes([
                target().required(),
                text("name", "vat_number").max(255).required().about("A letter, then letters, digits, - and _; it never changes"),
                text("label", "VAT number").max(255).required(),
            ]).takes(choices()).one("fields_definition", definition()),
            get("/{id}", "Show a field").one("fields_definition", definition()),
            put_patch("/{id}", "Change a field").takes([
                target().about("Never changes"),
                text("label", "VAT number").max(255),
                int("position", 1).min(1).about("Where it stands among its target's fields; the others move"),
            ]).takes(choices()).one("fields_definition", definition()),
            delete("/{id}", "Delete a field").about("With what anybody has in it. Refused for fields that nothing can be without."),
        ])
}

pub(super) fn developers() -> Tag {
    Tag::new("Authentication providers", "Where developers may sign in to the portal from.")
        .at("/admin/api/authentication_providers", [
            get("", "List authentication providers of the portal").list("authentication_providers", "authentication_provider", provider()),
            post("", "Make an authentication provider of the portal").takes(params("github, auth0, keycloak, or a word of your own; one of each kind"))
                .one("authentication_provider", provider()),
            get("/{id}", "Show an authentication provider of the portal").one("authentication_provider", provider()),
            put_patch("/{id}", "Change an authentication provider of the portal").takes(changes()).one("authentication_provider", provider()),
            delete("/{id}", "Delete an authentication provider of the portal"),
        ])
}

pub(super) fn provider_users() -> Tag {
    Tag::new("Authentication providers of the console", "Where the provider's users may sign in to the console from.")
        .at("/admin/api/account/authentication_providers", [
            get("", "List authentication providers of the console").list("authentication_providers", "authentication_provider", provider()),
            post("", "Make an authentication provider of the console").takes(params("auth0 or keycloak")).one("authentication_provider", provider()),
            get("/{id}", "Show an authentication provider of the console").one("authentication_provider", provider()),
            put_patch("/{id}", "Change an authentication provider of the console").takes(changes()).one("authentication_provider", provider()),
            delete("/{id}", "Delete an authentication provider of the console").about("Refused for the only published one while `enforce_sso` is on."),
        ])
}

pub(super) fn sso_tokens() -> Tag {
    Tag::new("SSO tokens", "Links that sign a developer in to the portal, each once.")
        .at("/admin/api/sso_tokens", [
            post("", "Make a link that signs a developer in").takes([
                int("user_id", 7).min(1).about("Whom to sign in; or say username"),
                text("username", "ann").max(255),
                int("expires_in", 300).min(31).max(86_400).about("Seconds; a link lives ten minutes at most"),
                text("redirect_url", "/admin").about("Where to afterwards: a path of the portal"),
                choice("protocol", &["https", "http"]).about("Of the link, when it is another than the portal's"),
            ]).one("sso_token", shape("SsoToken", [
                text("sso_url", "https://developers.example.com/session/create?token=1b4e…&expires_at=1769860800"),
                text("token", "1b4e…"),
            ])).about("The user must be active and its account approved, now and when the link is used."),
        ])
}

fn target() -> Field {
    choice("target", &["Account", "User", "Cinstance"])
}

fn choices() -> Vec<Field> {
    vec![
        flag("required", false).about("Whether developers must fill it in; not together with hidden or read_only"),
        flag("hidden", false).about("Whether developers do not see it"),
        flag("read_only", false).about("Whether developers cannot change it"),
        texts("choices", &["yes", "no"]).about("What it may hold; anything when there are none"),
    ]
}

fn definition() -> Shape {
    shape("FieldsDefinition", [
        id("id"),
        choice("target", &["Account", "User", "Cinstance"]),
        text("name", "vat_number"),
        text("label", "VAT number"),
        flag("required", false),
        flag("hidden", false),
        flag("read_only", false),
        texts("choices", &["yes", "no"]),
        int("position", 2),
        time("created_at"),
        time("updated_at"),
    ])
}

fn params(kinds: &'static str) -> Vec<Field> {
    let mut params = vec![
        text("kind", "keycloak").max(255).required().about(kinds),
        text("name", "Staff").max(255),
        text("system_name", "staff").max(255).about("The kind when left out; it never changes"),
        text("client_id", "tallygate").max(255).required(),
        text("client_secret", "s3cret").max(255).required(),
        text("token_url", "https://id.example.com/token").max(255),
        text("user_info_url", "https://id.example.com/userinfo").max(255),
        text("authorize_url", "https://id.example.com/authorize").max(255),
        text("identifier_key", "id").max(255),
        text("username_key", "login").max(255),
        flag("trust_email", false),
        choice("branding_state_event", &["custom_brand", "brand_as_threescale"]).older().about("Of GitHub only"),
    ];
    params.extend(common());
    params
}

fn changes() -> Vec<Field> {
    let mut params = vec![text("client_id", "tallygate").max(255), text("client_secret", "s3cret").max(255)];
    params.extend(common());
    params
}

fn common() -> [Field; 4] {
    [
        text("site", "https://id.example.com/realms/staff").max(255).about("Its base URL or realm; needed by auth0 and keycloak"),
        flag("published", true),
        flag("skip_ssl_certificate_verification", false),
        flag("automatically_approve_accounts", false),
    ]
}

fn provider() -> Shape {
    shape("AuthenticationProvider", [
        id("id"),
        text("kind", "keycloak"),
        choice("account_type", &["developer", "provider"]),
        text("name", "Staff"),
        text("system_name", "staff"),
        text("client_id", "tallygate"),
        text("client_secret", "s3cret"),
        text("site", "https://id.example.com/realms/staff"),
        text("token_url", ""),
        text("user_info_url", ""),
        text("authorize_url", ""),
        flag("skip_ssl_certificate_verification", false),
        flag("automatically_approve_accounts", false),
        choice("branding_state", &["custom_branded", "threescale_branded"]).or_null(),
        text("username_key", "login"),
        text("identifier_key", "id"),
        flag("trust_email", false),
        flag("published", true),
        time("created_at"),
        time("updated_at"),
        text("callback_url", "https://developers.example.com/auth/staff/callback"),
    ])
}
