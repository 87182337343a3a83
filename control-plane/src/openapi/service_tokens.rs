//! Service tokens, which agents call the Service Management API with.

use super::{Shape, Tag, delete, get, id, post, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Service tokens", "What agents that are not our gateways call `/transactions/…` with; each is one product's.")
        .at("/admin/api/services/{service_id}/service_tokens", [
            get("", "List a product's service tokens").about("The oldest is shown in the product's configurations, as `backend_authentication_value`.")
                .paged_list("service_tokens", "service_token", token()),
            post("", "Make a service token").takes([text("name", "Our own API gateway").max(255).required()]).one("service_token", token()),
            get("/{id}", "Show a service token").one("service_token", token()),
            delete("/{id}", "Delete a service token").about("It works no longer, at once."),
        ])
}

fn token() -> Shape {
    shape("ServiceToken", [
        id("id"),
        id("service_id"),
        text("name", "default"),
        text("value", "c0ffee…"),
        time("created_at"),
    ])
}
