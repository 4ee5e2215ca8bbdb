//! Backout: the dashboard from which a team rolls production back under command.
//!
//! The procedure of a rollback is a journal: who decided what, when and why. Each incident is one append-only
//! journal; state, timeline, page and report are derived from it by pure code. Everything that changes an incident
//! goes through [`app`]'s one `submit`.
//!
//! | module | idea | may use |
//! | --- | --- | --- |
//! | [`domain`] | what may happen and what it means; pure | nothing else of ours |
//! | [`playbook`] | the procedure as a TOML file, with good faults | domain |
//! | [`clock`] | the only source of time and randomness | domain |
//! | [`store`] | all SQL, one text for SQLite and PostgreSQL | domain, clock |
//! | [`executor`] | what carries an action out, under a detached supervisor | domain, store, clock |
//! | [`triggers`] | facts from outside become commands | domain, store, clock |
//! | [`access`] | passwords, sessions, re-authentication, tokens | domain, store, clock |
//! | [`app`] | the one way in: load, decide, append | domain, playbook, store, clock |
//! | [`worker`] | duties of the clock and of runs | app, store, executor, triggers, domain, clock |
//! | [`api`] | interfaces for machines | app, store, access, domain, clock |
//! | [`web`] | pages for people, and the router of everything | api, app, store, access, domain, clock |
//! | [`demo`] | the sample world | everything but cli |
//! | [`cli`] | wires everything; imported by nobody | everything |

pub mod access;
pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod domain;
pub mod executor;
pub mod playbook;
pub mod store;
pub mod triggers;
pub mod web;
pub mod worker;
