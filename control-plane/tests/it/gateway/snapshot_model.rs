//! Readers that page as they like, while administrators edit, all end with the same state.

use super::world::{Product, account, add_key, application, ident, product, sql};
use crate::support::{Test, both_databases};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use tallygate::db::Tx;
use tallygate::gateway_api::Form;
use tallygate::publish::{self, ApplicationCount, Environment};
use tallygate_core::wire::{ApplicationV1, Cursor, Digest, ProductV1};

/// A gateway that keeps what it reads, as the filter does.
#[derive(Default)]
struct Reader {
    cursor: Cursor,
    products: BTreeMap<i64, ProductV1>,
    applications: BTreeMap<Digest, ApplicationV1>,
}

impl Reader {
    /// Reads one page of a random size; true when that was all.
    async fn read(&mut self, test: &Test, random: &mut StdRng) -> bool {
        let bytes = match random.random_range(0..4) {
            0 => 0,
            1 => random.random_range(0..1000),
            2 => random.random_range(0..5000),
            _ => 256 * 1024,
        };
        let form = if random.random_bool(0.8) {
            Form::Compact
        } else {
            Form::Json
        };
        let count = ApplicationCount::default();
        let app = &test.app;
        let page = publish::page(
            &app.db,
            &app.secrets,
            &count,
            Environment::Production,
            self.cursor,
            form,
            bytes,
        )
        .await
        .unwrap();
        assert!(
            page.complete || page.next != self.cursor,
            "a page that is not the last brings the reader on"
        );
        assert!(page.complete || !page.products.is_empty() || !page.applications.is_empty());
        for product in page.products {
            self.products.insert(product.id.0, product);
        }
        for application in page.applications {
            assert!(
                self.products.contains_key(&application.product.0),
                "never before its product"
            );
            let newer = self
                .applications
                .get(&application.ident)
                .is_some_and(|known| known.revision > application.revision);
            if !newer {
                self.applications.insert(application.ident, application);
            }
        }
        self.cursor = page.next;
        page.complete
    }

    async fn read_all(&mut self, test: &Test, random: &mut StdRng) {
        while !self.read(test, random).await {}
    }

    /// Whom it would let in.
    fn live(&self) -> BTreeMap<Digest, ApplicationV1> {
        self.applications
            .iter()
            .filter(|(_, app)| app.live)
            .map(|(ident, app)| (*ident, app.clone()))
            .collect()
    }
}

both_databases! {
    async fn every_reader_ends_with_the_same_state(test: &Test) {
        for seed in 0..3 {
            run(test, seed).await;
        }
    }
}

async fn run(test: &Test, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut admin = Administrator {
        test,
        products: Vec::new(),
        applications: Vec::new(),
        seed,
    };
    admin.product().await;
    let mut readers = vec![Reader::default(), Reader::default()];
    for step in 0..150 {
        admin.edit(&mut random).await;
        if step % 50 == 25 {
            readers.push(Reader::default());
        }
        for reader in &mut readers {
            if random.random_bool(0.4) {
                reader.read(test, &mut random).await;
            }
        }
    }
    let mut fresh = Reader::default();
    fresh.read_all(test, &mut random).await;
    assert!(!fresh.live().is_empty(), "seed {seed}");
    for (n, reader) in readers.iter_mut().enumerate() {
        reader.read_all(test, &mut random).await;
        assert_eq!(reader.live(), fresh.live(), "seed {seed}, reader {n}");
        assert_eq!(reader.products, fresh.products, "seed {seed}, reader {n}");
    }
    // And it is what the tables say.
    let expected = admin.live().await;
    let told: BTreeMap<Vec<u8>, (i64, usize)> = fresh
        .live()
        .into_iter()
        .map(|(ident, app)| (ident.to_vec(), (app.id.0, app.keys.len())))
        .collect();
    let told: BTreeMap<_, _> = told
        .into_iter()
        .filter(|(_, (id, _))| admin.applications.iter().any(|(known, _)| known == id))
        .collect();
    assert_eq!(told, expected, "seed {seed}");
}

struct Administrator<'a> {
    test: &'a Test,
    products: Vec<Product>,
    applications: Vec<(i64, Product)>,
    seed: u64,
}

impl Administrator<'_> {
    async fn product(&mut self) {
        let name = format!("product-{}-{}", self.seed, self.products.len());
        let product = product(&self.test.app.db, &name).await;
        self.products.push(product);
    }

    /// Identifiers are few, so that they are given up and taken again.
    async fn edit(&mut self, random: &mut StdRng) {
        let db = &self.test.app.db;
        let app_id = format!("id-{}", random.random_range(0..12));
        match random.random_range(0..11) {
            0 if self.products.len() < 6 => self.product().await,
            0..=3 => {
                let mut product = self.products[random.random_range(0..self.products.len())];
                let mut tx = db.begin().await.unwrap();
                product.account = account(&mut tx).await;
                if taken(&mut tx, product, &app_id).await == 0 {
                    let id = application(&mut tx, product, &app_id, "first").await;
                    self.applications.push((id, product));
                }
                tx.commit().await.unwrap();
            }
            kind => {
                let Some((id, product)) = self.pick(random) else {
                    return;
                };
                let mut tx = db.begin().await.unwrap();
                let revision = tx.next_revision().await.unwrap();
                match kind {
                    4 => {
                        let key = format!("key-{}", random.random_range(0..1_000_000));
                        add_key(&mut tx, id, &key).await;
                    }
                    5 => drop(sql!(
                        &mut tx,
                        "delete from application_key where application_id = $1",
                        id
                    )),
                    6 => drop(sql!(
                        &mut tx,
                        "update application set state = case state when 'live' then 'suspended' else 'live' end where id = $1",
                        id
                    )),
                    7 => drop(sql!(
                        &mut tx,
                        "update application set deleted_at = 1 where id = $1",
                        id
                    )),
                    8 => {
                        // Its metrics or plans changed.
                        sql!(
                            &mut tx,
                            "update product set revision = $1 where id = $2",
                            revision,
                            product.id
                        );
                    }
                    9 => {
                        // An account with all of them was suspended or approved: one revision.
                        let state = if random.random_bool(0.5) {
                            "live"
                        } else {
                            "suspended"
                        };
                        for product in &self.products {
                            sql!(
                                &mut tx,
                                "update application set revision = $1, state = $2 where product_id = $3",
                                revision,
                                state,
                                product.id
                            );
                        }
                    }
                    _ if taken(&mut tx, product, &app_id).await == 0
                        && alive(&mut tx, id).await == 1 =>
                    {
                        sql!(
                            &mut tx,
                            "insert into retired_ident (application_id, ident, revision) select id, ident, $1 from application where id = $2",
                            revision,
                            id
                        );
                        sql!(
                            &mut tx,
                            "update application set app_id = $1, ident = $2 where id = $3",
                            app_id.as_str(),
                            ident(product.id, &app_id),
                            id
                        );
                    }
                    _ => {}
                }
                sql!(
                    &mut tx,
                    "update application set revision = $1 where id = $2",
                    revision,
                    id
                );
                tx.commit().await.unwrap();
            }
        }
    }

    fn pick(&self, random: &mut StdRng) -> Option<(i64, Product)> {
        (!self.applications.is_empty())
            .then(|| self.applications[random.random_range(0..self.applications.len())])
    }

    async fn live(&self) -> BTreeMap<Vec<u8>, (i64, usize)> {
        let rows: Vec<(Vec<u8>, i64, i64)> = tallygate::on!(self.test.app.db, |c| sqlx::query_as(
            "select ident, id, (select count(*) from application_key where application_id = application.id)
             from application where state = 'live' and deleted_at is null"
        )
        .fetch_all(c))
        .unwrap();
        rows.into_iter()
            .filter(|(_, id, _)| self.applications.iter().any(|(known, _)| known == id))
            .map(|(ident, id, keys)| (ident, (id, usize::try_from(keys).unwrap())))
            .collect()
    }
}

async fn taken(tx: &mut Tx, product: Product, app_id: &str) -> i64 {
    crate::gateway::world::number!(
        tx,
        "select count(*) from application where ident = $1 and deleted_at is null",
        ident(product.id, app_id)
    )
}

async fn alive(tx: &mut Tx, id: i64) -> i64 {
    crate::gateway::world::number!(
        tx,
        "select count(*) from application where id = $1 and deleted_at is null",
        id
    )
}
