//! What is asked for: request targets with credentials, over all mapping rules and many applications.

use crate::applications::{app_id, app_key};
use crate::installation::Size;
use anyhow::Result;
use std::io::Write as _;
use std::path::Path;

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
    let mut ranks = Zipf::new(ACTIVE);
    for n in 0..TARGETS {
        let application = if size.applications <= ACTIVE {
            n % size.applications
        } else {
            // Spread over all of them: neighbours in rank are no neighbours in the database.
            let rank = u64::from(ranks.draw(&mut chance));
            u32::try_from(rank * 7_919 % u64::from(size.applications))?
        };
        let rule = u32::try_from(chance.next() % u64::from(size.rules))?;
        writeln!(out, "{}", target(rule, application + 1))?;
    }
    Ok(out.flush()?)
}

/// The same numbers in every run (splitmix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Draws ranks: the second is half as likely as the first, the third a third.
pub(crate) struct Zipf {
    up_to: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(ranks: u32) -> Self {
        let mut sum = 0.0;
        let up_to = (1..=ranks).map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        });
        Self {
            up_to: up_to.collect(),
        }
    }

    /// From 0.
    pub(crate) fn draw(&mut self, chance: &mut Chance) -> u32 {
        let all = self.up_to.last().copied().unwrap_or_default();
        let drawn = (chance.next() >> 11) as f64 / (1_u64 << 53) as f64 * all;
        let rank = self.up_to.partition_point(|&sum| sum <= drawn);
        u32::try_from(rank).unwrap_or_default()
    }
}
