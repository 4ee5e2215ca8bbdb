//! The sample world: a small service that can really fail, and the scripts that really put it right.
//!
//! | module | idea |
//! | --- | --- |
//! | [`world`] | the folder that everything lies in: releases, data, backups, configuration, scripts |
//! | [`target`] | the service that runs whichever release is current |

pub mod target;
pub mod world;
