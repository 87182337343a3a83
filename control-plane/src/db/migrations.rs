//! The schema's history, built into the program.
//!
//! Both databases get the same tables and columns (`tests/it` compares them). A released migration never changes.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::borrow::Cow;

/// One migration, as both databases run it.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! steps {
    ($($version:literal $name:literal $file:literal,)*) => {
        &[$(Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../migrations/postgres/", $file)),
        },)*]
    };
}

/// By version.
#[rustfmt::skip]
const STEPS: &[Step] = steps! {
    1 "initial" "0001_initial.sql",
    2 "leases" "0002_leases.sql",
    3 "plans" "0003_plans.sql",
    4 "backends" "0004_backends.sql",
    5 "oidc" "0005_oidc.sql",
    6 "service tokens" "0006_service_tokens.sql",
    7 "events" "0007_events.sql",
    8 "people" "0008_people.sql",
    9 "content" "0009_content.sql",
    10 "traffic" "0010_traffic.sql",
    11 "mail" "0011_mail.sql",
    12 "site" "0012_site.sql",
    13 "identities" "0013_identities.sql",
    14 "plan change requests" "0014_plan_change_requests.sql",
    15 "portal" "0015_portal.sql",
    16 "portal audit" "0016_portal_audit.sql",
    17 "confirmed addresses" "0017_confirmed_addresses.sql",
};

/// Version of the newest migration.
pub(super) const NEWEST: i64 = match STEPS.last() {
    Some(step) => step.version,
    None => 0,
};

pub(super) fn sqlite() -> Migrator {
    migrator(|step| step.sqlite)
}

pub(super) fn postgres() -> Migrator {
    migrator(|step| step.postgres)
}

fn migrator(sql: impl Fn(&Step) -> &'static str) -> Migrator {
    Migrator::with_migrations(
        STEPS
            .iter()
            .map(|step| {
                Migration::new(
                    step.version,
                    Cow::Borrowed(step.name),
                    MigrationType::Simple,
                    SqlStr::from_static(sql(step)),
                    false,
                )
            })
            .collect(),
    )
}
