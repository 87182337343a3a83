use super::{Format, check, parse};
use serde_json::{Value, json};

/// What is wrong, one line each.
fn problems(spec: &Value) -> Vec<String> {
    match check(spec) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// A specification that nothing is wrong with.
fn sound() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Mail", "version": "3"},
        "servers": [{"url": "https://api.example.com"}],
        "security": [{"key": []}],
        "paths": {
            "/users/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "get": {
                    "operationId": "show",
                    "parameters": [{"$ref": "#/components/parameters/page"}],
                    "responses": {"200": {"description": "It", "content": {"application/json": {}}}, "4XX": {"$ref": "#/components/responses/no"}}
                },
                "x-note": 1
            },
            "x-more": true
        },
        "components": {
            "parameters": {"page": {"name": "page", "in": "query", "schema": {"type": "integer", "default": {"$ref": "data"}}}},
            "responses": {"no": {"description": "No"}},
            "securitySchemes": {"key": {"type": "apiKey", "name": "k", "in": "query"}}
        }
    })
}

#[test]
fn formats() {
    for (spec, expected) in [
        (
            json!({"swagger": "2.0", "info": {"title": "", "version": ""}, "paths": {}}),
            Ok(Format::Swagger2),
        ),
        (
            json!({"openapi": "3.0.3", "info": {"title": "", "version": ""}, "paths": {}}),
            Ok(Format::OpenApi30),
        ),
        (
            json!({"openapi": "3.1.1", "info": {"title": "", "version": ""}, "components": {}}),
            Ok(Format::OpenApi31),
        ),
        (
            json!({"openapi": "3.0.3", "info": {"title": "", "version": ""}, "components": {}}),
            Err("must have paths"),
        ),
        (
            json!({"openapi": "3.2.0"}),
            Err("/openapi is \"3.2.0\": only 3.0 and 3.1 are supported"),
        ),
        (
            json!({"openapi": "3.1"}),
            Err("/openapi is \"3.1\": only 3.0 and 3.1 are supported"),
        ),
        (
            json!({"openapi": 3}),
            Err("/openapi must be a text, as in \"3.1.0\""),
        ),
        (json!({"swagger": "1.2"}), Err("/swagger must be \"2.0\"")),
        (json!({"swagger": 2.0}), Err("/swagger must be \"2.0\"")),
        (
            json!({"swagger": "2.0", "openapi": "3.0.0"}),
            Err("/swagger must not stand beside \"openapi\": a specification is one of the two"),
        ),
        (
            json!({}),
            Err("must say what it is: \"openapi\": \"3.1.0\" or \"swagger\": \"2.0\""),
        ),
    ] {
        match (check(&spec), expected) {
            (Ok(format), Ok(expected)) => assert_eq!(format, expected, "{spec}"),
            (Err(found), Err(expected)) => assert_eq!(found[0].to_string(), expected, "{spec}"),
            (found, _) => panic!("{spec}: {found:?}"),
        }
    }
}

#[test]
fn what_is_sound_is_left_alone() {
    assert_eq!(problems(&sound()), Vec::<String>::new());
}

/// Replaces what is at a pointer and says what is then wrong.
#[track_caller]
fn broken(pointer: &str, value: Value, expected: &[&str]) {
    let mut spec = sound();
    *spec.pointer_mut(pointer).unwrap() = value;
    assert_eq!(problems(&spec), expected, "{pointer}");
}

#[test]
fn problems_point_into_the_file() {
    broken("/info", json!(1), &["/info must be an object"]);
    broken(
        "/info",
        json!({"title": 1}),
        &["/info/title must be a text", "/info must have version"],
    );
    broken("/servers/0", json!({}), &["/servers/0 must have url"]);
    broken("/paths", json!([]), &["/paths must be an object"]);
    broken(
        "/paths",
        json!({"users": {}}),
        &["/paths/users must begin with a slash"],
    );
    let get = "/paths/~1users~1{id}/get";
    broken(
        get,
        json!("x"),
        &["/paths/~1users~1{id}/get must be an object"],
    );
    broken(
        &format!("{get}/responses"),
        json!({}),
        &["/paths/~1users~1{id}/get/responses must have at least one answer, or default"],
    );
    broken(
        &format!("{get}/responses"),
        json!({"20": {"description": ""}}),
        &["/paths/~1users~1{id}/get/responses/20 must be a status (200), a class (2XX) or default"],
    );
    broken(
        &format!("{get}/responses/200"),
        json!({}),
        &["/paths/~1users~1{id}/get/responses/200 must have description"],
    );
    broken(
        "/security/0",
        json!({"other": []}),
        &[
            "/security/0/other names a security scheme that /components/securitySchemes does not have",
        ],
    );
    broken(
        "/components/responses",
        json!({}),
        &[
            "/paths/~1users~1{id}/get/responses/4XX/$ref \"#/components/responses/no\" leads nowhere",
        ],
    );
    broken(
        &format!("{get}/responses/4XX"),
        json!({"$ref": "https://evil.example/x.json"}),
        &[
            "/paths/~1users~1{id}/get/responses/4XX/$ref \"https://evil.example/x.json\" leads out of the file: put what it refers to under components or definitions",
        ],
    );
}

#[test]
fn parameters_and_paths_agree() {
    let list = "/paths/~1users~1{id}/parameters";
    broken(
        list,
        json!([]),
        &["/paths/~1users~1{id}/get must have a parameter \"id\" in path, because the path has it"],
    );
    broken(
        &format!("{list}/0/required"),
        json!(false),
        &["/paths/~1users~1{id}/parameters/0 must be required: true, because it is in the path"],
    );
    broken(
        &format!("{list}/0/in"),
        json!("body"),
        &[
            "/paths/~1users~1{id}/parameters/0/in must be one of query, header, path, cookie",
            "/paths/~1users~1{id}/get must have a parameter \"id\" in path, because the path has it",
        ],
    );
    let own = "/paths/~1users~1{id}/get/parameters";
    let query = json!({"name": "q", "in": "query", "schema": {}});
    broken(
        own,
        json!([query, query]),
        &["/paths/~1users~1{id}/get/parameters/1 is the second \"q\" in query"],
    );
    broken(
        own,
        json!([{"name": "q", "in": "query"}]),
        &["/paths/~1users~1{id}/get/parameters/0 must have schema"],
    );
    broken(
        own,
        json!([{"name": "no", "in": "path", "required": true, "schema": {}}]),
        &["/paths/~1users~1{id}/get has a parameter \"no\" in path, which the path has not"],
    );
    // What it says is unknown, so nothing else is said of it.
    broken(
        own,
        json!([{"$ref": "#/components/parameters/none"}]),
        &[
            "/paths/~1users~1{id}/get/parameters/0/$ref \"#/components/parameters/none\" leads nowhere",
        ],
    );
}

#[test]
fn operations_have_names_of_their_own() {
    let mut spec = sound();
    let get = spec.pointer("/paths/~1users~1{id}/get").unwrap().clone();
    spec["paths"]["/users/{id}"]["head"] = get;
    assert_eq!(
        problems(&spec),
        ["/paths/~1users~1{id}/head/operationId \"show\" names another operation already"]
    );
}

#[test]
fn no_more_problems_than_anybody_reads() {
    let paths: serde_json::Map<_, _> = (0..100).map(|n| (format!("p{n}"), json!({}))).collect();
    let spec = json!({"swagger": "2.0", "info": {"title": "", "version": ""}, "paths": paths});
    assert_eq!(problems(&spec).len(), super::MOST_PROBLEMS);
}

#[test]
fn text_that_is_no_json_is_told_where() {
    let message = parse("{\n  \"a\": ,\n}").unwrap_err().to_string();
    assert!(message.contains("line 2"), "{message}");
    assert_eq!(
        parse("[]").unwrap_err().to_string(),
        "must be a JSON object"
    );
    assert!(parse(&"[".repeat(100_000)).is_err());
}
