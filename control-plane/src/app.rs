//! What every handler has at hand. Built once; clones share everything.

use crate::charges::{self, Charges};
use crate::config::Config;
use crate::db::Db;
use crate::gateway_api::Gateways;
use crate::ops::Metrics;
use crate::secrets::Secrets;
use crate::site::Site;
use std::sync::Arc;
use tokio::sync::watch;

/// The application's state.
#[derive(Clone, Debug)]
pub struct App {
    /// The database; also where long polls learn of new revisions ([`Db::revisions`]).
    pub db: Db,
    /// Settings.
    pub config: Arc<Config>,
    /// Sealing, digests, passwords.
    pub secrets: Secrets,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Where calls of other agents are decided and counted.
    pub charges: Charges,
    /// What calls of gateways share.
    pub gateways: Gateways,
    /// The portal's templates.
    pub site: Site,
    stopping: watch::Sender<bool>,
}

impl App {
    /// Puts it together.
    #[must_use]
    pub fn new(db: Db, config: Config, secrets: Secrets) -> Self {
        let metrics = Metrics::new();
        let of_charges = charges::Counters::default();
        metrics.register(|registry| of_charges.register(registry));
        db.seal_with(&secrets);
        Self {
            charges: Charges::new(db.clone(), of_charges),
            gateways: Gateways::new(db.clone(), &metrics),
            db,
            config: Arc::new(config),
            secrets,
            metrics: Arc::new(metrics),
            site: Site::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Begins the end: no longer ready, long polls answer at once.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether [`Self::stop`] was called.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits for [`Self::stop`]: whoever holds a request open must also wait for this.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`, so this ends only with the news.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}
