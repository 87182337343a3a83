//! Webhooks and e-mails, what could not be delivered of them, and alerts.

use super::{Field, Shape, Tag, choice, delete, flag, get, id, int, put, shape, text, time};
use crate::events;

pub(super) fn webhooks() -> Tag {
    Tag::new(
        "Webhooks",
        "Events are posted to one address as XML, signed: the header X-Tallygate-Signature is `v1=` and the HMAC-SHA256, \
         in hexadecimal, of X-Tallygate-Timestamp, a dot, X-Tallygate-Event-Id, a dot, and the body, by the webhook's \
         secret. Deliveries that are not answered with 2xx are made again, later and later, with the same event id.",
    )
    .at("/admin/api/webhooks", [
        get("", "Show the webhook").one("webhook", webhook()),
        put("", "Change the webhook")
            .takes([
                text("url", "https://example.com/events").max(2000)
                    .about("Where events are posted to; private addresses only if the operator allows them"),
                flag("active", true),
                flag("provider_actions", true)
                    .about("Whether what the provider's access tokens do is told too; what is done with the provider key never is"),
                text("secret", "a-secret-of-16-characters").max(255)
                    .about("What deliveries are signed with; blank makes a new one"),
            ])
            .takes(switches())
            .one("webhook", webhook()),
        get("/failures", "List events that could not be delivered, the oldest first")
            .paged_list("webhooks-failures", "webhooks-failure", failure()),
        delete("/failures", "Forget events that could not be delivered")
            .takes([text("time", "2026-01-31T12:00:00Z").about("Only those until this time")]),
    ])
}

pub(super) fn mail() -> Tag {
    Tag::new(
        "Mail",
        "E-mails to developers and to the provider's users are written from the portal's e-mail templates. What the mail \
         server does not take is tried again for a day and a half, what it will never take is given up at once.",
    )
    .at("/admin/api/mail/failures", [
        get("", "List e-mails that could not be sent, the oldest first").paged_list("failures", "failure", unsent()),
        delete("", "Forget e-mails that could not be sent")
            .takes([text("time", "2026-01-31T12:00:00Z").about("Only those until this time")]),
        put("/retry", "Try all e-mails again that could not be sent"),
    ])
}

pub(super) fn alerts() -> Tag {
    let narrowed = || [
        int("level", 80).min(1).about("Of this level and above: 50, 80, 90, 100, 120, 150, 200 or 300"),
        choice("state", &["read", "unread"]),
    ];
    Tag::new("Alerts", "Limits that came close or were passed: one for each level that was reached in a window.")
        .at("/admin/api/alerts", [
            get("", "List alerts, the newest first")
                .takes([int("account_id", 1).min(1), int("application_id", 1).min(1), int("service_id", 1).min(1)])
                .takes(narrowed())
                .paged_list("alerts", "alert", alert()),
        ])
        .at("/admin/api/accounts/{account_id}/applications/{application_id}/alerts", [
            get("", "List an application's alerts, the newest first").takes(narrowed()).paged_list("alerts", "alert", alert()),
            put("/read_all", "Say that all of an application's alerts were read"),
            put("/{alert_id}/read", "Say that an alert was read").one("alert", alert()),
        ])
}

fn switches() -> Vec<Field> {
    events::ALL.iter().map(|event| flag(event.switch, true)).collect()
}

fn webhook() -> Shape {
    let mut fields = vec![
        text("url", "https://example.com/events"),
        flag("active", true),
        flag("provider_actions", true),
    ];
    fields.extend(switches());
    fields.extend([
        text("secret", "whsec_0123456789abcdef").or_null(),
        time("created_at").or_null(),
        time("updated_at").or_null(),
    ]);
    shape("Webhook", fields)
}

fn failure() -> Shape {
    shape("WebhookFailure", [
        text("id", "evt_0123456789abcdef").about("The event's, as it was sent"),
        time("time"),
        text("error", "answered with 503 Service Unavailable"),
        text("url", "https://example.com/events"),
        text("event", "<event><action>created</action><type>account</type>…</event>").about("The XML that was sent"),
    ])
}

fn unsent() -> Shape {
    shape("MailFailure", [
        text("id", "0123456789abcdef0123456789abcdef").about("What its Message-ID begins with"),
        text("template", "account_approved").about("The system name of its template"),
        text("to", "dev@example.com"),
        time("created_at"),
        time("time").about("Of the last attempt"),
        int("attempts", 1),
        text("error", "permanent error (550): no such mailbox"),
    ])
}

fn alert() -> Shape {
    shape("Alert", [
        id("id"),
        id("account_id"),
        id("application_id"),
        id("service_id"),
        id("metric_id"),
        text("metric_system_name", "hits"),
        text("period", "minute"),
        time("window_start"),
        int("level", 80).about("Percent of the limit"),
        flag("violation", false).about("Whether the limit was reached"),
        int("used", 81),
        int("limit", 100),
        text("message", "hits per minute: 81/100"),
        choice("state", &["read", "unread"]),
        time("timestamp"),
    ])
}
