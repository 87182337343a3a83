//! What happens is mailed to those whom it concerns.

use super::{Post, application, kept, plan, product, sign_up};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use tallygate::applications::{self, NewApplication, PORTAL, Wanted};
use tallygate::mail::trial;
use tallygate::store::contracts;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A call, its form, and the subjects of what it mails to the account.
type Step<'a> = (Method, String, &'a [(&'a str, &'a str)], &'a [&'a str]);

both_databases! {
    async fn accounts_are_told_what_becomes_of_them(t: &Test) {
        let post = Post::start().await;
        t.put("/admin/api/settings.json", &[("account_approval_required", "true")]).await.expect(200);
        let account = sign_up(t, "dev").await;
        assert_eq!(post.arrivals(&t.app).await, [
            "api@acme.example: Dev & Co signed up",
            "dev@dev.example: Your account at Acme waits for approval",
        ]);
        let path = format!("/admin/api/accounts/{account}");
        let user = t.post(&format!("{path}/users.json"), &[("username", "two"), ("email", "two@dev.example"), ("password", "correct horse")])
            .await.expect(201).id("/user/id");
        let steps: [Step<'_>; 8] = [
            (Method::PUT, format!("{path}/approve"), &[], &["dev@dev.example: Your account at Acme is approved"]),
            (Method::PUT, format!("{path}/make_pending"), &[], &[]),
            (Method::PUT, format!("{path}/reject"), &[], &["dev@dev.example: Your account at Acme is not approved"]),
            (Method::PUT, format!("{path}/users/{user}/activate"), &[], &[]),
            (Method::PUT, format!("{path}/users/{user}/admin"), &[], &[]),
            (Method::POST, format!("{path}/messages"), &[("subject", "Maintenance"), ("body", "On Sunday.\nAll day.")],
             &["dev@dev.example: Maintenance", "two@dev.example: Maintenance"]),
            (Method::PUT, format!("{path}/users/{user}/suspend"), &[], &[]),
            (Method::POST, format!("{path}/messages"), &[("body", "No subject.")], &["dev@dev.example: A message for you"]),
        ];
        run(t, &post, &steps).await;
        assert_eq!(kept(t).await, 0);
    }

    async fn accounts_are_told_what_becomes_of_applications(t: &Test) {
        let post = Post::start().await;
        let (product, bronze, gold) = product(t).await;
        let careful = plan(t, product, &[("name", "Careful"), ("approval_required", "true")]).await;
        let account = sign_up(t, "dev").await;
        post.arrivals(&t.app).await;
        let (asked, _) = application(t, account, careful).await;
        let (turned_away, _) = application(t, account, careful).await;
        let (app, _) = application(t, account, bronze).await;
        assert_eq!(post.arrivals(&t.app).await, [""; 0], "what the provider makes is no news");
        let gold = gold.to_string();
        let steps: [Step<'_>; 8] = [
            (Method::PUT, format!("{asked}/accept"), &[], &["dev@dev.example: Newsletter may call Mail API"]),
            (Method::DELETE, turned_away, &[], &["dev@dev.example: Newsletter is not approved"]),
            (Method::PUT, format!("{app}/suspend"), &[], &["dev@dev.example: Newsletter is suspended"]),
            (Method::PUT, format!("{app}/resume"), &[], &["dev@dev.example: Newsletter may call again"]),
            (Method::PUT, format!("{app}/change_plan"), &[("plan_id", &gold)], &["dev@dev.example: Newsletter is on the plan Gold"]),
            (Method::POST, format!("{app}/keys"), &[("key", "one-more-key")], &["dev@dev.example: A key was added to Newsletter"]),
            (Method::DELETE, format!("{app}/keys/one-more-key"), &[], &["dev@dev.example: A key of Newsletter was deleted"]),
            (Method::DELETE, app, &[], &[]),
        ];
        run(t, &post, &steps).await;
    }

    async fn the_providers_people_are_told_what_they_may_know_and_want_to(t: &Test) {
        let post = Post::start().await;
        let (product, bronze, _) = product(t).await;
        for name in ["ann", "bob", "cat"] {
            let email = format!("{name}@acme.example");
            let form = [("username", name), ("email", &email), ("password", "correct horse")];
            let id = t.post("/admin/api/users.json", &form).await.expect(201).id("/user/id");
            t.put(&format!("/admin/api/users/{id}/activate.json"), &[]).await.expect(200);
            let sections: &[(&str, &str)] = match name {
                "ann" => &[("allowed_sections[]", "partners")],
                "bob" => &[("allowed_sections[]", "plans")],
                // One that does not exist: she reaches no product.
                _ => &[("allowed_sections[]", "partners"), ("allowed_service_ids[]", "")],
            };
            t.put(&format!("/admin/api/users/{id}/permissions.json"), sections).await.expect(200);
        }
        let account = sign_up(t, "dev").await;
        let told = post.arrivals(&t.app).await;
        assert_eq!(told, ["ann", "api", "cat"].map(|name| format!("{name}@acme.example: Dev & Co signed up")));

        let mut tx = t.app.db.begin().await.unwrap();
        let plan = contracts::find_application_plan(&mut tx, bronze).await.unwrap().unwrap();
        assert_eq!(plan.product_id, product);
        let new = NewApplication { account_id: account, name: "Newsletter", description: "-", origin: PORTAL, wanted: Wanted::default() };
        applications::create(&mut tx, &t.app.secrets, &plan, new).await.unwrap();
        tx.commit().await.unwrap();
        let told = post.arrivals(&t.app).await;
        assert_eq!(told, ["ann", "api"].map(|name| format!("{name}@acme.example: Dev & Co made the application Newsletter")));

        t.patch("/admin/api/personal/notification_preferences.json", &[("account_created", "false")]).await.expect(200);
        sign_up(t, "two").await;
        assert_eq!(post.arrivals(&t.app).await, ["ann", "cat"].map(|name| format!("{name}@acme.example: Dev & Co signed up")));
    }

    async fn trials_that_end_are_told_once(t: &Test) {
        let post = Post::start().await;
        let (product, bronze, _) = product(t).await;
        let account = sign_up(t, "dev").await;
        for (name, days, cost) in [("Month", "30", "9.5"), ("Week", "7", "9.5"), ("Free", "7", "0")] {
            let form = [("name", name), ("trial_period_days", days), ("cost_per_month", cost)];
            let plan = plan(t, product, &form).await;
            application(t, account, plan).await;
        }
        application(t, account, bronze).await;
        post.arrivals(&t.app).await;
        for (days, expected) in [(3, None), (1, Some("Week")), (15, None), (2, Some("Month")), (20, None)] {
            t.app.db.pass_time(days * DAY_MS);
            trial::notice(&t.app).await.unwrap();
            trial::notice(&t.app).await.unwrap();
            let Some(plan) = expected else {
                assert_eq!(post.arrivals(&t.app).await, [""; 0], "{days} days later");
                continue;
            };
            let mail = post.one(&t.app).await;
            assert!(mail.header("subject").starts_with("The trial of Newsletter ends on "), "{mail:?}");
            assert!(mail.text().contains(&format!("tries out the plan {plan} of Mail API")), "{}", mail.text());
            assert!(mail.text().contains("costs 9.5 a month"), "{}", mail.text());
        }
    }
}

/// Makes each call; what it mails arrives, and nothing else.
async fn run(t: &Test, post: &Post, steps: &[Step<'_>]) {
    for (method, path, form, told) in steps {
        let request = t.request(method.clone(), &format!("{path}.json"));
        let request = request.basic_auth("", Some(&t.token)).form(form);
        let reply = send(request).await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text);
        assert_eq!(post.arrivals(&t.app).await, *told, "{method} {path}");
    }
}
