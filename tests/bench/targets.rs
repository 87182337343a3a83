//! What is asked for: request targets with credentials, over all mapping rules and many applications.

use crate::applications::{app_id, app_key};
use crate::installation::Size;
use anyhow::Result;
use std::io::Write as _;
use std::path::Path;
use tallygate_tests::chance::{Chance, Zipf};

/// Requests before the load begins from the first one again.
const TARGETS: u32 = 50_000;
/// How many applications call where there are more: the others are customers who are asleep.
const ACTIVE: u32 = 10_000;

/// The pattern of a mapping rule.
pub(crate) fn pattern(rule: u32) -> String {
    format!("/v1/resource{rule}/{{id}}/items")
}

/// The target of a request by an application that the rule matches.
pub(crate) fn target(rule: u32, application: u32) -> String {
    with_credentials(rule, &app_id(application), &app_key(application))
}

/// The same with any credentials.
pub(crate) fn with_credentials(rule: u32, app_id: &str, app_key: &str) -> String {
    format!("/v1/resource{rule}/42/items?limit=20&app_id={app_id}&app_key={app_key}")
}

/// Writes a line for each request. Few applications call in turn; of many, 10 000 call, by Zipf's law.
pub(crate) fn write(file: &Path, size: Size) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    let mut chance = Chance(1);
    let ranks = Zipf::new(ACTIVE);
    for n in 0..TARGETS {
        let application = if size.applications <= ACTIVE {
            n % size.applications
        } else {
            // Spread over all of them: neighbours in rank are no neighbours in the database.
            let rank = u64::from(ranks.draw(&mut chance));
            u32::try_from(rank * 7_919 % u64::from(size.applications))?
        };
        let rule = u32::try_from(chance.draw() % u64::from(size.rules))?;
        writeln!(out, "{}", target(rule, application + 1))?;
    }
    Ok(out.flush()?)
}
