//! The schema's history, built into the program.
//!
//! Both databases get the same tables and columns (`tests/it` compares them). A released migration never changes.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::borrow::Cow;

/// Version of the newest migration.
pub(super) const NEWEST: i64 = 2;

pub(super) fn sqlite() -> Migrator {
    migrator(&[
        (
            1,
            "initial",
            include_str!("../../migrations/sqlite/0001_initial.sql"),
        ),
        (
            2,
            "leases",
            include_str!("../../migrations/sqlite/0002_leases.sql"),
        ),
    ])
}

pub(super) fn postgres() -> Migrator {
    migrator(&[
        (
            1,
            "initial",
            include_str!("../../migrations/postgres/0001_initial.sql"),
        ),
        (
            2,
            "leases",
            include_str!("../../migrations/postgres/0002_leases.sql"),
        ),
    ])
}

fn migrator(steps: &[(i64, &'static str, &'static str)]) -> Migrator {
    Migrator::with_migrations(
        steps
            .iter()
            .map(|&(version, description, sql)| {
                Migration::new(
                    version,
                    Cow::Borrowed(description),
                    MigrationType::Simple,
                    SqlStr::from_static(sql),
                    false,
                )
            })
            .collect(),
    )
}
