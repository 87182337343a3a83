//! Gateways as providers see them.

use super::{Field, Shape, Tag, choice, delete, flag, get, id, int, number, object, post, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Gateways", "Envoys that ask for configurations and credit.")
        .at("/admin/api/gateways", [
            get("", "List gateways").list("gateways", "gateway", gateway())
                .beside(object("totals", shape("CreditTotals", credit()))),
            post("", "Make a gateway").about("Its token is shown once.")
                .takes([text("name", "eu-1").max(255).required(), environment().required()])
                .one("gateway", shape("NewGateway", [known(), vec![text("token", "gw_6a4f9c")]].concat())),
            get("/{id}", "Show a gateway").one("gateway", gateway()),
            delete("/{id}", "Remove a gateway").about("Its token stops working."),
            post("/{id}/drain", "Drain a gateway").status(200)
                .about("Before it is stopped: its processes return the credit that they hold, within about two seconds.")
                .one("drain", shape("Drain", [id("gateway_id"), int("instances", 1)])),
            post("/{id}/write_off", "Write a dead gateway off").status(200)
                .about("Gives up the credit of its processes that are silent. Limits may be passed by what they spent and never reported.")
                .one("write_off", shape("WriteOff", [id("gateway_id"), int("instances", 1), int("leases", 12), int("credit", 340)])),
        ])
        .at("/admin/api/services/{service_id}/gateways", [
            get("", "List who holds a product's credit").list("gateways", "gateway", holder())
                .beside(object("totals", shape("StandingTotals", standing()))),
        ])
}

fn environment() -> Field {
    choice("environment", &["production", "staging"])
}

fn gateway() -> Shape {
    shape("Gateway", [known(), credit()].concat())
}

fn known() -> Vec<Field> {
    vec![
        id("id"),
        text("name", "eu-1"),
        environment(),
        time("created_at"),
        time("last_seen_at").or_null(),
        int("last_seen_secs_ago", 0).or_null(),
        int("revision", 120).about("The configuration's, now"),
        int("revision_seen", 120).or_null(),
        int("revisions_behind", 0).or_null(),
        int("batches_waiting", 0).or_null().about("Usage not yet delivered"),
        int("rejected_entries", 0).or_null(),
        text("filter_version", "0.1.0").or_null(),
    ]
}

fn credit() -> Vec<Field> {
    vec![int("credit_held", 340), int("unaccounted", 0).about("Held by processes not heard of any more")]
}

fn holder() -> Shape {
    let fields = vec![
        id("id"),
        text("name", "eu-1"),
        environment(),
        flag("removed", false),
        time("last_seen_at").or_null(),
        int("last_seen_secs_ago", 0).or_null(),
        flag("live", true),
    ];
    shape("CreditHolder", [fields, standing()].concat())
}

fn standing() -> Vec<Field> {
    vec![
        int("credit_held", 340),
        int("leases", 12),
        int("recalls", 0),
        int("unaccounted", 0),
        int("admitted", 120_000),
        int("waited", 14),
        int("callouts", 9),
        number("callouts_per_request", 0.000_075),
        int("overdraft", 0),
    ]
}
