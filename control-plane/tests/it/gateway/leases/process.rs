//! A gateway process: it asks, spends, reports, and applies what it is told.

use super::stage::{Stage, asked, credits, now_secs, recalls};
use crate::gateway::world::{delivery, usage};
use crate::support::Test;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::wire::{
    AskAnswerV1, CellTotalsV1, CreditV1, LeaseTotalsV1, LeasesV1, OutcomeV1, SyncAnswerV1, SyncV1,
    UsageRowV1,
};

/// A gateway process with the totals that it knows of one cell.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) stage: Stage,
    pub(super) name: u8,
    pub(super) seq: u64,
    pub(super) period: Period,
    pub(super) granted: u64,
    pub(super) spent: u64,
    pub(super) returned: u64,
    /// What of `spent` was reported as usage.
    pub(super) reported: u64,
}

impl Process {
    pub(super) async fn window(&self, test: &Test) -> u64 {
        self.period.window(now_secs(&test.app.db).await).start
    }

    /// Asks for what a request needs, and applies what is granted.
    pub(super) async fn ask(&mut self, test: &Test, need: u64) -> AskAnswerV1 {
        let window = self.window(test).await;
        let mut ask = self.stage.ask(self.name, &[(self.period, window, need)]);
        ask.cells[0].totals = LeaseTotalsV1 {
            granted: self.granted,
            spent: self.spent,
            returned: self.returned,
            ..ask.cells[0].totals
        };
        let answer = self.stage.edge.ask(test, ask).await.unwrap();
        for told in &answer.cells {
            self.apply(&told.totals);
        }
        answer
    }

    /// Asks, and must be granted it.
    pub(super) async fn get(&mut self, test: &Test, need: u64) {
        let answer = self.ask(test, need).await;
        assert_eq!(answer.outcome, OutcomeV1::Granted, "{answer:?}");
        assert!(self.left() >= need);
    }

    /// Asks, and must be refused it.
    pub(super) async fn refused(&mut self, test: &Test, need: u64) -> CreditV1 {
        let answer = self.ask(test, need).await;
        assert_eq!(answer.outcome, OutcomeV1::Short, "{answer:?}");
        answer.cells[0]
    }

    pub(super) fn left(&self) -> u64 {
        self.granted - self.spent - self.returned
    }

    pub(super) fn spend(&mut self, delta: u64) {
        assert!(self.left() >= delta, "{self:?}");
        self.spent += delta;
    }

    pub(super) fn apply(&mut self, told: &LeaseTotalsV1) {
        self.granted = self.granted.max(told.granted);
        self.spent = self.spent.max(told.spent);
        self.returned = self.returned.max(told.returned);
    }

    /// The totals, as a row carries them.
    pub(super) async fn totals(&self, test: &Test) -> CellTotalsV1 {
        CellTotalsV1 {
            metric: MetricId(self.stage.shop.hits),
            period: self.period,
            window: self.window(test).await,
            spent: self.spent,
            returned: self.returned,
        }
    }

    /// A batch with usage of `hits` and the totals.
    pub(super) async fn batch(&mut self, test: &Test, used: u64) -> SyncV1 {
        self.seq += 1;
        let minute = u32::try_from(now_secs(&test.app.db).await / 60).unwrap();
        let mut row = usage(self.stage.app, &[(self.stage.shop.hits, minute, used)]);
        row.cells = vec![self.totals(test).await];
        self.delivery(&[row])
    }

    pub(super) fn delivery(&self, rows: &[UsageRowV1]) -> SyncV1 {
        let seq = if rows.is_empty() { 0 } else { self.seq };
        delivery(self.name, self.stage.epoch, seq, rows)
    }

    /// Spends, reports it, and applies what comes back.
    pub(super) async fn report(&mut self, test: &Test, used: u64) -> SyncAnswerV1 {
        self.spend(used);
        let batch = self.batch(test, used).await;
        self.send(test, batch).await
    }

    pub(super) async fn send(&mut self, test: &Test, sync: SyncV1) -> SyncAnswerV1 {
        let answer = self.stage.edge.sync(test, sync).await.unwrap();
        assert_eq!(answer.rejected, vec![]);
        let window = self.window(test).await;
        for told in credits(&answer).values() {
            if (told.totals.period, told.totals.window) == (self.period, window) {
                self.apply(&told.totals);
            }
        }
        for recall in recalls(&answer).values() {
            if (recall.period, recall.window) == (self.period, window) {
                self.apply(recall);
                self.returned += self.left();
            }
        }
        answer
    }

    /// A sync without a batch.
    pub(super) async fn hello(&mut self, test: &Test) -> SyncAnswerV1 {
        let sync = self.delivery(&[]);
        self.send(test, sync).await
    }

    /// What is declared after a restore.
    pub(super) async fn declared(&self, test: &Test) -> Vec<LeasesV1> {
        let mut totals = asked(
            self.stage.shop.hits,
            self.period,
            self.window(test).await,
            0,
        )
        .totals;
        totals.granted = self.granted;
        totals.spent = self.spent;
        totals.returned = self.returned;
        vec![LeasesV1 {
            application: ApplicationId(self.stage.app),
            cells: vec![totals],
        }]
    }
}
