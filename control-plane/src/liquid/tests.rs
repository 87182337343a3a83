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

#[test]
fn what_costs_too_much_is_given_up() {
    let deep = format!(
        "{}x{}",
        "{% if true %}".repeat(40),
        "{% endif %}".repeat(40)
    );
    assert_eq!(render(&deep.replace("true", "form")).as_deref(), Ok("x"));
    let doubling = "{% assign x = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..100) %}{% assign x = x | append: x %}{% endfor %}";
    let captured = "{% capture x %}{% for i in (1..1000) %}{{ form.title }}{{ 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy' }}{% endfor %}{% endcapture %}";
    for text in [
        "{% for i in (1..1001) %}{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}",
        doubling,
        captured,
        "{% assign x = 'a' %}{% for i in (1..15) %}{% assign x = x | append: x %}{% endfor %}{{ x | replace: 'a', x }}",
        "{% assign x = 'a' %}{% for i in (1..15) %}{% assign x = x | append: x %}{% endfor %}{{ x | split: '' }}",
        "{{ 'now' | date: '%9999999d' }}",
        "{{ 1 | divided_by: 0 }}",
        "{{ 1 | modulo: 0 }}",
        "{{ 999999999999999 | times: 999999999999999 | times: 9 | round: 99 | abs | times: 'x' }}",
    ] {
        let problem = render(text).unwrap_err();
        assert!(
            problem.starts_with("line 1: ") || problem == "cannot be worked out",
            "{text}: {problem}"
        );
    }
}

#[test]
fn partials_end() {
    let round = [
        ("page", "{% include 'a' %}"),
        ("partials/a", "{% include 'a' %}"),
    ];
    let problem = render_with(&round, &Object::new()).unwrap_err();
    assert!(problem.contains("deep"), "{problem}");
    // Each as deep as it may be: together they are not.
    let nested = format!(
        "{}{{% include 'b' %}}{}",
        "{% if true %}".repeat(38),
        "{% endif %}".repeat(38)
    );
    let deep = [
        ("page", "{% include 'b' %}"),
        ("partials/b", nested.as_str()),
    ];
    let problem = render_with(&deep, &Object::new()).unwrap_err();
    assert!(problem.contains("deep"), "{problem}");
}

#[test]
fn filters_make_what_they_say() {
    for (text, expected) in [
        ("{{ form.list | any }}{{ form.nix | any }}", "truefalse"),
        (
            "{{ 'a' | link_to: '/x?a=1&b' }}",
            "<a href=\"/x?a=1&amp;b\">a</a>",
        ),
        (
            "{{ 'a' | link_to: ' JavaScript:alert(1)' }}",
            "<a href=\"#\">a</a>",
        ),
        (
            "{{ '/l.png' | image_tag: 'L' }}",
            "<img src=\"/l.png\" alt=\"L\">",
        ),
        ("{{ '<&amp;' | escape }}", "&lt;&amp;"),
        ("{{ 1234567 | grouped }}", "1\u{202f}234\u{202f}567"),
        ("{{ form.nix | plus: 2 }}", "2"),
        ("{{ form.nix | join: ',' }}{{ form.nix | first }}", ""),
        ("{% csrf %}{% content %}{% logo %}{% flash %}", ""),
        ("{{- ' a' -}} b", " ab"),
        ("{% raw %}{{ x }}{% if %}{% endraw %}", "{{ x }}{% if %}"),
        ("{% comment %}{{ {% endcomment %}a", "a"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn shipped_templates_are_templates() {
    for (name, text) in crate::site::shipped() {
        assert_eq!(Engine::check(&name, &text), Ok(()));
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    const PIECES: &[&str] = &[
        "{{ ",
        " }}",
        "{% ",
        " %}",
        "{%- ",
        "-}}",
        "if ",
        "endif",
        "for ",
        "x in ",
        "(1..9)",
        "endfor",
        "else",
        "elsif ",
        "assign x = ",
        "capture x",
        "endcapture",
        "case x",
        "when 1",
        "endcase",
        "raw",
        "endraw",
        "comment",
        "endcomment",
        "include 'a'",
        "render 'a'",
        "form",
        ".list",
        ".title",
        "[0]",
        "[x",
        "]",
        " | ",
        "append: ",
        "size",
        "split: ''",
        "join",
        "slice: -1, 9",
        "truncate: 3",
        "date: '%Y'",
        "times: 99999999",
        "divided_by: 0",
        "round: -3",
        "replace: 'a', 'b'",
        "'a'",
        "\"",
        "'",
        "7",
        "-1.5",
        "nil",
        "==",
        "contains",
        "and ",
        "\n",
        "é",
        "<b>",
        "cycle 1, 2",
        "break",
        "sort",
        "uniq",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_template_breaks_anything(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
            let text = pieces.concat();
            if let Ok(html) = render(&text) {
                prop_assert!(html.len() <= 1024 * 1024);
            }
        }

        #[test]
        fn no_text_breaks_anything(text in "(\\{\\{|\\{%|%\\}|\\}\\}|[ -~é\\n]){0,60}") {
            let _ = render(&text);
        }
    }
}

#[test]
fn no_tag_hides_within_an_output() {
    for text in ["{{ a %}{% if b }}", "{{ a %} b }}", "{{ '{% if b %}' }}"] {
        let problem = Engine::check("pages/x", text).unwrap_err();
        assert!(
            problem.message.contains("within {{ }}"),
            "{text}: {}",
            problem.message
        );
    }
    let many = "{% if b %}".repeat(300);
    assert!(Engine::check("pages/x", &format!("{{{{ a %}}{many}{{% if b }}}}")).is_err());
}
