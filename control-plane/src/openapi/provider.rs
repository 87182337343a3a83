//! The provider and its settings.

use super::{Field, Shape, Tag, choice, get, id, put, put_patch, shape, text, time};
use crate::store::settings::{self, AnySetting};

pub(super) fn tag() -> Tag {
    Tag::new("Provider", "The installation's provider and its choices.")
        .at("/admin/api", [
            get("/provider", "Show the provider").one("account", provider()),
            put_patch("/provider", "Change the provider").takes([
                text("org_name", "Acme").max(255),
                text("support_email", "help@example.com").max(255),
                text("from_email", "api@example.com").max(255),
                text("finance_support_email", "billing@example.com").max(255),
                text("site_access_code", "open sesame").max(255),
            ]).one("account", provider()),
            get("/settings", "Show the settings").one("settings", settings()),
            put("/settings", "Change settings").takes(choices()).one("settings", settings()),
        ])
}

fn choices() -> Vec<Field> {
    settings::ALL.iter().map(|setting| match setting {
        AnySetting::Flag(flag) => super::flag(flag.name, flag.default),
        AnySetting::Word(word) => choice(word.name, word.words),
        AnySetting::Color(color) => text(color.name, "#0a6b4d").max(7),
    }).collect()
}

fn settings() -> Shape {
    shape("Settings", choices())
}

fn provider() -> Shape {
    shape("Provider", [
        id("id"),
        text("org_name", "Acme"),
        text("state", "approved"),
        text("domain", "developers.example.com"),
        text("admin_domain", "admin.example.com"),
        text("admin_base_url", "https://admin.example.com"),
        text("base_url", "https://developers.example.com"),
        text("from_email", "api@example.com"),
        text("support_email", "help@example.com"),
        text("finance_support_email", "billing@example.com").or_null(),
        text("site_access_code", "open sesame").or_null(),
        time("created_at"),
        time("updated_at"),
    ])
}
