//! A plan for people: what is made, changed and deleted, below what it belongs to.

use super::diff::{Action, Change, FieldChange, Plan};
use super::kind::Kind;
use super::paint::{Paint, Tone, one_line};
use super::tree::{Name, Path};
use serde_json::Value;
use std::fmt::Write as _;

/// The longest value that is shown whole.
const MOST_CHARS: usize = 72;
/// More of what is left alone than anybody reads.
const MOST_LEFT_ALONE: usize = 10;

/// The changes, one a line or block.
#[must_use]
pub fn changes(plan: &Plan, paint: Paint) -> String {
    let mut top = Branch::default();
    for change in &plan.changes {
        top.add(&change.path.0, change);
    }
    let mut out = String::new();
    let show = Show { paint };
    for (n, branch) in top.branches.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        show.branch(&mut out, branch, 0, 0);
    }
    out
}

/// What is left alone, with a hint.
#[must_use]
pub fn left_alone(paths: &[Path], paint: Paint) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let mut out = String::from("Not in the file, and left alone (--prune deletes them):\n");
    for path in paths.iter().take(MOST_LEFT_ALONE) {
        let _ = writeln!(out, "  {}", one_line(&path.to_string(), 200));
    }
    if let Some(more) = paths
        .len()
        .checked_sub(MOST_LEFT_ALONE)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(out, "  … and {more} more");
    }
    paint_lines(&out, paint)
}

fn paint_lines(text: &str, paint: Paint) -> String {
    let lines = text
        .lines()
        .map(|line| paint.paint(Tone::Faint, line) + "\n");
    lines.collect()
}

/// As in `2 to make, 1 to change`; `words` are what is done, three of them.
#[must_use]
pub fn count(plan: &Plan, words: [&str; 3]) -> String {
    let mut parts = Vec::new();
    for (action, word) in [Action::Create, Action::Update, Action::Delete]
        .into_iter()
        .zip(words)
    {
        let changes = plan.changes.iter();
        let count = changes.filter(|change| change.action == action).count();
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}

/// Resources below what they belong to, in the order of their changes.
#[derive(Default)]
struct Branch<'a> {
    step: Option<&'a (Kind, Name)>,
    change: Option<&'a Change>,
    branches: Vec<Self>,
}

impl<'a> Branch<'a> {
    fn add(&mut self, path: &'a [(Kind, Name)], change: &'a Change) {
        let Some((step, rest)) = path.split_first() else {
            self.change = Some(change);
            return;
        };
        // Two rules may have one name: each gets a line of its own.
        let open = |branch: &&mut Branch<'a>| {
            branch.step == Some(step) && !(rest.is_empty() && branch.change.is_some())
        };
        match self.branches.iter_mut().find(open) {
            Some(branch) => branch.add(rest, change),
            None => {
                let mut branch = Branch {
                    step: Some(step),
                    ..Branch::default()
                };
                branch.add(rest, change);
                self.branches.push(branch);
            }
        }
    }

    fn label(&self) -> (&'static str, String) {
        let Some((kind, name)) = self.step else {
            return ("", String::new());
        };
        (kind.word(), one_line(&name.to_string(), MOST_CHARS))
    }

    fn width(&self) -> usize {
        let (word, name) = self.label();
        word.chars().count() + 1 + name.chars().count()
    }

    /// What fits on its own line.
    fn inline(&self) -> Option<&'a Change> {
        let change = self.change?;
        let short = match (change.kind(), change.action) {
            (Kind::Product | Kind::Proxy | Kind::Settings, _) => false,
            (Kind::Rule | Kind::Limit | Kind::Usage | Kind::Price, _) | (_, Action::Delete) => true,
            (_, Action::Create) => true,
            (_, Action::Update) => false,
        };
        short.then_some(change)
    }
}

struct Show {
    paint: Paint,
}

impl Show {
    fn branch(&self, out: &mut String, branch: &Branch<'_>, depth: usize, width: usize) {
        let indent = "  ".repeat(depth);
        let (sign, tone) = match branch.change.map(|change| change.action) {
            Some(Action::Create) => ("+ ", Tone::Good),
            Some(Action::Update) => ("~ ", Tone::Notice),
            Some(Action::Delete) => ("- ", Tone::Bad),
            None => ("  ", Tone::Faint),
        };
        let (word, name) = branch.label();
        let sign = self.paint.paint(tone, sign);
        let label = format!("{word} {}", self.paint.paint(Tone::Strong, &name));
        let rest = branch.inline().map(|change| self.inline(change));
        let rest = rest.filter(|rest| !rest.is_empty());
        let gap = match &rest {
            Some(_) => " ".repeat(width.saturating_sub(branch.width()) + 2),
            None => String::new(),
        };
        let line = format!("{indent}{sign}{label}{gap}{}", rest.unwrap_or_default());
        let _ = writeln!(out, "{}", line.trim_end());
        if let Some(change) = branch.change.filter(|_| branch.inline().is_none()) {
            self.fields(out, change, depth + 2);
        }
        for inner in &branch.branches {
            // Siblings of one kind stand in columns.
            let kind = inner.step.map(|(kind, _)| kind);
            let alike = branch
                .branches
                .iter()
                .filter(|it| it.step.map(|(kind, _)| kind) == kind);
            let width = alike.map(Branch::width).max().unwrap_or_default();
            self.branch(out, inner, depth + 1, width);
        }
    }

    /// One field a line, in columns.
    fn fields(&self, out: &mut String, change: &Change, depth: usize) {
        let indent = "  ".repeat(depth);
        let width = change.fields.iter().map(|field| field.name.len()).max();
        for field in &change.fields {
            let value = self.change_of(change, field);
            let _ = writeln!(
                out,
                "{indent}{:width$}  {value}",
                field.name,
                width = width.unwrap_or_default()
            );
        }
    }

    fn inline(&self, change: &Change) -> String {
        let mut parts = Vec::new();
        for field in &change.fields {
            let value = self.change_of(change, field);
            match (change.kind(), field.name, &field.to) {
                (Kind::Limit, _, to) if *to == 0 => parts.push(format!("{value} (disabled)")),
                (Kind::Limit | Kind::Usage | Kind::Price, ..) | (Kind::Rule, "usages", _) => {
                    parts.push(value);
                }
                (Kind::Rule, "last", Value::Bool(true)) => parts.push("last".into()),
                (Kind::Rule, "last", _) => parts.push("no longer last".into()),
                (_, "default", _) => parts.push("the default".into()),
                (_, "name" | "friendly_name", _) => parts.push(value),
                (_, name, _) => {
                    let name = self.paint.paint(Tone::Faint, name);
                    parts.push(format!("{name} {value}"));
                }
            }
        }
        if let (Some(position), Action::Update) = (change.position, change.action) {
            parts.push(format!("moves to place {position}"));
        }
        parts.join(&self.paint.paint(Tone::Faint, ", "))
    }

    fn change_of(&self, change: &Change, field: &FieldChange) -> String {
        let secret = field.is_secret(change.kind());
        let show = |value: &Value| {
            if secret {
                "(secret)".into()
            } else {
                text(value)
            }
        };
        let to = show(&field.to);
        match &field.from {
            Some(from) => format!(
                "{} {} {}",
                self.paint.paint(Tone::Bad, &show(from)),
                self.paint.paint(Tone::Faint, "→"),
                self.paint.paint(Tone::Good, &to)
            ),
            None => to,
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => one_line(text, MOST_CHARS),
        Value::Array(items) if items.is_empty() => "(none)".into(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            items.join(", ")
        }
        Value::Object(range) if range.contains_key("cost_per_unit") => {
            let member = |name: &str| range.get(name).map(Value::to_string).unwrap_or_default();
            let max = member("max").replace("null", "");
            format!("{}–{max}: {}", member("min"), member("cost_per_unit"))
        }
        Value::Object(usages) => {
            let usages = usages.iter().map(|(metric, delta)| match delta.as_u64() {
                Some(1) => metric.clone(),
                _ => format!("{metric} × {delta}"),
            });
            let usages: Vec<String> = usages.collect();
            one_line(&usages.join(", "), MOST_CHARS)
        }
        other => other.to_string(),
    }
}
