//! The decision, pure: no I/O, no clock, no randomness, no logging, no panic; time is an argument.
//!
//! The filter runs it inside Envoy, the control plane compiles with it what it publishes.
//! Modules in reading order: what a request looks like, what it is matched against, what is decided,
//! what is counted, and the bytes that cross the network.
//!
//! # The story of one request
//!
//! ```
//! use std::{cell::RefCell, collections::HashMap};
//! use tallygate_core::admission::{Admission, admit, asked};
//! use tallygate_core::book::{self, Asked, Cell, Holder, Lease};
//! use tallygate_core::compiled::{Catalogue, Product};
//! use tallygate_core::credit::Moment;
//! use tallygate_core::decide::{Decision, Directory, Lookup, decide};
//! use tallygate_core::directory::Application;
//! use tallygate_core::flush::{Flush, Sealed, Sent};
//! use tallygate_core::id::ApplicationId;
//! use tallygate_core::key::{digest, ident};
//! use tallygate_core::request::{FormBody, Headers, RequestView};
//! use tallygate_core::shared::{Keys, Lost, SharedData, Version};
//! use tallygate_core::verdict::{Errors, Refusal};
//! use tallygate_core::wire::{
//!     self, CreditV1, Digest, LeaseTotalsV1, OutcomeV1, ProductV1, UsageRowV1,
//! };
//!
//! // The control plane publishes a product: one rule, and a plan with two calls a minute.
//! let published: ProductV1 = serde_json::from_str(r#"{
//!     "id": 1, "revision": 1, "system_name": "mail",
//!     "metrics": [
//!         {"id": 1, "parent": null, "system_name": "hits"},
//!         {"id": 2, "parent": 1, "system_name": "web_api"}
//!     ],
//!     "plans": [{"id": 5, "limits": [{"metric": 1, "period": "minute", "value": 2}]}],
//!     "config": {
//!         "version": 1,
//!         "public_urls": [{"host": "mail.example.com", "base_path": "/v3"}],
//!         "rules": [{"methods": ["GET"], "pattern": "/send", "usages": [[2, 1]], "last": false}],
//!         "credentials": {
//!             "kind": "app_id_and_key", "sources": ["query"], "user_key": "user_key",
//!             "app_id": "api_user", "app_key": "api_key", "jwt_claim": [], "strip": false
//!         },
//!         "errors": "problem", "upstream": null, "secret_token": "", "debug_secret": null,
//!         "rate_limit_headers": true, "form_in_rules": false
//!     }
//! }"#)?;
//! // A gateway compiles it. What does not compile is left out, and said.
//! let (product, problems) = Product::compile(&published);
//! assert!(problems.is_empty());
//! let catalogue = Catalogue::new(product.into_iter().map(Into::into).collect());
//!
//! // The directory knows applications by digests: neither identifiers nor keys are at the edge.
//! struct OneApplication;
//! impl Directory for OneApplication {
//!     fn find(&self, wanted: &Digest) -> Lookup {
//!         if *wanted != ident(tallygate_core::id::ProductId(1), b"alice") {
//!             return Lookup::Unknown;
//!         }
//!         Lookup::Found(std::sync::Arc::new(Application {
//!             id: ApplicationId(11),
//!             plan: tallygate_core::id::PlanId(5),
//!             revision: 1,
//!             live: true,
//!             keys: vec![digest(b"s3cret")],
//!             referrers: Vec::new(),
//!             ending: Vec::new(),
//!         }))
//!     }
//! }
//!
//! // A request comes in. Time is an argument: 2026-11-24 10:00:30 UTC.
//! let now_secs = 1_795_514_430;
//! # struct NoHeaders;
//! # impl Headers for NoHeaders {
//! #     fn each(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}
//! #     fn claim(&self, _: &[String]) -> Option<Vec<u8>> { None }
//! # }
//! let request = RequestView {
//!     method: b"GET",
//!     authority: b"mail.example.com",
//!     target: b"/v3/send?api_user=alice&api_key=s3cret",
//!     headers: &NoHeaders,
//!     form_body: FormBody::Absent,
//! };
//! let Decision::Charge(mut yes) = decide(&catalogue, None, &request, &OneApplication, now_secs)
//! else { panic!("only its limits can still stop it") };
//! assert_eq!(yes.path, b"/send");
//! assert_eq!(yes.charge.usage.len(), 2, "the method, and hits with it");
//!
//! // Workers of one process meet in shared data. Nobody spends what was not granted, and nothing was so far …
//! # #[derive(Default)]
//! # struct Memory(RefCell<HashMap<String, (Vec<u8>, u32)>>);
//! # impl SharedData for Memory {
//! #     fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
//! #         match self.0.borrow().get(key) {
//! #             Some((value, version)) => (Some(value.clone()), Version::At(*version)),
//! #             None => (None, Version::Absent),
//! #         }
//! #     }
//! #     fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
//! #         if self.get(key).1 != version { return Err(Lost) }
//! #         let next = match version { Version::Absent => 1, Version::At(now) => now + 1 };
//! #         self.0.borrow_mut().insert(key.into(), (value.into(), next));
//! #         Ok(())
//! #     }
//! # }
//! let shared = Memory::default();
//! let keys = Keys::new(&["control_plane", "127.0.0.1:3001", "production"], 1_024);
//! let instance = tallygate_core::shared::instance(&shared, &keys, || [7; 16]).unwrap();
//! let process = Flush { data: &shared, keys: &keys, instance };
//! let now_ms = now_secs * 1_000;
//! let moment = Moment { now_ms, credit_is_valid: true, may_overdraw: false };
//! assert_eq!(admit(&process, yes.application, &mut yes.charge, &moment), Admission::Dry);
//!
//! // … so the request waits while its gateway asks. The control plane keeps one account for the whole fleet: another
//! // gateway has used one of the two calls; what is needed here can be granted.
//! let asked = asked(&process, yes.application, &yes.charge, 1)[0];
//! let mut cell = Cell { limit: Some(2), used: 1, ..Cell::default() };
//! let mut lease = Lease::default();
//! let holder = Holder { instance, live: 2, now_ms };
//! let outcome = book::ask(
//!     &mut [Asked { cell: &mut cell, lease: &mut lease, asked, silent: 0 }],
//!     &holder,
//! );
//! assert_eq!((outcome, cell.free()), (OutcomeV1::Granted, 0));
//!
//! // With the answer, one compare-and-swap admits the request …
//! let answer = CreditV1 {
//!     totals: LeaseTotalsV1 { granted: lease.granted, ..asked.totals },
//!     version: cell.version,
//!     free: cell.free(),
//!     elsewhere: cell.is_held_elsewhere(&lease),
//!     limits_rev: 1,
//! };
//! process.apply(yes.application, &[answer], now_ms);
//! let admission = admit(&process, yes.application, &mut yes.charge, &moment);
//! assert_eq!(admission, Admission::Admitted { lost: 0, overdraft: 0 });
//!
//! // … and the next one is refused without a question: the answer said that nothing is left.
//! assert_eq!(admit(&process, yes.application, &mut yes.charge, &moment), Admission::Exceeded);
//! let limits = yes.limit_states(now_secs);
//! let reply = Refusal::LimitsExceeded(&limits).reply(&Errors::default(), None);
//! assert_eq!(reply.status, 429);
//! assert!(reply.headers.contains(&("retry-after".into(), "30".into())));
//!
//! // Meanwhile the leader has greeted the ledger. It seals what was counted, sends it until it is acknowledged …
//! process.acknowledge(Sent { instance, epoch: 0 }, 77, 0, 0);
//! assert_eq!(process.seal(), Sealed::Batch { more: false });
//! let outbox = process.outbox().0;
//! let batch = outbox.next().unwrap();
//! let rows: Vec<UsageRowV1> = wire::decode(&batch.rows)?;
//! assert_eq!((rows[0].application, rows[0].usage.len()), (ApplicationId(11), 2));
//!
//! // … which the ledger does once it has settled what was spent beside the usage …
//! let told = rows[0].cells[0];
//! cell.used += rows[0].usage[1].delta;
//! book::settle(&mut cell, &mut lease, told.spent, told.returned, now_ms);
//! assert_eq!((cell.used, cell.leased), (2, 0));
//!
//! // … and only then lets go of it.
//! assert!(process.acknowledge(Sent::of(&outbox), 77, batch.seq, 0));
//! assert!(process.outbox().0.next().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![no_std]
extern crate alloc;

pub mod admission;
pub mod answers;
pub mod backend;
pub mod book;
pub mod clock;
pub mod compiled;
pub mod contact;
pub mod credential;
pub mod credit;
pub mod decide;
mod decimal;
pub mod directory;
mod few;
pub mod flush;
pub mod forget;
pub mod id;
pub mod intake;
pub mod key;
pub mod leader;
pub mod lease;
pub mod mapping;
pub mod metric;
pub mod outbox;
pub mod path;
pub mod period;
pub mod probe;
pub mod product;
pub mod referrer;
pub mod request;
pub mod shared;
pub mod slot;
pub mod traffic;
pub mod verdict;
pub mod wire;
