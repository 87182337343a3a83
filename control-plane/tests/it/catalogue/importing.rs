//! What `import openapi` makes of descriptions, and that it can be applied.

use super::{apply, run};
use crate::support::{Test, both_databases};
use tallygate::catalogue::openapi::{Grouping, propose};

const OPENAPI: &str = r##"
openapi: 3.1.0
info: {title: Pet Store, version: 1.2.0}
servers:
  - url: https://{region}.pets.example/api/v1/
    variables: {region: {default: eu}}
tags:
  - {name: pets, description: All about pets}
paths:
  /pets:
    get: {operationId: listPets, summary: List all pets, tags: [pets]}
    post: {operationId: createPet, tags: [pets]}
  /pets/{pet-id}:
    parameters: [{name: pet-id, in: path, required: true, schema: {type: string}}]
    get: {operationId: showPet, tags: [pets]}
    delete: {tags: [pets]}
    trace: {}
  /pets/mine:
    get: {operationId: myPets, tags: [pets, mine]}
  /files/{path+}:
    get: {operationId: files}
  /elsewhere: {$ref: 'other.yaml#/x'}
  /shared: {$ref: '#/components/pathItems/Shared'}
  '/bad path': {get: {}}
  x-extension: {}
components:
  pathItems:
    Shared: {head: {operationId: listPets}}
"##;

const SWAGGER: &str = r#"{
  "swagger": "2.0", "info": {"title": "日本", "version": "1"}, "host": "localhost:9999", "basePath": "/v2",
  "schemes": ["http"], "paths": {"/a/{id}.json": {"put": {"summary": "Change it"}}}
}"#;

#[test]
fn operations_become_methods_and_rules() {
    let made = propose(OPENAPI, "pets.yaml", None, Grouping::Operation).unwrap();
    let expected = "\
# 7 operations of Pet Store 1.2.0, proposed from pets.yaml.
# Look it over, then: tallygate apply --dry-run -f FILE (pet_store keeps whatever else it has)
products:
  pet_store:
    name: Pet Store
    methods:
      listpets: {friendly_name: List all pets}
      createpet: {friendly_name: createPet}
      showpet: {friendly_name: showPet}
      delete_pets_pet_id: {friendly_name: \"DELETE /pets/{pet-id}\"}
      mypets: {friendly_name: myPets}
      files: {friendly_name: files}
      listpets_2: {friendly_name: listPets}
    proxy:
      api_backend: https://eu.pets.example
    mapping_rules:
      - {methods: GET, pattern: /api/v1/pets$, usages: listpets}
      - {methods: POST, pattern: /api/v1/pets$, usages: createpet}
      - {methods: GET, pattern: /api/v1/pets/mine$, usages: mypets, last: true}
      - {methods: GET, pattern: \"/api/v1/pets/{pet_id}$\", usages: showpet}
      - {methods: DELETE, pattern: \"/api/v1/pets/{pet_id}$\", usages: delete_pets_pet_id}
      - {methods: GET, pattern: /api/v1/files/, usages: files}
      - {methods: HEAD, pattern: /api/v1/shared$, usages: listpets_2}
";
    assert_eq!(made.yaml, expected);
    let notes = made.notes.join("\n");
    for word in [
        "TRACE /pets/{pet-id}",
        "/elsewhere: is in another document",
        "GET /bad path",
    ] {
        assert!(notes.contains(word), "{word} is not in {notes}");
    }
}

#[test]
fn tags_and_paths_group_operations() {
    let made = propose(OPENAPI, "pets.yaml", Some("zoo"), Grouping::Tag)
        .unwrap()
        .yaml;
    for line in [
        "  zoo:\n    methods:\n      pets: {friendly_name: pets, description: All about pets}\n      other: {friendly_name: other}\n    mapping_rules:\n",
        "      - {methods: [GET, POST], pattern: /api/v1/pets$, usages: pets}\n",
        "      - {methods: [GET, DELETE], pattern: \"/api/v1/pets/{pet_id}$\", usages: pets}\n",
    ] {
        assert!(made.contains(line), "{line} is not in\n{made}");
    }
    let made = propose(OPENAPI, "pets.yaml", Some("zoo"), Grouping::Path)
        .unwrap()
        .yaml;
    assert!(
        made.contains("      pets_pet_id: {friendly_name: \"/pets/{pet-id}\"}\n"),
        "{made}"
    );
    let made = propose(SWAGGER, "old.json", None, Grouping::Operation)
        .unwrap()
        .yaml;
    for line in [
        "  api:\n    name: 日本\n",
        "      put_a_id_json: {friendly_name: Change it}\n",
        "      api_backend: http://localhost:9999\n",
        "      - {methods: PUT, pattern: \"/v2/a/{id}.json$\", usages: put_a_id_json}\n",
    ] {
        assert!(made.contains(line), "{line} is not in\n{made}");
    }
}

#[test]
fn what_is_no_description_is_refused() {
    for (text, words) in [
        ("a: [", "x.yaml:2:1: is not YAML"),
        ("a: 1", "is no description of an API"),
        ("swagger: '1.2'", "is no description of an API"),
        ("openapi: 3.0.0", "has no paths"),
        ("openapi: 3.0.0\npaths: {}", "describes no operation"),
        (
            "openapi: 3.0.0\npaths: {'/{a': {get: {}}}",
            "GET /{a: a variable has no end",
        ),
        (
            "openapi: 3.0.0\npaths: {/a: {$ref: '#/paths/~1a'}}",
            "/a: is in another document",
        ),
    ] {
        let error = propose(text, "x.yaml", None, Grouping::Operation).unwrap_err();
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
}

both_databases! {
    async fn a_proposal_is_applied_as_it_is(t: &Test) {
        for (grouping, text) in [("operation", OPENAPI), ("tag", OPENAPI), ("path", OPENAPI), ("operation", SWAGGER)] {
            let args = ["import", "openapi", "-", "--methods", grouping, "--product", &format!("p-{grouping}")];
            let proposal = run(t, &args, text).await.expect(0);
            apply(t, &proposal.out, &[]).await.expect(0);
            apply(t, &proposal.out, &["--dry-run", "--prune"]).await.expect(if text == SWAGGER { 3 } else { 0 });
        }
        let failed = run(t, &["import", "openapi", "-"], "{}").await.expect(1);
        failed.says(&["error: the standard input is no description of an API"]);
    }
}
