//! The sample world: a small service that can really fail, and the scripts that really put it right.
//!
//! | module | idea |
//! | --- | --- |
//! | [`world`] | the folder that everything lies in: releases, data, backups, configuration, scripts |
//! | [`people`] | three sample people with generated passwords |
//! | [`playbook`] | the default procedure with shorter windows, so that it can be watched |
//! | [`target`] | the service that runs whichever release is current |

pub mod people;
pub mod playbook;
pub mod target;
pub mod world;
