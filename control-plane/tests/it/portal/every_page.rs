//! All routes of the portal, taken from the router's page: who may see them, what they let in, and what becomes of whatever
//! is typed into their forms.

use super::signed_up;
use crate::every_route::{ROUTER, Route, VALUES, assert_not_our_fault, filled, routes_in};
use crate::support::client::with_query;
use crate::support::{Browser, Reply, Test, both_databases};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use std::collections::BTreeSet;
use std::path::Path;

/// The routes of one function of the router.
fn routes_of(function: &str) -> Vec<Route> {
    let begin = ROUTER.find(&format!("fn {function}(")).unwrap();
    let end = begin + ROUTER[begin..].find("\n}").unwrap();
    let routes = routes_in(&ROUTER[begin..end]);
    assert!(!routes.is_empty(), "{function}");
    routes
}

fn public_routes() -> Vec<Route> {
    routes_of("portal_public")
}

fn member_routes() -> Vec<Route> {
    routes_of("portal_members")
}

/// Every name of a field in the forms that come with the program.
fn field_names() -> Vec<String> {
    fn collect(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, names);
                continue;
            }
            let template = std::fs::read_to_string(&path).unwrap();
            for part in template.split(" name=\"").skip(1) {
                let name = part.split('"').next().unwrap();
                if !name.contains('{') {
                    names.insert(name.to_owned());
                }
            }
        }
    }
    let mut names = BTreeSet::new();
    let portal = Path::new(env!("CARGO_MANIFEST_DIR")).join("portal");
    collect(&portal.join("pages"), &mut names);
    collect(&portal.join("partials"), &mut names);
    names.into_iter().collect()
}

/// Nobody's page lets a script in, whatever it shows.
#[track_caller]
fn assert_harmless(route: &Route, reply: &Reply) {
    let is_page = reply
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return;
    }
    let policy = reply
        .headers
        .get("content-security-policy")
        .map(|policy| policy.to_str().unwrap())
        .unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{route:?}: {policy}");
    assert!(!policy.contains("unsafe-eval"), "{route:?}: {policy}");
    let text = &reply.text;
    assert!(!text.contains("\"><script"), "{route:?}: {text}");
    assert!(!text.contains("<x>&amp;"), "{route:?}: {text}");
    for script in text.split("<script").skip(1) {
        assert!(
            script.trim_start().starts_with("src=\"/"),
            "{route:?}: {script}"
        );
    }
    assert!(
        !text.contains(" style=\""),
        "{route:?}: the policy forbids styles in pages"
    );
    assert!(!text.contains(" onclick="), "{route:?}");
}

#[test]
fn forms_are_found() {
    let names = field_names();
    for name in ["username", "password", "return_to"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
}

both_databases! {
    async fn strangers_sign_in_first(t: &Test) {
        for route in member_routes() {
            let browser = Browser::new(t);
            let path = filled(&route.path, || "1".into());
            let reply = browser.send(browser.request(route.method.clone(), &path)).await;
            assert!(reply.location().starts_with("/login?return_to="), "{route:?}: {}", reply.location());
        }
    }

    async fn other_sites_write_nothing(t: &Test) {
        signed_up(t, "ann").await;
        let browser = Browser::signed_in(t, "ann").await;
        for route in public_routes().into_iter().chain(member_routes()) {
            if route.method == Method::GET {
                continue;
            }
            let path = filled(&route.path, || "1".into());
            let request = browser.request_from(route.method.clone(), &path, "cross-site");
            let reply = browser.send(request).await;
            assert_eq!(reply.status, 403, "{route:?}");
            assert!(reply.text.contains("another site"), "{route:?}: {}", reply.text);
        }
    }

    async fn every_page_lets_nothing_in_and_is_light(t: &Test) {
        signed_up(t, "ann").await;
        let ann = Browser::signed_in(t, "ann").await;
        let stranger = Browser::new(t);
        for route in public_routes().into_iter().chain(member_routes()) {
            if route.method != Method::GET {
                continue;
            }
            for browser in [&stranger, &ann] {
                for id in ["1", "999", "x", "%22%3E%3Cscript%3E"] {
                    let path = filled(&route.path, || id.into());
                    let reply = browser.get(&path).await;
                    assert_not_our_fault(&route, &reply);
                    assert_harmless(&route, &reply);
                    assert!(reply.text.len() < 60_000, "{route:?}: {} bytes", reply.text.len());
                    if !route.path.contains('{') {
                        break;
                    }
                }
            }
        }
    }

    async fn whatever_is_typed_is_answered(t: &Test) {
        let random = &mut StdRng::seed_from_u64(0x7a11);
        let names = field_names();
        let mut values = VALUES.to_vec();
        values.extend(["\"><script>alert(1)</script>", "1'\"", "{{ provider.name }}", "{% for i in (1..9) %}"]);
        let routes: Vec<Route> = public_routes()
            .into_iter()
            .chain(member_routes())
            // Whoever is signed out, or has no account any more, types into no form.
            .filter(|route| !["/logout"].contains(&route.path.as_str()))
            .collect();
        signed_up(t, "ann").await;
        let mut ann = Browser::signed_in(t, "ann").await;
        for round in 0..4 {
            for route in &routes {
                let id = |random: &mut StdRng| ["1", "2", "0", "x", "%ff", "9223372036854775808"][random.random_range(0..6)].to_owned();
                let path = filled(&route.path, || id(random));
                let pairs: Vec<(&str, &str)> = (0..random.random_range(1..8))
                    .map(|_| {
                        let name = names[random.random_range(0..names.len())].as_str();
                        (name, values[random.random_range(0..values.len())])
                    })
                    .collect();
                let path = if route.method == Method::GET { with_query(&path, &pairs) } else { path };
                let request = ann.request(route.method.clone(), &path);
                let request = if route.method == Method::GET {
                    request
                } else if round == 3 {
                    request
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(&b"username=%ff&%fe=1&\xff=\xfe&name=%00&a[=1&b]=2&[]=3&c[][]=4"[..])
                } else {
                    request.form(&pairs)
                };
                let reply = ann.send(request).await;
                assert_not_our_fault(route, &reply);
                assert_harmless(route, &reply);
            }
            // A round may have ended the session, or the user.
            if ann.get("/").await.expect(200).text.contains("Sign in") {
                let name = format!("ann{round}");
                signed_up(t, &name).await;
                ann = Browser::signed_in(t, &name).await;
            }
        }
    }
}
