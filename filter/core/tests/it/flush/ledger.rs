//! A ledger as the random schedules know it: it takes each batch once, and says how far it has come.

use super::*;

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) sender: usize,
    pub(super) sent: Sent,
    pub(super) seq: u64,
    pub(super) rows: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) sender: usize,
    pub(super) sent: Sent,
    pub(super) epoch: i64,
    pub(super) ack: u64,
}

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) epoch: i64,
    /// All batches, by instance and epoch.
    pub(super) batches: BTreeMap<(Instance, i64), Vec<Vec<u8>>>,
    pub(super) counts: BTreeMap<Instance, Counts>,
}

impl Ledger {
    /// As the control plane takes a batch in: exactly once. Of an instance whose shared data were wiped, a worker may
    /// have brought back what was there before: it gets no answer then.
    pub(super) fn take(&mut self, message: &Message, current: bool) -> Option<Reply> {
        let instance = message.sent.instance;
        let known = self.batches.entry((instance, self.epoch)).or_default();
        if message.sent.epoch == self.epoch && message.seq > 0 {
            match known.get(message.seq as usize - 1) {
                Some(before) if *before == message.rows => {}
                Some(_) => {
                    assert!(!current, "a batch was changed");
                    return None;
                }
                None => {
                    assert_eq!(known.len() as u64 + 1, message.seq, "a batch is missing");
                    known.push(message.rows.clone());
                    let rows: Vec<UsageRowV1> = decode(&message.rows).expect("rows");
                    let sums = self.counts.entry(instance).or_default();
                    for (key, sum) in counts(&rows) {
                        *sums.entry(key).or_default() += sum;
                    }
                }
            }
        }
        Some(Reply {
            sender: message.sender,
            sent: message.sent,
            epoch: self.epoch,
            ack: known.len() as u64,
        })
    }
}
