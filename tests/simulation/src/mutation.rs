//! Ways of getting the protocol wrong, none of which touches the code under test: what it reads and writes is
//! changed on the way, and so are the control plane's transactions and its answers.
//!
//! Each must be caught by the checks within so many seeds; else the checks are no good.

macro_rules! mutations {
    ($($(#[doc = $why:literal])* $name:ident)*) => {
        /// One way of getting it wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($(#[doc = $why])* $name,)*
        }

        impl Mutation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

mutations! {
    /// A record is emptied when it is read for a batch, not when the batch is sealed.
    DrainFirst
    /// A record forgets which batch it was debited by.
    NoLastSeq
    /// Nobody looks for records that are dirty and in no queue.
    NoSweep
    /// What an asker says it has spent is settled in the ask, without its usage.
    SpentInAsk
    /// What a silent gateway holds is taken for returned.
    ReleaseOnExpiry
    /// A cell is read, and written, without its lock.
    RacyGrant
    /// The outbox is read after the records that are sealed into it.
    OutboxReadLate
    /// A record of another instance counts as one's own.
    NoInstanceTag
    /// An answer's credit is added to what is there.
    AddGrants
    /// All of a queue is dropped, what came meanwhile too.
    DropWholeQueue
    /// A batch's number is looked at without locking it.
    SeqUnlocked
    /// A recall does not say what it recalls.
    RecallWithoutTotal
    /// A record is clean once debited, though it has returned credit since it was read.
    ClearUnseen
    /// Nobody looks whether shared data still belong to the instance.
    NoWipeCheck
    /// A refusal goes on binding after the limit was raised.
    StaleMarkBinds
    /// A batch leaves the outbox when it is sent.
    DropWhenSent
    /// A new instance applies what its predecessor was granted.
    AnswerOfAnotherInstance
    /// Credit is spent however long nobody has heard of the control plane.
    ExpiredCreditSpent
    /// An answer leaves before its transaction is durable.
    AnswersBeforeCommit
    /// A cell is made from its series while usage is being added to them.
    CellWithoutSumLock
    /// Nothing is ever recalled.
    NeverRecalls
    /// Any window is granted, however far ahead or long over.
    GrantsAnyWindow
    /// Grants do not wait for gateways to tell what they hold, after a backup was restored.
    NoWaitAfterRestore
    /// What a gateway tells of its leases after a restore is not listened to.
    NoDeclaration
    /// What was returned is not reported.
    ReturnsUntold
    /// A record is forgotten before the ledger has all of it.
    ForgetsTooSoon
    /// A batch is sealed over whatever stands in the outbox by now.
    SealsUnconditionally
    /// A request is admitted over whatever stands in its record by now.
    AdmitsUnconditionally
    /// An answer is applied over whatever stands in the record by now.
    AppliesUnconditionally
    /// A window is granted ahead without locking its cell.
    PrefetchUnlocked
    /// A cell never takes from its series what it missed while its limit was gone.
    NeverCatchesUp
    /// After a restore a gateway is not told which of its waiting batches the backup has.
    EpochsAreStrangers
}
