//! Declarations of operations, by subject.

use super::field::{Field, Shape, int};

/// The media type that agents are answered in.
pub(super) const AGENTS_XML: &str = "application/vnd.3scale-v2.0+xml";

/// Operations about one subject.
#[derive(Clone, Debug)]
pub struct Tag {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) operations: Vec<Operation>,
}

/// One operation; with several verbs, several that are alike.
#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) verbs: &'static [&'static str],
    /// As the router has it.
    pub(super) path: String,
    pub(super) summary: &'static str,
    pub(super) about: &'static str,
    pub(super) scope: Option<&'static str>,
    pub(super) segments: Vec<Field>,
    pub(super) params: Vec<Field>,
    pub(super) answer: Answer,
    pub(super) statuses: Vec<u16>,
    /// The only form, of a call that does not leave the choice.
    pub(super) form: Option<Form>,
    pub(super) idempotent: bool,
    /// Called with a service token, as agents do.
    pub(super) is_for_agents: bool,
}

/// The body of a successful answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Empty,
    /// A JSON object with these members; in XML, one element.
    Members(Vec<Field>),
    /// JSON of another shape.
    Other(Shape),
    /// In one form: a media type and an example.
    Raw(&'static str, &'static str),
}

/// A form of an answer, by the extension of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `.json`.
    Json,
    /// `.xml`.
    Xml,
    /// The path has none, and the answer is what [`Operation::raw`] says.
    None,
}

impl Tag {
    /// A subject without operations.
    #[must_use]
    pub fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            operations: Vec::new(),
        }
    }

    /// With operations whose paths begin alike.
    #[must_use]
    pub fn at(mut self, prefix: &str, operations: impl IntoIterator<Item = Operation>) -> Self {
        for mut operation in operations {
            operation.path.insert_str(0, prefix);
            self.operations.push(operation);
        }
        self
    }
}

/// A read.
#[must_use]
pub fn get(path: &str, summary: &'static str) -> Operation {
    Operation::new(&["get"], path, summary)
}

/// Makes something (201), or does something (`.status(200)`).
#[must_use]
pub fn post(path: &str, summary: &'static str) -> Operation {
    Operation::new(&["post"], path, summary).status(201)
}

/// A change, or something done.
#[must_use]
pub fn put(path: &str, summary: &'static str) -> Operation {
    Operation::new(&["put"], path, summary)
}

/// A change by PATCH only.
#[must_use]
pub fn patch(path: &str, summary: &'static str) -> Operation {
    Operation::new(&["patch"], path, summary)
}

/// A change by PUT or PATCH, which do the same.
#[must_use]
pub fn put_patch(path: &str, summary: &'static str) -> Operation {
    Operation::new(&["put", "patch"], path, summary)
}

/// A deletion; its parameters are in the query.
#[must_use]
pub fn delete(path: &str, summary: &'static str) -> Operation {
    Operation::new(&["delete"], path, summary)
}

impl Operation {
    fn new(verbs: &'static [&'static str], path: &str, summary: &'static str) -> Self {
        Self {
            verbs,
            path: path.into(),
            summary,
            about: "",
            scope: None,
            segments: Vec::new(),
            params: Vec::new(),
            answer: Answer::Empty,
            statuses: vec![200],
            form: None,
            idempotent: false,
            is_for_agents: false,
        }
    }

    /// What the summary cannot say.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// The scope that an access token needs, where the path does not tell.
    #[must_use]
    pub fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// A parameter of the path that is not an id.
    #[must_use]
    pub fn segment(mut self, field: Field) -> Self {
        self.segments.push(field);
        self
    }

    /// With parameters; a later one of the same name replaces an earlier one.
    #[must_use]
    pub fn takes(mut self, params: impl IntoIterator<Item = Field>) -> Self {
        for param in params {
            self.params.retain(|other| other.name != param.name);
            self.params.push(param);
        }
        self
    }

    /// Done once per `Idempotency-Key`.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Answers one resource: `{"metric": {…}}`.
    #[must_use]
    pub fn one(self, name: &'static str, shape: Shape) -> Self {
        self.members([super::field::object(name, shape)])
    }

    /// Answers several: `{"metrics": [{"metric": {…}}]}`.
    #[must_use]
    pub fn list(self, name: &'static str, item: &'static str, shape: Shape) -> Self {
        self.members([super::field::list_of(name, item, shape)])
    }

    /// Answers an object with these members.
    #[must_use]
    pub fn members(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.answer = Answer::Members(fields.into_iter().collect());
        self
    }

    /// With another member beside those of the answer.
    #[must_use]
    pub fn beside(mut self, field: Field) -> Self {
        if let Answer::Members(fields) = &mut self.answer {
            fields.push(field);
        }
        self
    }

    /// Answers JSON that is not an object with known members.
    #[must_use]
    pub fn answers(mut self, shape: Shape) -> Self {
        self.answer = Answer::Other(shape);
        self
    }

    /// Answers in one form, whatever is asked for; its path has no extension but what it says itself.
    #[must_use]
    pub fn raw(mut self, media_type: &'static str, example: &'static str) -> Self {
        self.answer = Answer::Raw(media_type, example);
        self.form = Some(Form::None);
        self
    }

    /// Called by agents, with a service token or the provider key; answered in 3scale's XML, when there is any answer.
    #[must_use]
    pub fn by_agents(self, example: &'static str) -> Self {
        let mut operation = self.idempotent().raw(AGENTS_XML, example);
        operation.is_for_agents = true;
        operation
    }

    /// Called with one extension only.
    #[must_use]
    pub fn only(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }

    /// Answers several, page by page.
    #[must_use]
    pub fn paged_list(self, name: &'static str, item: &'static str, shape: Shape) -> Self {
        self.list(name, item, shape).paged()
    }

    fn paged(self) -> Self {
        self.takes(pages(500)).beside(
            super::field::object("metadata", metadata(500))
                .maybe()
                .about("When there is more than one page"),
        )
    }

    /// Answers several, page by page, as 3scale's newer resources do: `{"collection": [{…}], "metadata": {…}}`.
    #[must_use]
    pub fn collection(self, shape: Shape) -> Self {
        self.takes(pages(100)).members([
            super::field::several("collection", shape),
            super::field::object("metadata", metadata(20)),
        ])
    }

    /// Answers with this status when all went well.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.statuses = vec![status];
        self
    }

    /// Or with this one.
    #[must_use]
    pub fn also(mut self, status: u16) -> Self {
        self.statuses.push(status);
        self
    }

    /// The scope that an access token needs.
    pub(super) fn needs(&self) -> &'static str {
        self.scope.unwrap_or_else(|| {
            if self.path.starts_with("/stats/") {
                "stats"
            } else if self.path.starts_with("/admin/api/cms/") {
                "cms"
            } else {
                "account_management"
            }
        })
    }
}

fn pages(most: i64) -> [Field; 2] {
    let about = if most == 500 {
        "How many a page has, at most 500"
    } else {
        "How many a page has, 20 unless given, at most 100"
    };
    [
        int("page", 1)
            .min(1)
            .max(i64::from(u32::MAX))
            .about("Which page, from 1"),
        int("per_page", most).min(1).about(about),
    ]
}

fn metadata(per_page: i64) -> Shape {
    super::field::shape(
        "Metadata",
        [
            int("per_page", per_page),
            int("total_entries", 1200),
            int("total_pages", 3),
            int("current_page", 1),
        ],
    )
}
