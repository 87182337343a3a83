//! Backends, what they count and bring along, and which products use them.

use super::{Field, Shape, Tag, delete, get, id, int, links, mapping_rules, post, put_patch, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Backends", "APIs of the provider's own that products are made of.")
        .at("/admin/api/backend_apis", [
            get("", "List backends").paged_list("backend_apis", "backend_api", backend()),
            post("", "Make a backend").about("It comes with the metric `hits` and without mapping rules.")
                .takes([name().required(), text("system_name", "mail_api").max(255).about("Its name for programs, made from name when left out; it never changes"), endpoint().required()])
                .takes(more())
                .one("backend_api", backend()),
            get("/{backend_api_id}", "Show a backend").one("backend_api", backend()),
            put_patch("/{backend_api_id}", "Change a backend").about("Products follow with their next deployment.")
                .takes([name(), endpoint()])
                .takes(more())
                .one("backend_api", backend()),
            delete("/{backend_api_id}", "Delete a backend").about(
                "Refused while a product uses it, in its draft or in a configuration that gateways follow.",
            ),
        ])
        .at("/admin/api/backend_apis/{backend_api_id}/metrics", [
            get("", "List a backend's metrics, methods included").paged_list("metrics", "metric", metric()),
            post("", "Make a metric of a backend").takes(named()).takes([unit().required()]).one("metric", metric()),
            get("/{metric_id}", "Show a metric of a backend").one("metric", metric()),
            put_patch("/{metric_id}", "Change a metric of a backend").takes(changes()).takes([unit()]).one("metric", metric()),
            delete("/{metric_id}", "Delete a metric of a backend").about(
                "Refused for `hits`, and while a deployed configuration of any product counts on it. The backend's rules and all plans' limits on it go with it.",
            ),
            get("/{metric_id}/methods", "List the methods of a backend's hits").paged_list("methods", "method", method()),
            post("/{metric_id}/methods", "Make a method of a backend").takes(named()).one("method", method()),
            get("/{metric_id}/methods/{method_id}", "Show a method of a backend").one("method", method()),
            put_patch("/{metric_id}/methods/{method_id}", "Change a method of a backend").takes(changes()).one("method", method()),
            delete("/{metric_id}/methods/{method_id}", "Delete a method of a backend"),
        ])
        .at("/admin/api/backend_apis/{backend_api_id}/mapping_rules", [
            get("", "List a backend's mapping rules, by position").paged_list("mapping_rules", "mapping_rule", mapping_rules::mapping_rule()),
            post("", "Make a mapping rule of a backend").about("Its pattern begins below the backend's path in each product.")
                .takes(mapping_rules::params())
                .takes([text("pattern", "/mail/{id}$").max(255).required()])
                .one("mapping_rule", mapping_rules::mapping_rule()),
            get("/{rule_id}", "Show a mapping rule of a backend").one("mapping_rule", mapping_rules::mapping_rule()),
            put_patch("/{rule_id}", "Change a mapping rule of a backend").takes(mapping_rules::params()).one("mapping_rule", mapping_rules::mapping_rule()),
            delete("/{rule_id}", "Delete a mapping rule of a backend"),
        ])
        .at("/admin/api/services/{service_id}/backend_usages", [
            get("", "List the backends that a product uses").answers(Shape::List(Box::new(Shape::Wrapped("backend_usage", Box::new(usage()))))),
            post("", "Use a backend in a product")
                .about("The longest path takes the request, and the backend does not see it. What none takes is 404. Gateways follow with the next deployment.")
                .takes([id("backend_api_id").required(), path().about("`/` when left out")])
                .one("backend_usage", usage()),
            get("/{usage_id}", "Show a backend that a product uses").one("backend_usage", usage()),
            put_patch("/{usage_id}", "Give a backend another path in a product").takes([path()]).one("backend_usage", usage()),
            delete("/{usage_id}", "Use a backend no more").about(
                "Limits on its metrics go from the product's plans as soon as no gateway sends requests to it any more.",
            ),
        ])
}

fn name() -> Field {
    text("name", "Mail API").max(255)
}

fn endpoint() -> Field {
    text("private_endpoint", "https://mail.internal.example.com").max(255).about("Its private base URL: http, https, ws or wss; a path in it is put before the request's")
}

fn more() -> [Field; 2] {
    [
        text("description", "Sends mails").max(10_000),
        text("cluster", "mail_servers").max(255).about("The operator's own cluster in Envoy that leads there; the gateway's own when left out"),
    ]
}

fn backend() -> Shape {
    shape("Backend", [
        id("id"),
        text("name", "Mail API"),
        text("system_name", "mail_api"),
        text("description", "Sends mails"),
        text("private_endpoint", "https://mail.internal.example.com"),
        text("cluster", "mail_servers").or_null(),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}

fn named() -> [Field; 4] {
    [
        text("friendly_name", "Mails sent").max(255).required().about("Its name for people"),
        text("system_name", "mails_sent").max(255).about("Its name for programs, made from friendly_name when left out; it never changes"),
        text("name", "mails_sent").older().about("Another name of system_name"),
        description(),
    ]
}

fn changes() -> [Field; 2] {
    [text("friendly_name", "Letters sent").max(255), description()]
}

fn description() -> Field {
    text("description", "All mails, bounced ones included").max(10_000)
}

fn unit() -> Field {
    text("unit", "mail").max(255).about("What is counted, in the singular")
}

fn metric() -> Shape {
    shape("BackendMetric", [
        id("id"),
        wire_name(),
        text("friendly_name", "Mails sent"),
        text("description", "All mails"),
        text("unit", "mail"),
        int("parent_id", 1).maybe().about("Of a method: the id of the backend's hits"),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}

fn method() -> Shape {
    shape("BackendMethod", [
        id("id"),
        wire_name(),
        text("friendly_name", "Mails sent"),
        text("description", "All mails"),
        text("unit", "mail"),
        id("parent_id"),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}

fn wire_name() -> Field {
    text("system_name", "mails_sent.7").about("With the backend's id at its end: so it is called in products too")
}

fn path() -> Field {
    text("path", "/mail").max(255)
}

fn usage() -> Shape {
    shape("BackendUsage", [
        id("id"),
        text("path", "/mail"),
        id("service_id"),
        id("backend_id"),
        links(),
    ])
}
