//! `docs/liquid.md`: what templates may say, made of the declarations themselves.

use super::{Member, Shape, language};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A template and what it can name by itself.
#[derive(Debug)]
pub struct Described {
    /// Its system name.
    pub name: &'static str,
    /// What it can name.
    pub shape: Shape,
}

/// The page.
#[must_use]
pub fn page(everywhere: &Shape, pages: &[Described]) -> String {
    let mut text = String::from(INTRODUCTION);
    let mut objects = BTreeMap::new();
    text.push_str("## What every page can name\n\n");
    list(&mut text, everywhere, &mut objects);
    text.push_str("\n## What single pages can name besides\n");
    for page in pages {
        let _ = write!(text, "\n### `{}`\n\n", page.name);
        list(&mut text, &page.shape, &mut objects);
    }
    text.push_str("\n## Objects\n");
    let mut done: BTreeMap<&str, ()> = BTreeMap::new();
    // Objects have objects: goes on until nothing new turns up.
    while let Some((name, shape)) = objects
        .iter()
        .find(|(name, _)| !done.contains_key(*name))
        .map(|(name, shape): (&&str, &Shape)| (*name, shape.clone()))
    {
        done.insert(name, ());
        let mut ignored = String::new();
        list(&mut ignored, &shape, &mut objects);
    }
    for (name, shape) in objects.clone() {
        if let Shape::Object { about, .. } = &shape {
            let _ = write!(text, "\n### {name}\n\n{}\n\n", about.trim());
        }
        list(&mut text, &shape, &mut objects);
    }
    text.push_str("\n## Tags\n\n| tag | what it does |\n|---|---|\n");
    for tag in language::tags() {
        let tag = tag.reflection();
        let _ = writeln!(
            text,
            "| `{{% {} %}}` | {} |",
            tag.tag(),
            said(tag.tag(), tag.description())
        );
    }
    for block in language::blocks() {
        let block = block.reflection();
        let (start, end) = (block.start_tag(), block.end_tag());
        let about = said(start, block.description());
        let _ = writeln!(text, "| `{{% {start} %}}…{{% {end} %}}` | {about} |");
    }
    text.push_str(
        "| `{% comment %}…{% endcomment %}` | nothing of it is shown |\n\
         | `{% raw %}…{% endraw %}` | shown as it is, braces and all |\n",
    );
    text.push_str("\n## Filters\n\n| filter | what it does |\n|---|---|\n");
    let mut filters: Vec<_> = language::filters()
        .iter()
        .map(|filter| {
            let filter = filter.reflection();
            (
                filter.name().to_owned(),
                filter.description().replace('|', "\\|"),
            )
        })
        .collect();
    filters.sort();
    for (name, about) in filters {
        let _ = writeln!(text, "| `{name}` | {about} |");
    }
    text
}

fn said<'a>(name: &str, description: &'a str) -> &'a str {
    match (description, name) {
        ("", "break") => "leaves the loop",
        ("", "continue") => "goes on with the loop's next round",
        ("", "cycle") => {
            "one text after the other, each time it is passed: `{% cycle 'odd', 'even' %}`"
        }
        ("", "if") => {
            "with `elsif`, `else`; conditions with `==`, `!=`, `<`, `>`, `<=`, `>=`, `contains`, `and`, `or`"
        }
        ("", "unless") => "the opposite of `if`",
        ("", "case") => "with `when` and `else`",
        (description, _) => description,
    }
}

fn list(text: &mut String, shape: &Shape, objects: &mut BTreeMap<&'static str, Shape>) {
    let Shape::Object { members, .. } = shape else {
        return;
    };
    let members = members();
    if members.is_empty() {
        text.push_str("Nothing of its own.\n");
        return;
    }
    text.push_str("| name | what it is | kind |\n|---|---|---|\n");
    for Member { name, about, shape } in &members {
        let kind = kind(shape, objects);
        let about = about.trim().replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {about} | {kind} |");
    }
}

fn kind(shape: &Shape, objects: &mut BTreeMap<&'static str, Shape>) -> String {
    match shape {
        Shape::Text => "text".into(),
        Shape::Html => "HTML".into(),
        Shape::Number => "number".into(),
        Shape::Boolean => "`true` or `false`".into(),
        Shape::Time => "time".into(),
        Shape::Texts => "texts by name".into(),
        Shape::Maybe(inner) => format!("{}, or nothing", kind(inner, objects)),
        Shape::List(inner) => format!("list of {}", kind(inner, objects)),
        Shape::Object { name, .. } => {
            objects.entry(name).or_insert_with(|| shape.clone());
            format!("[{name}](#{})", name.replace([' ', '_'], "-"))
        }
    }
}

const INTRODUCTION: &str = "# Liquid in the developer portal

Made by the program from its own declarations (`make docs`).

Every page, layout, partial and e-mail of the portal is a template in [Liquid](https://shopify.github.io/liquid/), which you
change by the CMS API: `GET /admin/api/cms/templates` lists them all, those that come with the program with their `shipped` text.
`PUT …/templates/{id}` with `draft` saves a draft, and refuses what is no template with the line it is about.
`PUT …/templates/{id}/publish` puts it in force, in all replicas, with the next page. `POST /admin/api/cms/previews` makes a link
that shows all drafts in one browser. `GET …/templates/{id}/versions` has what was published; `PUT …/templates/{id}/revert`
brings one back, `PUT …/templates/{id}/reset` the shipped text.

* **Values are escaped**: what developers type cannot become HTML, whatever a template does with it. What is HTML already is
  so by its kind below. In e-mails values stay as they are.
* **What is not there is nothing**: `{{ plan.nickname }}` shows nothing, and is false in an `if`.
* **A page cannot hang the portal.** Loops go round 50 000 times at most, ranges over 1 000 numbers, partials are 10 deep, blocks of
  one template 40; a text of a variable or filter has up to 64 KiB, the page 1 MiB; it takes 2 seconds at most. What goes beyond,
  or fails otherwise, is shown as it was shipped, and its `problem` is told by `GET …/templates/{id}`.
* **Pages of your own** are found at their `path`, in the layout that they name; with `handler=markdown` they are Markdown with
  Liquid in it. Those in a section that is not `public` are shown to developers who signed in.
* **Files** (`/admin/api/cms/files`) are found at their `path`: stylesheets and scripts for your layout, images, the icon at
  `/images/icon.ico` with `<link rel=\"shortcut icon\" href=\"/images/icon.ico\">` in `main_layout`, the logo at `/images/logo.svg` or
  `/images/logo.png`, which the shipped header shows. The portal's policy lets scripts and styles in from files only, not from
  the page itself.
* **Colours**: `PUT /admin/api/settings` with `accent_color` (and `accent_color_dark`); such that cannot be read are refused.

";
