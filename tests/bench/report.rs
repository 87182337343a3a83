//! The table, the goals beside it, and `summary.json`.

use crate::contender::Response;
use crate::decision::Decisions;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tallygate::demo::screen::Screen;

/// What one contender came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Of all of Envoy's threads, for each request.
    pub(crate) cpu_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) rss_kb: f64,
    pub(crate) rps: f64,
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) decisions: Decisions,
    pub(crate) snapshot_secs: f64,
    pub(crate) revocation: Option<Duration>,
    pub(crate) ledger_sqlite: Option<f64>,
    pub(crate) ledger_postgres: Option<f64>,
    rows: Vec<(&'static str, Response, Figures)>,
}

/// A goal, and how far it is.
struct Goal {
    what: String,
    measured: String,
    wanted: &'static str,
    met: bool,
}

impl Figures {
    /// Each figure's median over the rounds.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(figure).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Self {
            cpu_us: of(|it| it.cpu_us),
            p50_us: of(|it| it.p50_us),
            p99_us: of(|it| it.p99_us),
            rss_kb: of(|it| it.rss_kb),
            rps: of(|it| it.rps),
        }
    }
}

impl Report {
    pub(crate) fn add(&mut self, name: &'static str, response: Response, figures: Figures) {
        self.rows.push((name, response, figures));
    }

    fn figures(&self, name: &str, response: Response) -> Option<&Figures> {
        self.rows
            .iter()
            .find(|(known, of, _)| *known == name && *of == response)
            .map(|(_, _, figures)| figures)
    }

    /// CPU time of one contender in terms of another's.
    fn ratio(&self, response: Response, name: &str, than: &str) -> f64 {
        let cpu_us = |name| {
            self.figures(name, response)
                .map_or(f64::NAN, |it| it.cpu_us)
        };
        cpu_us(name) / cpu_us(than)
    }

    /// For programs.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let round =
            |value: f64, places: i32| (value * 10_f64.powi(places)).round() / 10_f64.powi(places);
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|(name, response, it)| {
                json!({
                    "name": name,
                    "response": response.as_str(),
                    "cpu_us": round(it.cpu_us, 2),
                    "p50_us": it.p50_us.round(),
                    "p99_us": it.p99_us.round(),
                    "rss_kb": it.rss_kb.round() as u64,
                    "rps": it.rps.round(),
                })
            })
            .collect();
        std::fs::write(file, serde_json::to_string_pretty(&rows)?)
            .with_context(|| file.display().to_string())
    }

    /// For people.
    pub(crate) fn show(&self, screen: &mut Screen) {
        for response in Response::BOTH {
            self.show_table(screen, response);
        }
        let heading = format!("\n  {:<64}{:>12}{:>14}", "Goals", "measured", "wanted");
        let heading = screen.bold(&heading);
        screen.line(&heading);
        for goal in self.goals() {
            let mark = if goal.met { "✓" } else { "✗" };
            let mark = screen.good_or_bad(goal.met, mark);
            screen.line(&format!(
                "  {mark} {:<62}{:>12}{:>14}",
                goal.what, goal.measured, goal.wanted
            ));
        }
        let notes = format!(
            "\n  CPU: user and system time of all of Envoy's threads. Times are in a closed loop of 16 connections, so they \
             are mostly waiting for\n  Envoy's one core. {}.\n  All of it in target/bench.\n",
            self.decisions.summary()
        );
        let notes = screen.dim(&notes);
        screen.line(&notes);
    }

    fn show_table(&self, screen: &mut Screen, response: Response) {
        let title = match response {
            Response::Direct => "Answered by Envoy itself",
            Response::Upstream => "Answered by an upstream",
        };
        let heading = format!(
            "\n  {title:<42}{:>12}{:>9}{:>11}{:>10}{:>10}{:>11}{:>12}{:>9}",
            "CPU/request", "vs bare", "vs native", "vs no-op", "p50", "p99", "requests/s", "memory"
        );
        let heading = screen.bold(&heading);
        screen.line(&heading);
        for (name, _, it) in self.rows.iter().filter(|(_, of, _)| *of == response) {
            let ratio = |than| format!("{:.2}×", self.ratio(response, name, than));
            screen.line(&format!(
                "  {:<42}{:>12}{:>9}{:>11}{:>10}{:>10}{:>11}{:>12}{:>9}",
                describe(name),
                format!("{:.1} µs", it.cpu_us),
                ratio("bare"),
                ratio("native"),
                ratio("noop"),
                time(it.p50_us),
                time(it.p99_us),
                format!("{:.0}", it.rps),
                format!("{:.0} MB", it.rss_kb / 1_024.0),
            ));
        }
    }

    fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        for (what, name, than, most, wanted) in [
            (
                "Tallygate, vs a filter that does nothing",
                "tallygate-small",
                "noop",
                1.20,
                "≤ 1.20×",
            ),
            (
                "Tallygate, vs Envoy's own filters",
                "tallygate-small",
                "native",
                1.25,
                "≤ 1.25×",
            ),
            (
                "a million applications, vs a thousand",
                "tallygate-large",
                "tallygate-small",
                1.10,
                "≤ 1.10×",
            ),
        ] {
            for response in Response::BOTH {
                let ratio = self.ratio(response, name, than);
                goals.push(Goal {
                    what: format!("CPU: {what} ({})", response.as_str()),
                    measured: format!("{ratio:.2}×"),
                    wanted,
                    met: ratio <= most,
                });
            }
        }
        let rss_kb = |name| {
            self.figures(name, Response::Direct)
                .map_or(f64::NAN, |it| it.rss_kb)
        };
        let more_mb = (rss_kb("tallygate-large") - rss_kb("tallygate-small")) / 1_024.0;
        goals.push(Goal {
            what: "memory for a million applications, per process".to_owned(),
            measured: format!("{more_mb:.0} MB"),
            wanted: "≤ 128 MB",
            met: more_mb <= 128.0,
        });
        goals.push(Goal {
            what: "a million applications into a fresh gateway".to_owned(),
            measured: format!("{:.1} s", self.snapshot_secs),
            wanted: "≤ 10 s",
            met: self.snapshot_secs <= 10.0,
        });
        if let Some(longest) = self.revocation {
            goals.push(Goal {
                what: "key revoked until refused, longest of 30".to_owned(),
                measured: format!("{} ms", longest.as_millis()),
                wanted: "≤ 1000 ms",
                met: longest <= Duration::from_secs(1),
            });
        }
        for (database, rows) in [
            ("SQLite", self.ledger_sqlite),
            ("PostgreSQL", self.ledger_postgres),
        ] {
            if let Some(rows) = rows {
                goals.push(Goal {
                    what: format!("rows of usage per second, durable, {database}"),
                    measured: format!("{rows:.0}"),
                    wanted: "≥ 50000",
                    met: rows >= 50_000.0,
                });
            }
        }
        goals
    }
}

fn describe(name: &str) -> &str {
    match name {
        "bare" => "Envoy alone",
        "native" => "Envoy's api_key_auth and local_ratelimit",
        "noop" => "a WebAssembly filter that does nothing",
        "tallygate-small" => "Tallygate, 10 rules, 1 000 applications",
        "tallygate-large" => "Tallygate, 1 000 rules, 1 000 000 appl.",
        other => other,
    }
}

fn time(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.0} µs")
    } else {
        format!("{:.1} ms", us / 1_000.0)
    }
}
