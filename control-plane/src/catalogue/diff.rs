//! What has to be done so that an installation is as a file says.

mod references;
mod rules;

pub use references::check as check_references;

use super::fault::Place;
use super::kind::{Kind, Shape};
use super::server::new_resource;
use super::tree::{HITS, Name, Path, Resource};
use serde_json::Value;

/// What is to be done, in the order in which it can be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
    /// What the file does not name although it names its siblings.
    pub left_alone: Vec<Path>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// To what.
    pub path: Path,
    /// Its id, if it is known by now.
    pub id: Option<i64>,
    /// Where the file says so.
    pub at: Option<Place>,
    /// The fields that are set; all of them when it is made.
    pub fields: Vec<FieldChange>,
    /// Where a mapping rule goes, from 1.
    pub position: Option<usize>,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

/// A field that is set.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Its name.
    pub name: &'static str,
    /// What it is now.
    pub from: Option<Value>,
    /// What it will be.
    pub to: Value,
}

/// What may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prune {
    /// Nothing.
    Nothing,
    /// What is within products and backends that the file names.
    Within,
    /// Whole products and backends as well.
    Whole,
}

/// Compares.
#[must_use]
pub fn diff(wanted: &Resource, there: &Resource, prune: Prune) -> Plan {
    let mut diff = Diff {
        prune,
        plan: Plan::default(),
        deletions: Vec::new(),
    };
    diff.contents(wanted, there, &Path::default());
    // What was made last goes first: nothing is deleted before what names it.
    diff.plan.changes.extend(diff.deletions.into_iter().rev());
    diff.plan
}

struct Diff {
    prune: Prune,
    plan: Plan,
    deletions: Vec<Change>,
}

impl Diff {
    fn contents(&mut self, wanted: &Resource, there: &Resource, path: &Path) {
        for group in wanted.kind.groups() {
            let Some(resources) = wanted.group(group.kind) else {
                continue;
            };
            let existing = there.all(group.kind);
            if group.kind == Kind::Rule {
                self.rules(resources, existing, path, there.id.is_none());
                continue;
            }
            for resource in resources {
                let path = path.join(resource.kind, &resource.name);
                let found = existing.iter().find(|it| it.name == resource.name);
                match found {
                    Some(found) => self.existing(resource, found, path),
                    None => self.missing(resource, path),
                }
            }
            for resource in existing {
                if resources.iter().all(|it| it.name != resource.name) {
                    self.unnamed(resource, path);
                }
            }
        }
    }

    fn existing(&mut self, wanted: &Resource, found: &Resource, path: Path) {
        let fields = field_changes(wanted, Some(found));
        self.contents_after(wanted, found, path, Action::Update, fields);
    }

    fn missing(&mut self, wanted: &Resource, path: Path) {
        let there = new_resource(wanted.kind, &wanted.name);
        let fields = field_changes(wanted, None);
        self.contents_after(wanted, &there, path, Action::Create, fields);
    }

    fn contents_after(
        &mut self,
        wanted: &Resource,
        there: &Resource,
        path: Path,
        action: Action,
        fields: Vec<FieldChange>,
    ) {
        // There is always a proxy and settings: saying nothing about them is no change.
        let is_only = wanted.name == Name::Only;
        if !fields.is_empty() || (action == Action::Create && !is_only) {
            self.plan.changes.push(Change {
                action,
                path: path.clone(),
                id: there.id,
                at: wanted.at,
                fields,
                position: None,
            });
        }
        self.contents(wanted, there, &path);
    }

    /// What there is although the file does not name it.
    fn unnamed(&mut self, resource: &Resource, parent: &Path) {
        let whole = resource.kind.is_whole();
        if resource.kind == Kind::Metric && resource.name.is(HITS) {
            return;
        }
        let path = parent.join(resource.kind, &resource.name);
        let least = if whole { Prune::Whole } else { Prune::Within };
        if self.prune >= least {
            self.deletions.push(deletion(resource, path));
        } else if !whole {
            self.plan.left_alone.push(path);
        }
    }

    fn rules(&mut self, wanted: &[Resource], there: &[Resource], parent: &Path, is_new: bool) {
        // A new product comes with a rule that nobody asked for.
        let delete = is_new || self.prune >= Prune::Within;
        let (changes, left_alone) = rules::diff(wanted, there, parent, delete);
        self.plan.changes.extend(changes);
        self.plan.left_alone.extend(left_alone);
    }
}

fn deletion(resource: &Resource, path: Path) -> Change {
    Change {
        action: Action::Delete,
        path,
        id: resource.id,
        at: None,
        fields: Vec::new(),
        position: None,
    }
}

/// The fields that differ; what the file does not mention does not.
fn field_changes(wanted: &Resource, found: Option<&Resource>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for (name, to) in &wanted.fields {
        let from = found.and_then(|found| found.field(name));
        if from != Some(to) {
            changes.push(FieldChange {
                name,
                from: from.cloned(),
                to: to.clone(),
            });
        }
    }
    changes
}

impl Change {
    /// What it is done to.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.path
            .0
            .last()
            .map_or(Kind::Catalogue, |(kind, _)| *kind)
    }

    /// The name of what it is done to.
    #[must_use]
    pub fn name(&self) -> &Name {
        self.path.0.last().map_or(&Name::Only, |(_, name)| name)
    }
}

impl FieldChange {
    /// Whether its values are not for showing.
    #[must_use]
    pub fn is_secret(&self, kind: Kind) -> bool {
        kind.field(self.name)
            .is_some_and(|field| field.shape == Shape::Secret)
    }
}
