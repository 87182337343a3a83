//! What developers read: specifications, and what the portal is made of.

use super::{
    Field, Shape, Tag, choice, delete, flag, get, id, links, post, put, put_patch, shape, text,
    time,
};

const SPECIFICATION: &str =
    r#"{"openapi":"3.1.0","info":{"title":"Mail","version":"3"},"paths":{}}"#;

pub(super) fn active_docs() -> Tag {
    Tag::new(
        "ActiveDocs",
        "API specifications that the portal shows: Swagger 2.0, OpenAPI 3.0 and 3.1.",
    )
    .at(
        "/admin/api/active_docs",
        [
            get("", "List specifications").paged_list("api_docs", "api_doc", active_doc()),
            post("", "Upload a specification")
                .takes([
                    text("name", "Mail API").max(255).required(),
                    text("system_name", "mail_api")
                        .max(255)
                        .about("Made from name when left out; it never changes"),
                    specification().required(),
                ])
                .takes(described())
                .one("api_doc", active_doc())
                .about("It is validated: every problem is told with a JSON pointer into the file."),
            get("/{id}", "Show a specification").one("api_doc", active_doc()),
            put_patch("/{id}", "Change a specification")
                .takes([text("name", "Mail API").max(255), specification()])
                .takes(described())
                .one("api_doc", active_doc()),
            delete("/{id}", "Delete a specification"),
        ],
    )
}

fn specification() -> Field {
    text("body", SPECIFICATION)
        .about("The specification as JSON, in a text; in a JSON body also as it is")
        .with("type", ["string", "object"].as_slice())
}

fn described() -> Vec<Field> {
    vec![
        text("description", "All of the mail API").max(65_535),
        id("service_id").about("The product that it describes"),
        flag("published", true).about("Whether developers see it; no unless given"),
        flag("skip_swagger_validations", false)
            .about("Take it as it is; it must be JSON all the same"),
    ]
}

fn active_doc() -> Shape {
    shape(
        "ActiveDoc",
        [
            id("id"),
            text("system_name", "mail_api"),
            text("name", "Mail API"),
            text("description", "All of the mail API"),
            id("service_id").or_null(),
            flag("published", true),
            flag("skip_swagger_validations", false),
            text("body", SPECIFICATION),
            time("created_at"),
            time("updated_at"),
            links(),
        ],
    )
}

const TYPES: &[&str] = &["page", "layout", "partial"];
const ALL_TYPES: &[&str] = &[
    "page",
    "layout",
    "partial",
    "builtin_page",
    "builtin_partial",
    "email_template",
];

pub(super) fn templates() -> Tag {
    Tag::new(
        "CMS templates",
        "Pages, layouts, partials and e-mails of the portal, each with a draft and what is published. Those that come with the program are shown as shipped until something is published over them.",
    )
    .at(
        "/admin/api/cms/templates",
        [
            get("", "List templates")
                .scope("cms")
                .takes([
                    choice("type", ALL_TYPES),
                    id("section_id"),
                    flag("content", false).about("Whether draft and published are told"),
                ])
                .collection(template()),
            post("", "Make a template")
                .scope("cms")
                .takes([choice("type", TYPES).required()])
                .takes(template_params())
                .answers(template()),
            get("/{id}", "Show a template")
                .scope("cms")
                .answers(template()),
            put_patch("/{id}", "Change a template")
                .scope("cms")
                .takes(template_params())
                .answers(template())
                .about("The draft alone changes what is to be published."),
            delete("/{id}", "Delete a template")
                .scope("cms")
                .about("Refused for a layout that pages stand in, and for what comes with the program."),
            put("/{id}/publish", "Publish the draft")
                .scope("cms")
                .answers(template())
                .about("Without a draft nothing changes."),
            get("/{id}/versions", "List what was published of a template")
                .scope("cms")
                .collection(version())
                .about("The newest first; the last hundred are kept."),
            put("/{id}/revert", "Publish an earlier version again")
                .scope("cms")
                .takes([id("version_id").required()])
                .answers(template())
                .about("The draft stays as it is."),
            put("/{id}/reset", "Go back to the shipped text")
                .scope("cms")
                .answers(template())
                .about("Draft and published text go; what was published stays among the versions."),
        ],
    )
}

fn template_params() -> Vec<Field> {
    vec![
        text("system_name", "our_prices")
            .max(255)
            .about("Made from title when left out; partials may have slashes in theirs"),
        text("title", "Our prices")
            .max(255)
            .about("Required for pages"),
        text("path", "/prices")
            .max(255)
            .about("Required for pages, and theirs alone"),
        text("draft", "<h1>Prices</h1>").max(500_000),
        id("section_id").about("Of a page; the root unless given"),
        text("section_name", "root")
            .max(255)
            .about("Instead of section_id"),
        id("layout_id").about("Of a page; empty for none"),
        text("layout_name", "main_layout")
            .max(255)
            .about("Instead of layout_id"),
        text("content_type", "text/html")
            .max(255)
            .about("Of a page"),
        flag("liquid_enabled", true).about("Whether Liquid runs over it"),
        choice("handler", &["markdown"]).about("What it is written in; HTML when empty"),
    ]
}

fn template() -> Shape {
    shape(
        "Template",
        [
            id("id"),
            choice("type", ALL_TYPES),
            time("created_at"),
            time("updated_at"),
            text("title", "Our prices"),
            text("system_name", "our_prices"),
            id("layout_id").or_null().maybe().about("Of pages"),
            id("section_id").or_null().maybe(),
            text("path", "/prices").or_null().maybe(),
            text("content_type", "text/html").maybe(),
            flag("liquid_enabled", true),
            text("handler", "markdown").or_null(),
            flag("hidden", false).about("Whether developers see nothing of it"),
            text("problem", "line 3: …").or_null().about(
                "What went wrong when it was last shown; the shipped text was shown instead",
            ),
            text("draft", "<h1>New prices</h1>")
                .or_null()
                .maybe()
                .about("Lists leave it out unless `content` is given"),
            text("published", "<h1>Prices</h1>").or_null().maybe(),
            text("shipped", "<h1>Prices</h1>")
                .or_null()
                .maybe()
                .about("The text that comes with the program, in force while nothing is published"),
        ],
    )
}

fn version() -> Shape {
    shape(
        "Version",
        [
            id("id"),
            time("created_at"),
            text("content", "<h1>Prices</h1>"),
        ],
    )
}

pub(super) fn previews() -> Tag {
    Tag::new(
        "CMS previews",
        "The portal with all drafts, for whoever follows the link.",
    )
    .at(
        "/admin/api/cms/previews",
        [post("", "Make a link to a preview")
            .scope("cms")
            .takes([text("path", "/plans")
                .max(1000)
                .about("Where it begins; the front page unless given")])
            .answers(shape(
                "Preview",
                [
                    text("url", "https://developers.example.com/preview/…"),
                    time("expires_at"),
                ],
            ))
            .about(
                "The browser that follows it sees drafts for half an hour, as whoever is signed in there: \
                 follow a link of `sso_tokens` first to see them as a developer does.",
            )],
    )
}

pub(super) fn sections() -> Tag {
    Tag::new(
        "CMS sections",
        "The tree that pages and files of the portal are in.",
    )
    .at(
        "/admin/api/cms/sections",
        [
            get("", "List sections").scope("cms").collection(section()),
            post("", "Make a section")
                .scope("cms")
                .takes([text("title", "How to").max(255).required()])
                .takes(section_params())
                .answers(section()),
            get("/{id}", "Show a section")
                .scope("cms")
                .segment(id_or_name())
                .answers(section()),
            put_patch("/{id}", "Change a section")
                .scope("cms")
                .segment(id_or_name())
                .takes([text("title", "How to").max(255)])
                .takes(section_params())
                .answers(section()),
            delete("/{id}", "Delete a section")
                .scope("cms")
                .segment(id_or_name())
                .about("What is in it goes to its parent. The root stays."),
        ],
    )
}

fn id_or_name() -> Field {
    text("id", "root").about("Its id or system name")
}

fn section_params() -> Vec<Field> {
    vec![
        text("system_name", "how_to")
            .max(255)
            .about("Made from title when left out"),
        flag("public", true).about("Whether everybody may read what is in it"),
        id("parent_id").about("The root unless given"),
        text("partial_path", "/how_to")
            .max(255)
            .about("Made from title when left out"),
    ]
}

fn section() -> Shape {
    shape(
        "Section",
        [
            id("id"),
            time("created_at"),
            time("updated_at"),
            text("title", "How to"),
            text("system_name", "how_to"),
            flag("public", true),
            id("parent_id").or_null(),
            text("partial_path", "/how_to"),
        ],
    )
}

pub(super) fn files() -> Tag {
    Tag::new(
        "CMS files",
        "Images, stylesheets and scripts of the portal, at most 5 MiB each.",
    )
    .at(
        "/admin/api/cms/files",
        [
            get("", "List files")
                .scope("cms")
                .takes([id("section_id")])
                .collection(file()),
            post("", "Upload a file")
                .scope("cms")
                .takes(file_params())
                .takes([path().required(), attachment().required()])
                .answers(file()),
            get("/{id}", "Show a file, without its content")
                .scope("cms")
                .answers(file()),
            put_patch("/{id}", "Change or replace a file")
                .scope("cms")
                .takes(file_params())
                .takes([path(), attachment()])
                .answers(file()),
            delete("/{id}", "Delete a file").scope("cms"),
        ],
    )
}

fn path() -> Field {
    text("path", "/images/icon.ico").max(255)
}

fn attachment() -> Field {
    text("attachment", "PHN2Zy8+")
        .about("The file, as a part of `multipart/form-data` with a file name; or base64")
}

fn file_params() -> Vec<Field> {
    vec![
        id("section_id").about("The root unless given"),
        text("section_name", "root")
            .max(255)
            .about("Instead of section_id"),
        flag("downloadable", false).about("Whether browsers save it instead of showing it"),
    ]
}

fn file() -> Shape {
    shape(
        "File",
        [
            id("id"),
            time("created_at"),
            time("updated_at"),
            id("section_id"),
            text("path", "/images/icon.ico"),
            flag("downloadable", false),
            text("url", "https://developers.example.com/images/icon.ico"),
            text("title", "icon.ico"),
            text("content_type", "image/x-icon"),
        ],
    )
}

pub(super) fn objects() -> Tag {
    Tag::new(
        "Deleted objects",
        "Whether something is gone yet, for clients that poll.",
    )
    .at(
        "/admin/api/objects",
        [
            get("/status", "Whether an object is there: 200, or 404").takes([
                choice(
                    "object_type",
                    &["service", "account", "proxy", "backend_api"],
                )
                .required(),
                id("object_id").required(),
            ]),
        ],
    )
}
