//! The control plane's account of cells: what is granted, settled and taken back.

mod ask;
mod model;
mod renew;
mod settle;

use tallygate_core::book::{Asked, Cell, Holder, Lease, Reservation, ask};
use tallygate_core::id::MetricId;
use tallygate_core::period::Period;
use tallygate_core::wire::{AskedCellV1, Instance, LeaseTotalsV1, OutcomeV1};

const NOW_MS: u64 = 1_795_514_400_000;
const ME: Instance = [1; 16];
const OTHER: Instance = [2; 16];

fn holder(instance: Instance, live: u64, now_ms: u64) -> Holder {
    Holder {
        instance,
        live,
        now_ms,
    }
}

/// A cell with a limit, of which so much is used and held.
fn cell(limit: u64, used: u64, leased: u64) -> Cell {
    Cell {
        limit: Some(limit),
        used,
        leased,
        ..Cell::default()
    }
}

fn lease([granted, spent, returned]: [u64; 3]) -> Lease {
    Lease {
        granted,
        spent,
        returned,
        ..Lease::default()
    }
}

/// One that has reported a moment ago.
fn reporting(numbers: [u64; 3], rate_milli: u64) -> Lease {
    Lease {
        settled_at_ms: NOW_MS - 1_000,
        rate_milli,
        ..lease(numbers)
    }
}

/// An ask for a cell by one that knows these totals.
fn asking([granted, spent, returned]: [u64; 3], need: u64, want: u64) -> AskedCellV1 {
    AskedCellV1 {
        totals: LeaseTotalsV1 {
            metric: MetricId(1),
            period: Period::Hour,
            window: 0,
            granted,
            spent,
            returned,
        },
        need,
        want,
    }
}

/// Asks for one cell.
fn ask_one(cell: &mut Cell, lease: &mut Lease, asked: AskedCellV1, holder: &Holder) -> OutcomeV1 {
    ask(
        &mut [Asked {
            cell,
            lease,
            asked,
            silent: 0,
        }],
        holder,
    )
}
