//! The tables, and `summary.json`.

use crate::cut::Cut;
use crate::windows::{OfLimit, Windows};
use crate::zipf::{OfZipf, ms};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;
use tallygate::demo::screen::Screen;

/// Share of requests that are to be decided without waiting.
const LOCAL: f64 = 0.999;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) windows: Vec<Windows>,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) zipf: Vec<OfZipf>,
}

// === impl Report ===

impl Report {
    /// Whether no limit was exceeded, and as good as all of each was admitted. (How many wait is a goal, not a promise.)
    pub(crate) fn is_good(&self) -> bool {
        let limits = self.windows.iter().flat_map(|run| &run.limits);
        limits.into_iter().all(OfLimit::is_kept) && self.cuts.iter().all(Cut::is_kept)
    }

    /// Adds to what other runs have written.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let mut summary = std::fs::read(file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_else(|| json!({}));
        if !self.windows.is_empty() {
            summary["windows"] = serde_json::to_value(&self.windows)?;
        }
        if !self.cuts.is_empty() {
            summary["cut"] = serde_json::to_value(&self.cuts)?;
        }
        if !self.zipf.is_empty() {
            summary["zipf"] = serde_json::to_value(&self.zipf)?;
        }
        std::fs::write(file, format!("{summary:#}\n")).context("writing the summary")
    }

    pub(crate) fn show(&self, screen: &mut Screen) {
        for run in &self.windows {
            show_windows(run, screen);
        }
        if !self.cuts.is_empty() {
            show_cuts(&self.cuts, screen);
        }
        if !self.zipf.is_empty() {
            show_zipf(&self.zipf, screen);
        }
        screen.line("\n  target/fleet/summary.json has all of it\n");
    }
}

fn show_windows(run: &Windows, screen: &mut Screen) {
    let heading = format!(
        "\n{}, {} control plane{}",
        run.database,
        run.replicas,
        if run.replicas > 1 { "s" } else { "" }
    );
    screen.line(&screen.bold(&heading));
    let heading = format!(
        "  {:>8}{:>10}{:>10}{:>16}{:>17}{:>8}",
        "limit", "demand", "windows", "most admitted", "least admitted", "over"
    );
    screen.line(&screen.dim(&heading));
    for limit in &run.limits {
        let line = format!(
            "  {:>8}{:>10}{:>10}{:>16}{:>17}{:>8}",
            limit.limit,
            limit.limit * 3,
            limit.admitted.len(),
            limit.most(),
            limit.least(),
            limit.over(),
        );
        screen.line(&screen.good_or_bad(limit.is_kept(), &line));
    }
    screen.line(&format!(
        "  {:.3} callouts per request ({} of {}); {} waited, {} at the median, {} at the 99th percentile; {} got 503",
        run.callouts as f64 / run.requests.max(1) as f64,
        run.callouts,
        run.requests,
        run.waited,
        ms(run.wait_p50_us),
        ms(run.wait_p99_us),
        run.not_ready,
    ));
    screen.line(&format!(
        "  clients, upstream and ledger agree on {} admitted requests",
        run.ledger
    ));
}

fn show_cuts(runs: &[Cut], screen: &mut Screen) {
    screen.line(&screen.bold("\nOne of three gateways cut off for a minute"));
    let heading = format!(
        "  {:<8}{:>8}{:>10}{:>11}{:>28}{:>28}",
        "policy",
        "limit",
        "admitted",
        "overdraft",
        "cut off: 200 · 429 · 503",
        "others: 200 · 429 · 503"
    );
    screen.line(&screen.dim(&heading));
    let answers = |counts: [u64; 3]| counts.map(|count| count.to_string()).join(" · ");
    for run in runs {
        let line = format!(
            "  {:<8}{:>8}{:>10}{:>11}{:>28}{:>28}",
            run.policy,
            run.limit,
            run.admitted,
            run.overdraft,
            answers(run.cut_off),
            answers(run.others),
        );
        screen.line(&screen.good_or_bad(run.is_kept(), &line));
    }
    screen.line("  clients, upstream and ledger agree in both");
}

fn show_zipf(runs: &[OfZipf], screen: &mut Screen) {
    let heading = format!(
        "\n  {:<12}{:>10}{:>11}{:>9}{:>10}{:>17}{:>10}{:>10}{:>12}{:>12}",
        "database",
        "gateways",
        "requests",
        "waited",
        "callouts",
        "without waiting",
        "p50",
        "p99",
        "first p50",
        "first p99"
    );
    screen.line(&screen.bold(&heading));
    for run in runs {
        let line = format!(
            "  {:<12}{:>10}{:>11}{:>9}{:>10}{:>17}{:>10}{:>10}{:>12}{:>12}",
            run.database,
            run.gateways,
            run.requests,
            run.waited,
            run.callouts,
            format!("{:.3} %", run.local() * 100.0),
            ms(run.wait_p50_us),
            ms(run.wait_p99_us),
            ms(run.first_p50_us),
            ms(run.first_p99_us),
        );
        screen.line(&screen.good_or_bad(run.local() >= LOCAL, &line));
        let by_minute: Vec<String> = run.waited_by_minute.iter().map(u64::to_string).collect();
        let by_minute = format!("    waited, minute by minute: {}", by_minute.join(" · "));
        screen.line(&screen.dim(&by_minute));
        if run.refused > 0 {
            screen.warn(&format!("{} requests were not admitted", run.refused));
        }
    }
    screen.line(&format!(
        "  goal: at least {:.1} % without waiting",
        LOCAL * 100.0
    ));
}
