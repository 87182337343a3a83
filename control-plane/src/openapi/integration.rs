//! The test of a product's way from a client to its upstream.

use super::{Shape, Tag, choice, flag, id, int, list_of, post, shape, text};

pub(super) fn tag() -> Tag {
    Tag::new("Integration test", "A request through the staging gateway, and what happened to it.")
        .at("/admin/api/services/{service_id}/proxy", [
            post("/test", "Test the integration")
                .takes([
                    choice("method", &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]).about("That of the first mapping rule when left out, or GET for a path"),
                    text("path", "/v2/mails?limit=1").max(2_000).about("Below sandbox_endpoint; one that the first mapping rule matches when left out"),
                    id("application_id").about("Whose credentials to send; the product's oldest application that may call when left out"),
                    text("user_key", "d4b1f0c5a7e64f0e9d1c2b3a4f5e6d7c").max(256).about("To send this one"),
                    text("app_id", "3f2a9c01").max(255).about("To send these"),
                    text("app_key", "d4b1f0c5a7e64f0e9d1c2b3a4f5e6d7c").max(255),
                    text("bearer_token", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln").max(16_000).about("A token of the product's issuer"),
                ])
                .one("integration_test", report())
                .status(200)
                .about("200 whether the test is passed or not. The request is a real one: it reaches the upstream and counts as a call of the application."),
        ])
}

fn report() -> Shape {
    shape("IntegrationTest", [
        flag("passed", true),
        choice("environment", &["sandbox"]),
        int("version", 3).or_null().about("What staging follows"),
        text("method", "GET").or_null(),
        text("url", "https://staging.example.com/v2/mails").or_null().about("Without credentials"),
        int("application_id", 5).or_null(),
        int("status", 200).or_null(),
        int("duration_ms", 12).or_null(),
        list_of("steps", "step", step()).about("In order; those after one that failed were skipped"),
    ])
}

fn step() -> Shape {
    shape("IntegrationTestStep", [
        choice("name", &["deployed", "gateway_reached", "product_found", "rule_matched", "authorized", "upstream_answered"]),
        choice("outcome", &["passed", "failed", "skipped"]),
        text("detail", "Staging follows version 3."),
        text("advice", "").about("What to do about it"),
    ])
}
