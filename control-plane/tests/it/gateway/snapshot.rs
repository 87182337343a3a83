//! What gateways are told, and how soon.

use super::world::{
    Gateway, Product, after, application, applications, counter, execute, gateway, ident, limit,
    metric, number, product, remove_gateway, sql,
};
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tallygate::db::{Db, Tx};
use tallygate::publish::Frozen;
use tallygate::secrets::Secret;
use tallygate_core::id::{MetricId, PlanId};
use tallygate_core::key;
use tallygate_core::period::Period;
use tallygate_core::wire::{
    self, ConfigV1, CredentialKindV1, CredentialsV1, Cursor, ErrorsV1, LimitV1, PublicUrlV1,
    SnapshotV1, SourceV1,
};

both_databases! {
    async fn everything_a_gateway_decides_by(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let mut tx = db.begin().await.unwrap();
        limit(&mut tx, shop.plan, shop.hits, "minute", 600).await;
        limit(&mut tx, shop.plan, shop.method, "eternity", 0).await;
        let revision = tx.next_revision().await.unwrap();
        sql!(&mut tx, "update product set revision = $1 where id = $2", revision, shop.id);
        let gone = metric(&mut tx, shop.id, None, "gone").await;
        sql!(&mut tx, "update metric set deleted_at = 1 where id = $1", gone);
        let app = application(&mut tx, shop, "abc", "secret").await;
        crate::gateway::world::add_key(&mut tx, app, "second").await;
        tx.commit().await.unwrap();
        deploy(test, shop, 1, "production", config("shop.example.com")).await;

        let page = edge.page(test, "after=0").await.unwrap();
        assert!(page.complete);
        assert_eq!(page.epoch, crate::gateway::world::epoch(db).await);
        assert!(page.now_ms.abs_diff(db.now_ms().await.unwrap().unsigned_abs()) < 60_000);
        let head = db.revision().await.unwrap();
        assert_eq!(page.next, Cursor { products: head, applications: head, application: i64::MAX });
        assert_eq!(page.applications_total, 1);
        let [told] = page.products.as_slice() else { panic!("{:?}", page.products) };
        assert_eq!((told.id.0, told.system_name.as_str()), (shop.id, "shop"));
        let metrics: Vec<_> = told.metrics.iter().map(|m| (m.id.0, m.parent.map(|id| id.0), m.system_name.as_str())).collect();
        assert_eq!(metrics, [(shop.hits, None, "hits"), (shop.method, Some(shop.hits), "send")]);
        assert_eq!(told.plans.len(), 1);
        assert_eq!(told.plans[0].id, PlanId(shop.plan));
        assert_eq!(told.plans[0].limits, [
            LimitV1 { metric: MetricId(shop.hits), period: Period::Minute, value: 600 },
            LimitV1 { metric: MetricId(shop.method), period: Period::Eternity, value: 0 },
        ]);
        let expected = ConfigV1 {
            version: 1,
            secret_token: "shared secret".into(),
            debug_secret: Some(key::digest(b"debug me")),
            ..config("shop.example.com")
        };
        assert_eq!(told.config.as_ref(), Some(&expected));
        let [told] = page.applications.as_slice() else { panic!("{:?}", page.applications) };
        assert_eq!((told.id.0, told.product.0, told.plan.0, told.live), (app, shop.id, shop.plan, true));
        assert_eq!(told.ident.to_vec(), ident(shop.id, "abc"));
        assert_eq!(told.keys, [key::digest(b"secret"), key::digest(b"second")]);

        // For people the same, as JSON.
        let reply = edge.json::<()>(test, Method::GET, "/gateway/v1/snapshot?after=0", None).await.expect(200);
        let read: wire::Snapshot = serde_json::from_str(&reply.text).unwrap();
        let read = read.into_page();
        assert_eq!(SnapshotV1 { now_ms: page.now_ms, ..read }, page);
        assert_eq!(counter(test, "snapshot_pages").await, 2);
    }

    async fn each_environment_follows_its_own_version(test: &Test) {
        let db = &test.app.db;
        let (staging, production) = (gateway(db, "staging").await, gateway(db, "production").await);
        let shop = product(db, "shop").await;
        let version = async |edge: &Gateway| {
            let page = edge.page(test, "after=0").await.unwrap();
            page.products[0].config.as_ref().map(|config| (config.version, config.public_urls[0].host.clone()))
        };
        assert_eq!((version(&staging).await, version(&production).await), (None, None));
        deploy(test, shop, 1, "sandbox", config("one.example.com")).await;
        assert_eq!(version(&production).await, None);
        assert_eq!(version(&staging).await, Some((1, "staging.one.example.com".into())));
        deploy(test, shop, 2, "sandbox", config("two.example.com")).await;
        promote(db, shop, 1, "production").await;
        assert_eq!(version(&staging).await, Some((2, "staging.two.example.com".into())));
        assert_eq!(version(&production).await, Some((1, "one.example.com".into())));
        promote(db, shop, 2, "production").await;
        assert_eq!(version(&production).await.unwrap().0, 2);
        promote(db, shop, 1, "production").await;
        assert_eq!(version(&production).await.unwrap().0, 1, "going back is one more promotion");
    }

    async fn an_unreadable_configuration_stays_home_and_harms_no_other_product(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let contents = ["", "{", "{}", "{\"tallygate\": 7}", "{\"tallygate\": {\"production\": {}}}"];
        let mut broken = Vec::new();
        for (n, content) in contents.iter().enumerate() {
            let product = product(db, &format!("broken-{n}")).await;
            store_version(db, product, 1, content, "production").await;
            broken.push(product);
        }
        let shop = product(db, "shop").await;
        deploy(test, shop, 1, "production", config("shop.example.com")).await;
        let page = edge.page(test, "after=0").await.unwrap();
        let told: Vec<_> = page.products.iter().map(|product| (product.id.0, product.config.is_some(), product.metrics.len())).collect();
        // Without its configuration a product is taken for gone: gateways keep what they have of it.
        assert_eq!(told, [(shop.id, true, 2)]);
        assert!(page.complete);
    }

    async fn what_stops_an_application(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 6).await;
        let mut cursor = after(&edge.page(test, "after=0").await.unwrap());
        let mut changed = async |statement: &'static str, id: i64| {
            execute(db, statement, id).await;
            restamp(db, apps.iter().copied()).await;
            let page = edge.page(test, &cursor).await.unwrap();
            cursor = after(&page);
            let told: Vec<_> = page.applications.iter().map(|app| (app.live, app.keys.len())).collect();
            assert_eq!(told.len(), 6);
            told
        };
        let live = (true, 1);
        let told = changed("update application set state = 'suspended' where id = $1", apps[0]).await;
        assert_eq!(told, [(false, 0), live, live, live, live, live]);
        let told = changed("update application set state = 'pending' where id = $1", apps[1]).await;
        assert_eq!(told[1], (false, 0));
        let told = changed("update application set deleted_at = 1 where id = $1", apps[2]).await;
        assert_eq!(told[2], (false, 0));
        let told = changed("delete from application_key where application_id = $1", apps[3]).await;
        assert_eq!(told[3], (true, 0));
        let told = changed("update application set app_id = null where id = $1", apps[4]).await;
        assert_eq!(told[4], (true, 0), "a user_key is its ident, and needs no key beside");
        let told = changed("update account set state = 'pending' where id = $1", shop.account).await;
        assert!(told.iter().all(|(live, _)| !live));
        let told = changed("update account set state = 'approved' where id = $1", shop.account).await;
        assert_eq!(told[5], live);
        let told = changed("update account set deleted_at = 1 where id = $1", shop.account).await;
        assert!(told.iter().all(|(live, _)| !live));
    }

    async fn a_deleted_product_is_told_once(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        deploy(test, shop, 1, "production", config("shop.example.com")).await;
        let cursor = after(&edge.page(test, "after=0").await.unwrap());
        let mut tx = db.begin().await.unwrap();
        let revision = tx.next_revision().await.unwrap();
        sql!(&mut tx, "update product set deleted_at = 1, revision = $1 where id = $2", revision, shop.id);
        tx.commit().await.unwrap();
        let page = edge.page(test, &cursor).await.unwrap();
        assert_eq!((page.products[0].config.clone(), page.products[0].metrics.len(), page.products[0].plans.len()), (None, 0, 0));
        assert_eq!(edge.page(test, &after(&page)).await.unwrap().products.len(), 0);
    }

    async fn a_load_comes_in_pages_that_envoy_takes(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        applications(db, shop, 7000).await;
        let mut query = "after=0".to_owned();
        let (mut pages, mut seen) = (0, Vec::new());
        loop {
            let page = edge.page(test, &query).await.unwrap();
            let bytes = wire::encode(&wire::Snapshot::V3(page.clone())).len();
            assert!(bytes <= wire::PAGE_BYTES, "{bytes}");
            assert_eq!(page.applications_total, 7000);
            assert_eq!(page.products.is_empty(), pages > 0);
            seen.extend(page.applications.iter().map(|app| app.id.0));
            query = after(&page);
            pages += 1;
            if page.complete {
                break;
            }
            assert!(bytes > wire::PAGE_BYTES * 9 / 10, "{bytes}: pages are filled");
        }
        assert_eq!(pages, 2);
        seen.dedup();
        assert_eq!(seen.len(), 7000);
        // JSON takes more room: more pages, none larger.
        let mut path = "/gateway/v1/snapshot?after=0".to_owned();
        let mut seen = 0;
        loop {
            let reply = edge.json::<()>(test, Method::GET, &path, None).await.expect(200);
            assert!(reply.text.len() <= wire::PAGE_BYTES);
            let page: wire::Snapshot = serde_json::from_str(&reply.text).unwrap();
            let page = page.into_page();
            seen += page.applications.len();
            path = format!("/gateway/v1/snapshot?{}", after(&page));
            if page.complete {
                break;
            }
        }
        assert_eq!(seen, 7000);
    }

    async fn a_product_larger_than_a_page_goes_alone(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let small = product(db, "small").await;
        let large = product(db, "large").await;
        let mut big = config("large.example.com");
        big.public_urls = (0..20_000).map(|n| PublicUrlV1 { host: format!("host-{n}.example.com"), base_path: "/".into() }).collect();
        deploy(test, large, 1, "production", big).await;
        applications(db, large, 3).await;
        let mut query = "after=0".to_owned();
        let mut told = Vec::new();
        loop {
            let page = edge.page(test, &query).await.unwrap();
            query = after(&page);
            told.push((page.products.iter().map(|product| product.id.0).collect::<Vec<_>>(), page.applications.len()));
            if page.complete {
                break;
            }
        }
        assert_eq!(told, [(vec![small.id], 0), (vec![large.id], 0), (vec![], 3)]);
    }

    async fn a_long_poll_ends_with_the_first_news(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let other_replica = test.database.connect().await;
        tokio::spawn(db.clone().follow());
        let mut cursor = after(&edge.page(test, "after=0").await.unwrap());
        for (replica, most) in [(db, 150), (&other_replica, 600)] {
            for _ in 0..3 {
                let query = format!("{cursor}&wait=20");
                let poll = edge.page(test, &query);
                let revoke = async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    execute(replica, "delete from application_key where application_id = $1", app).await;
                    restamp(replica, [app]).await;
                    Instant::now()
                };
                let (page, committed) = tokio::join!(async { (poll.await.unwrap(), Instant::now()) }, revoke);
                let (page, answered) = page;
                let took = answered.saturating_duration_since(committed);
                assert!(took < Duration::from_millis(most), "{took:?}");
                assert_eq!(page.applications.len(), 1);
                assert_eq!(page.applications[0].keys.len(), 0);
                cursor = after(&page);
            }
        }
    }

    async fn a_long_poll_without_news_ends_in_time(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        // Who knows nothing is told at once that there is nothing.
        let began = Instant::now();
        let page = edge.page(test, "wait=20").await.unwrap();
        assert!(page.complete && began.elapsed() < Duration::from_secs(5));
        let cursor = after(&page);
        let began = Instant::now();
        let again = edge.page(test, &format!("{cursor}&wait=1")).await.unwrap();
        assert!(began.elapsed() >= Duration::from_secs(1));
        assert_eq!((again.complete, again.next, again.products.len(), again.applications.len()), (true, page.next, 0, 0));
        // A revision that is none of a gateway's business does not end it, but moves the cursor.
        let query = format!("{cursor}&wait=1");
        let (page, ()) = tokio::join!(edge.page(test, &query), async {
            let mut tx = db.begin().await.unwrap();
            tx.next_revision().await.unwrap();
            tx.commit().await.unwrap();
        });
        assert_eq!(page.unwrap().next.products, db.revision().await.unwrap());
        // Nor does it outlive the process that is asked to stop.
        let began = Instant::now();
        let query = format!("after={}&wait=30", db.revision().await.unwrap());
        let (page, ()) = tokio::join!(edge.page(test, &query), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            test.app.stop();
        });
        assert!(page.unwrap().complete && began.elapsed() < Duration::from_secs(10));
    }

    async fn a_removed_gateway_hears_nothing_more(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let cursor = after(&edge.page(test, "after=0").await.unwrap());
        let query = format!("{cursor}&wait=20");
        let (page, ()) = tokio::join!(edge.page(test, &query), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            remove_gateway(db, edge.id).await;
            applications(db, shop, 1).await;
        });
        assert_eq!(page.unwrap_err().0, 401);
        assert_eq!(edge.page(test, "after=0").await.unwrap_err().0, 401);
    }

    async fn a_cursor_from_the_future_reads_all_again(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        product(db, "shop").await;
        let page = edge.page(test, "after=1000000&wait=20").await.unwrap();
        assert_eq!((page.complete, page.products.len(), page.next.products), (true, 1, db.revision().await.unwrap()));
    }

    async fn what_cannot_be_a_question_is_refused(test: &Test) {
        let edge = gateway(&test.app.db, "production").await;
        for (query, field) in [("after=x", "after"), ("after=1.2", "after"), ("after=-1", "after"), ("after=99999999999999999999", "after"),
            ("after=%00", "after"), ("wait=x", "wait"), ("wait=-1", "wait"), ("wait=", "wait"), ("wait=1.5", "wait")] {
            let reply = edge.json::<()>(test, Method::GET, &format!("/gateway/v1/snapshot?{query}"), None).await.expect(422);
            assert_eq!(reply.at("/errors/0/field"), json!(field), "{query}");
        }
    }
}

fn config(host: &str) -> ConfigV1 {
    ConfigV1 {
        version: 0,
        public_urls: vec![PublicUrlV1 {
            host: host.into(),
            base_path: "/".into(),
        }],
        rules: Vec::new(),
        credentials: CredentialsV1 {
            kind: CredentialKindV1::AppIdAndKey,
            sources: vec![SourceV1::Query, SourceV1::Basic],
            user_key: "user_key".into(),
            app_id: "api_user".into(),
            app_key: "api_key".into(),
            jwt_claim: vec!["jwt_payload".into(), "azp".into()],
            strip: false,
        },
        errors: ErrorsV1::Problem,
        upstream: None,
        secret_token: String::new(),
        debug_secret: None,
        rate_limit_headers: true,
        form_in_rules: false,
        on_disconnect: wire::OnDisconnectV1::Allow,
        backends: Vec::new(),
    }
}

async fn deploy(
    test: &Test,
    product: Product,
    version: i64,
    environment: &str,
    production: ConfigV1,
) {
    let mut staging = production.clone();
    for url in &mut staging.public_urls {
        url.host = format!("staging.{}", url.host);
    }
    let frozen = Frozen::new(
        staging,
        production,
        Some(&Secret::new("shared secret")),
        Some(&Secret::new("debug me")),
        &test.app.secrets,
    )
    .unwrap();
    let content = json!({ Frozen::KEY: frozen }).to_string();
    assert!(!content.contains("shared secret") && !content.contains("debug me"));
    store_version(&test.app.db, product, version, &content, environment).await;
}

async fn store_version(db: &Db, product: Product, version: i64, content: &str, environment: &str) {
    let mut tx = db.begin().await.unwrap();
    sql!(
        &mut tx,
        "insert into proxy_version (product_id, version, content, created_at) values ($1, $2, $3, 0)",
        product.id,
        version,
        content
    );
    tx.commit().await.unwrap();
    promote(db, product, version, environment).await;
}

async fn promote(db: &Db, product: Product, version: i64, environment: &str) {
    let mut tx = db.begin().await.unwrap();
    number!(
        &mut tx,
        "insert into proxy_config (product_id, environment, version, created_at) values ($1, $2, $3, 0) returning id",
        product.id,
        environment,
        version
    );
    let revision = tx.next_revision().await.unwrap();
    sql!(
        &mut tx,
        "update product set revision = $1 where id = $2",
        revision,
        product.id
    );
    tx.commit().await.unwrap();
}

async fn restamp(db: &Db, applications: impl IntoIterator<Item = i64>) {
    let mut tx = db.begin().await.unwrap();
    let revision = tx.next_revision().await.unwrap();
    for id in applications {
        sql!(
            &mut tx,
            "update application set revision = $1 where id = $2",
            revision,
            id
        );
    }
    tx.commit().await.unwrap();
}

both_databases! {
    async fn gateways_know_when_keys_end(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let mut tx = db.begin().await.unwrap();
        let app = application(&mut tx, shop, "abc", "stays").await;
        let now_secs = tx.now_ms().await.unwrap() / 1_000;
        for (key, end_ms) in [("ends", (now_secs + 3_600) * 1_000 - 1), ("over", (now_secs - 1) * 1_000)] {
            crate::gateway::world::add_key(&mut tx, app, key).await;
            let digest = key::digest(key.as_bytes()).to_vec();
            sql!(&mut tx, "update application_key set expires_at = $1 where digest = $2", end_ms, digest);
        }
        tx.commit().await.unwrap();

        let [told] = edge.page(test, "after=0").await.unwrap().applications.try_into().unwrap();
        let digest = |key: &str| key::digest(key.as_bytes());
        assert_eq!(told.keys, [digest("stays")]);
        let ends: Vec<_> = told.ending.iter().map(|key| (key.key, key.end_secs.cast_signed())).collect();
        assert_eq!(ends, [(digest("ends"), now_secs + 3_600), (digest("over"), now_secs - 1)]);

        // Older gateways have no words for it: they have the key until the sweep.
        for page in [edge.page_of_version_1(test, "after=0").await, edge.page_of_version_2(test, "after=0").await] {
            let [told] = page.unwrap().applications.try_into().unwrap();
            assert_eq!(told.keys, [digest("stays"), digest("ends")]);
        }
        assert_eq!(tallygate::applications::sweep_keys(db).await.unwrap(), 1);
        let [told] = edge.page(test, "after=0").await.unwrap().applications.try_into().unwrap();
        assert_eq!(told.ending.len(), 1);
    }
}
