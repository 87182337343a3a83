//! The description of the API, as it is published.

use crate::support::contract;
use tallygate::openapi::{compare::Published, document};

const PUBLISHED: &str = include_str!("../../../docs/3scale-operations.json");

#[test]
fn all_that_threescale_publishes_is_served_or_left_out_for_a_reason() {
    let gaps = Published::read(PUBLISHED).unwrap().gaps();
    assert!(gaps.is_empty(), "{gaps:#?}");
}

#[test]
fn the_page_beside_threescale_has_a_line_for_every_operation() {
    let published = Published::read(PUBLISHED).unwrap();
    let page = published.table();
    assert!(
        page.contains("| GET | `/admin/api/accounts.xml` | JSON, XML | both | List accounts |"),
        "{page}"
    );
    assert!(page.contains("| none | | Left out: Payments"), "{page}");
    assert!(
        page.contains("| POST | `/admin/api/gateways` | JSON, XML |"),
        "{page}"
    );
    let operations = PUBLISHED
        .lines()
        .filter(|line| line.trim_start().starts_with("[\""))
        .count();
    let lines = page
        .lines()
        .take_while(|line| *line != "## Parameters left out");
    assert_eq!(
        lines.filter(|line| line.contains(" | `/")).count(),
        operations
    );
    assert!(operations > 220, "{operations}");
}

#[test]
fn examples_are_what_their_schemas_say() {
    let wrong = contract::wrong_examples();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_operation_has_an_example_of_its_answer_and_of_its_body() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap().iter();
            for (status, answer) in answers.filter(|(status, _)| status.starts_with('2')) {
                let bare = answer.get("content").is_some_and(|content| {
                    content
                        .as_object()
                        .unwrap()
                        .values()
                        .all(|content| content.get("example").is_none())
                });
                assert!(!bare, "{verb} {path} {status} has no example");
            }
            if let Some(body) = operation.get("requestBody") {
                let forms = body["content"].as_object().unwrap();
                assert!(!forms.is_empty(), "{verb} {path}");
                for (form, content) in forms {
                    assert!(content.get("example").is_some(), "{verb} {path} {form}");
                }
            }
        }
    }
}

#[test]
fn no_two_shapes_have_one_name() {
    let document = document();
    let names: Vec<&String> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    let twice: Vec<_> = names
        .iter()
        .filter(|name| name.ends_with(|end: char| end.is_ascii_digit()))
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn operations_have_names_of_their_own() {
    let document = document();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<&str> = operations
        .map(|one| one["operationId"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
