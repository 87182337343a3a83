//! What `envoy/` holds for operators, held against what its readers take: Istio, kustomize, Compose, and registries.
//! (Envoy itself validates bootstraps in the end-to-end tests.)

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../envoy")
        .join(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(path: &Path) -> Vec<Value> {
    let text = read(path);
    let parts = text
        .split("\n---\n")
        .map(|part| yaml_serde::from_str(part).unwrap());
    parts.filter(|value: &Value| !value.is_null()).collect()
}

#[track_caller]
fn assert_valid(schema: &Path, document: &Value) {
    let schema: Value = serde_json::from_str(&read(schema)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// What a kustomization may have here; what is not named would be ignored by nobody and refused by kustomize.
const KUSTOMIZATION: &[&str] = &["apiVersion", "kind", "namespace", "resources", "patches"];

#[test]
fn the_kustomization_patches_what_it_has() {
    let folder = folder("istio");
    let kustomization = yaml(&folder.join("kustomization.yaml")).remove(0);
    let fields = kustomization.as_object().unwrap();
    assert!(
        fields
            .keys()
            .all(|field| KUSTOMIZATION.contains(&field.as_str()))
    );
    assert_eq!(fields["apiVersion"], "kustomize.config.k8s.io/v1beta1");
    assert_eq!(fields["kind"], "Kustomization");
    let mut resources: Vec<Value> = Vec::new();
    for file in fields["resources"].as_array().unwrap() {
        resources.extend(yaml(&folder.join(file.as_str().unwrap())));
    }
    let names: BTreeSet<String> = resources
        .iter()
        .map(|one| format!("{} {}", one["kind"], one["metadata"]["name"]))
        .collect();
    assert_eq!(names.len(), resources.len(), "no two of one name");
    for resource in &resources {
        assert_valid(&folder.join("schema.json"), resource);
        assert_eq!(resource["metadata"]["namespace"], fields["namespace"]);
    }
    for patch in fields["patches"].as_array().unwrap() {
        let target = &patch["target"];
        let found: Vec<&Value> = resources
            .iter()
            .filter(|one| {
                let group = one["apiVersion"]
                    .as_str()
                    .unwrap()
                    .split('/')
                    .next()
                    .unwrap();
                (&one["kind"], &one["metadata"]["name"], &json!(group))
                    == (&target["kind"], &target["name"], &target["group"])
            })
            .collect();
        assert_eq!(found.len(), 1, "{target}");
        let mut patched = found[0].clone();
        let operations = yaml(&folder.join(patch["path"].as_str().unwrap())).remove(0);
        for operation in operations.as_array().unwrap() {
            assert_eq!(operation["op"], "replace");
            let path = operation["path"].as_str().unwrap();
            *patched
                .pointer_mut(path)
                .unwrap_or_else(|| panic!("nothing at {path}")) = operation["value"].clone();
        }
        assert_valid(&folder.join("schema.json"), &patched);
    }
}

#[test]
fn the_schema_of_istio_refuses_what_is_not_there() {
    let folder = folder("istio");
    let schema: Value = serde_json::from_str(&read(&folder.join("schema.json"))).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for resource in yaml(&folder.join("mail-api.yaml")) {
        assert!(validator.is_valid(&resource));
        for (path, value) in [
            ("/kind", json!("Plugin")),
            ("/spec/unknown", json!(1)),
            ("/metadata/name", json!("A_b")),
        ] {
            let mut wrong = resource.clone();
            let (parent, field) = path.rsplit_once('/').unwrap();
            wrong.pointer_mut(parent).unwrap()[field] = value;
            assert!(
                !validator.is_valid(&wrong),
                "{path} of {}",
                resource["kind"]
            );
        }
    }
}

#[test]
fn the_compose_file_is_one() {
    let folder = folder("compose");
    let compose = yaml(&folder.join("compose.yaml")).remove(0);
    assert_valid(&folder.join("schema.json"), &compose);
    let mut wrong = compose.clone();
    wrong["services"]["gateway"]["port"] = json!(8080);
    let schema: Value = serde_json::from_str(&read(&folder.join("schema.json"))).unwrap();
    assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&wrong));
    // What services name of each other is there, and Envoy is the version that all is tested with.
    let services = compose["services"].as_object().unwrap();
    for service in services.values() {
        for other in service["depends_on"]
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
        {
            assert!(services.contains_key(other), "{other}");
        }
    }
    let pinned = read(&folder.join("../install.sh"));
    let version = pinned
        .lines()
        .find_map(|line| line.strip_prefix("version="))
        .unwrap();
    assert_eq!(
        services["gateway"]["image"],
        format!("envoyproxy/envoy:v{version}")
    );
    let variables = services["control-plane"]["environment"]
        .as_object()
        .unwrap();
    let settings = include_str!("../../src/config.rs");
    for name in variables.keys() {
        assert!(
            settings.contains(&format!("\"{name}\"")),
            "{name} is no setting"
        );
    }
}

/// Runs the script that packs the filter.
fn pack(wasm: &Path, into: &Path, tag: &str) -> (bool, String) {
    let output = Command::new("bash")
        .arg(folder("oci-image.sh"))
        .args([wasm, into])
        .arg(tag)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A blob by its descriptor, which must be right.
fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"]
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap();
    let bytes = std::fs::read(layout.join("blobs/sha256").join(digest)).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), digest);
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

#[test]
fn the_image_is_an_oci_layout_with_the_filter_and_always_the_same() {
    let work = tempfile::tempdir().unwrap();
    let (wasm, layout) = (work.path().join("filter.wasm"), work.path().join("image"));
    let filter = [&b"\0asm\x01\0\0\0"[..], &[7; 100_000]].concat();
    std::fs::write(&wasm, &filter).unwrap();
    let (packed, first) = pack(&wasm, &layout, "1.2.3");
    assert!(packed, "{first}");
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    assert_eq!(
        json(&std::fs::read(layout.join("oci-layout")).unwrap())["imageLayoutVersion"],
        "1.0.0"
    );
    let index = json(&std::fs::read(layout.join("index.json")).unwrap());
    let descriptor = &index["manifests"][0];
    assert_eq!(
        descriptor["annotations"]["org.opencontainers.image.ref.name"],
        "1.2.3"
    );
    assert_eq!(
        first.trim(),
        format!(
            "{} {}",
            layout.display(),
            descriptor["digest"].as_str().unwrap()
        )
    );
    let manifest = json(&blob(&layout, descriptor));
    assert_eq!(manifest["mediaType"], descriptor["mediaType"]);
    let config = json(&blob(&layout, &manifest["config"]));
    let layer = &manifest["layers"][0];
    assert_eq!(
        layer["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    blob(&layout, layer);
    let digest = layer["digest"].as_str().unwrap().replace("sha256:", "");
    let tar = Command::new("gzip")
        .args(["-dc"])
        .arg(layout.join("blobs/sha256").join(digest))
        .output()
        .unwrap()
        .stdout;
    assert_eq!(
        config["rootfs"]["diff_ids"][0],
        format!("sha256:{}", hex::encode(Sha256::digest(&tar)))
    );
    // In the archive's first record: the name, and behind it the content.
    assert!(tar.starts_with(b"plugin.wasm\0"));
    assert_eq!(&tar[512..512 + filter.len()], filter);

    let again = work.path().join("again");
    let (_, second) = pack(&wasm, &again, "1.2.3");
    assert_eq!(second.split(' ').nth(1), first.split(' ').nth(1));

    std::fs::write(&wasm, "<html>").unwrap();
    for (file, tag, complaint) in [
        (&wasm, "1", "is not WebAssembly"),
        (&work.path().join("none"), "1", "is not there"),
        (&wasm, "-", "WebAssembly"),
    ] {
        let (packed, said) = pack(file, &again, tag);
        assert!(!packed && said.contains(complaint), "{said}");
    }
}
