//! Transactions of one call: durable at its end, in order with those of other calls.

use crate::support::{Test, both_databases};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tallygate::db::scope::{Hooks, Work, run};
use tallygate::db::{Db, Tx};
use tallygate::error::Error;
use tallygate::store::settings;
use tokio::sync::Notify;

/// Notes what happens, and refuses if it is to.
#[derive(Default)]
struct Noting {
    opened: AtomicUsize,
    closed: AtomicUsize,
    refuse_opening: bool,
    refuse_closing: bool,
}

impl Hooks for Noting {
    fn opened(&self) -> Work<'_, Result<(), Error>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            match self.refuse_opening {
                true => Err(Error::conflict("not now")),
                false => Ok(()),
            }
        })
    }

    fn closing<'a>(&'a self, tx: &'a mut Tx) -> Work<'a, Result<(), Error>> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            settings::set_text(tx, "closed", "yes").await?;
            match self.refuse_closing {
                true => Err(Error::conflict("not so")),
                false => Ok(()),
            }
        })
    }
}

async fn write(db: &Db, name: &str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    settings::set_text(&mut tx, name, "yes").await?;
    tx.commit().await
}

async fn is_written(db: &Db, name: &str) -> bool {
    let mut tx = db.read().await.unwrap();
    settings::text(&mut tx, name).await.unwrap().is_some()
}

both_databases! {
    async fn what_a_call_commits_is_durable_once_it_is_answered(t: &Test) {
        let (db, other) = (&t.app.db, t.database.connect().await);
        let hooks = Arc::new(Noting::default());
        let call = async {
            write(db, "a").await?;
            // From outside of the call.
            let seen = tokio::spawn({ let other = other.clone(); async move { is_written(&other, "a").await } }).await.unwrap();
            assert!(!seen);
            Ok::<_, Error>(7)
        };
        let answered = Mutex::new(None);
        let result = run(hooks.clone(), call, |result| *answered.lock().unwrap() = result.as_ref().ok().copied()).await.unwrap();
        assert_eq!((result.unwrap(), *answered.lock().unwrap()), (7, Some(7)));
        assert!(is_written(&other, "a").await && is_written(&other, "closed").await);
        assert_eq!((hooks.opened.load(Ordering::Relaxed), hooks.closed.load(Ordering::Relaxed)), (1, 1));
        other.close().await;
    }

    async fn whoever_reads_after_it_has_written_sees_what_it_wrote(t: &Test) {
        let db = &t.app.db;
        let hooks = Arc::new(Noting::default());
        let call = async {
            write(db, "a").await.unwrap();
            assert!(is_written(db, "a").await);
            write(db, "b").await.unwrap();
            write(db, "c").await.unwrap();
        };
        run(hooks.clone(), call, |()| {}).await.unwrap();
        assert!(is_written(db, "b").await && is_written(db, "c").await);
        assert_eq!((hooks.opened.load(Ordering::Relaxed), hooks.closed.load(Ordering::Relaxed)), (1, 3));
    }

    async fn refused_at_either_end_nothing_is_written(t: &Test) {
        let db = &t.app.db;
        let refusing = Arc::new(Noting { refuse_opening: true, ..Noting::default() });
        let result = run(refusing, write(db, "a"), |_| {}).await.unwrap();
        assert!(result.unwrap_err().is_duplicate());
        let refusing = Arc::new(Noting { refuse_closing: true, ..Noting::default() });
        let result = run(refusing, write(db, "a"), |_| {}).await;
        assert!(result.unwrap_err().is_duplicate());
        assert!(!is_written(db, "a").await && !is_written(db, "closed").await);
        // And nobody is kept waiting.
        run(Arc::new(Noting::default()), write(db, "a"), |_| {}).await.unwrap().unwrap();
        assert!(is_written(db, "a").await);
    }

    async fn calls_write_one_after_the_other(t: &Test) {
        let first_has_begun = Arc::new(Notify::new());
        let go_on = Arc::new(Notify::new());
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = tokio::spawn({
            let (db, begun, go_on, order) = (t.app.db.clone(), Arc::clone(&first_has_begun), Arc::clone(&go_on), Arc::clone(&order));
            let call = async move {
                let mut tx = db.begin().await.unwrap();
                begun.notify_one();
                go_on.notified().await;
                order.lock().unwrap().push("first");
                settings::set_text(&mut tx, "a", "first").await.unwrap();
                tx.commit().await.unwrap();
            };
            async move { run(Arc::new(Noting::default()), call, |()| {}).await.unwrap() }
        });
        first_has_begun.notified().await;
        let second = tokio::spawn({
            let (db, order) = (t.app.db.clone(), Arc::clone(&order));
            let call = async move {
                let mut tx = db.begin().await.unwrap();
                order.lock().unwrap().push("second");
                settings::set_text(&mut tx, "a", "second").await.unwrap();
                tx.commit().await.unwrap();
            };
            async move { run(Arc::new(Noting::default()), call, |()| {}).await.unwrap() }
        });
        // What is kept beside calls does not wait for them on PostgreSQL, and reads wait nowhere.
        assert!(!is_written(&t.app.db, "a").await);
        go_on.notify_one();
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(*order.lock().unwrap(), ["first", "second"]);
        let mut tx = t.app.db.read().await.unwrap();
        assert_eq!(settings::text(&mut tx, "a").await.unwrap().as_deref(), Some("second"));
    }
}
