//! Between draft, staging and production: what differs, and the way back.

use super::proxy::{config, environment};
use super::{Field, Shape, Tag, any, choice, flag, get, int, list_of, object, post, shape, text};

pub(super) fn tag() -> Tag {
    Tag::new("Configuration lifecycle", "Between draft, staging (sandbox) and production.")
        .at("/admin/api/services/{service_id}/proxy", [
            get("/diff", "Compare two configurations").takes(sides()).one("diff", diff()).about(
                "By default what deploying would change: staging against the draft. Secrets are only told to differ.",
            ),
            post("/configs/{environment}/rollback", "Go back to an older version")
                .segment(environment())
                .takes([int("version", 4).min(1).about("One that the environment followed before; when left out, the newest it followed below the one it follows now")])
                .one("proxy_config", config())
                .also(200)
                .about("Gateways follow within a second. Versions are immutable: going forward again is promoting again."),
        ])
}

fn sides() -> [Field; 2] {
    [
        text("from", "production").max(20).about("draft, sandbox, production or a version's number; sandbox when left out"),
        text("to", "sandbox").max(20).about("The same; draft when left out"),
    ]
}

fn diff() -> Shape {
    shape("Diff", [
        object("from", side()),
        object("to", side()),
        flag("same", false),
        list_of("changes", "change", change()),
    ])
}

fn side() -> Shape {
    shape("DiffSide", [
        text("name", "production"),
        int("version", 4).or_null().about("None for the draft, and where an environment follows nothing yet"),
    ])
}

fn change() -> Shape {
    shape("DiffChange", [
        text("path", "proxy.endpoint").about("Where in the content of the configuration"),
        choice("kind", &["changed", "added", "removed"]),
        any("from", "https://api.example.com").about("Null where there was nothing, and for secrets"),
        any("to", "https://api.example.org"),
        text("text", "endpoint: \"https://api.example.com\" → \"https://api.example.org\"").about("For people"),
    ])
}
