//! What templates make of values, and what they are kept from.

use super::Engine;
use liquid_core::model::{Object, Value};
use std::collections::BTreeMap;

fn render_with(sources: &[(&str, &str)], globals: &Object) -> Result<String, String> {
    let sources: BTreeMap<String, String> = sources
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let templates = Engine::load(sources);
    templates
        .render("page", globals)
        .map_err(|problem| problem.message)
}

fn render(text: &str) -> Result<String, String> {
    let mut form = Object::new();
    form.insert("title".into(), Value::scalar("Mail"));
    form.insert(
        "list".into(),
        Value::array([Value::scalar("a"), Value::scalar("b")]),
    );
    let mut globals = Object::new();
    globals.insert("form".into(), Value::Object(form));
    render_with(&[("page", text)], &globals)
}

#[test]
fn nothing_is_nothing() {
    for (text, expected) in [
        ("[{{ unknown }}]", "[]"),
        ("[{{ form.nix }}]", "[]"),
        ("[{{ form.nix.nix }}]", "[]"),
        ("{% if a.b.c %}yes{% else %}no{% endif %}", "no"),
        ("{% if form.nix == 'x' %}yes{% else %}no{% endif %}", "no"),
        ("{% if form.title == 'Mail' %}yes{% endif %}", "yes"),
        ("{% unless form.nix %}none{% endunless %}", "none"),
        ("{% for x in form.nix %}x{% else %}none{% endfor %}", "none"),
        (
            "{% for x in form.list %}{{ x }}{{ x.nix }}{{ nix }}{% endfor %}",
            "ab",
        ),
        ("{% assign x = form.nix %}[{{ x }}{{ x.y }}]", "[]"),
        ("{% assign x = form %}[{{ x.title }}{{ x.y }}]", "[Mail]"),
        (
            "{% case form.nix %}{% when 'a' %}a{% else %}b{% endcase %}",
            "b",
        ),
        ("{{ form.nix | default: 'none' }}", "none"),
        ("{{ form.nix | append: 'x' }}", "x"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn loops_go_round() {
    for (text, expected) in [
        ("{% for x in (1..5) %}{{ x }}{% endfor %}", "12345"),
        (
            "{% for x in (1..5) reversed limit: 2 %}{{ x }}{% endfor %}",
            "21",
        ),
        ("{% for x in (1..5) offset: 3 %}{{ x }}{% endfor %}", "45"),
        (
            "{% for x in (1..5) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
            "12",
        ),
        (
            "{% for x in (1..3) %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
            "13",
        ),
        (
            "{% for x in (1..2) %}{% for y in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% endfor %}{% endfor %}",
            "11 12 21 22 ",
        ),
        (
            "{% for x in form.list %}{% unless forloop.first %},{% endunless %}{{ x }}{% endfor %}",
            "a,b",
        ),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn partials_see_what_they_should() {
    let page = "{% assign own = 'page' %}{% include 'shown', given: 'x' %}|{% render 'shown', given: 'y' %}|{{ made }}";
    let shown = "{{ own }}{{ given }}{% assign made = given %}{{ made }}";
    let html = render_with(&[("page", page), ("partials/shown", shown)], &Object::new());
    assert_eq!(html.as_deref(), Ok("pagexx|yy|x"));
}
