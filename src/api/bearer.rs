//! The token that a machine presents.

use super::Desk;
use super::problem::Problem;
use crate::access::tokens::{self, Scope};
use axum::http::{HeaderMap, header};

/// Refuses whoever presents no living token with the scope `read`.
///
/// # Errors
/// [`Problem::Token`], or that the store does not answer.
pub async fn reads(desk: &Desk, headers: &HeaderMap) -> Result<(), Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(told), None) = (all.next(), all.next()) else { return Err(Problem::Token) };
    let told = told.to_str().map_err(|_| Problem::Token)?;
    let (scheme, presented) = told.split_once(' ').ok_or(Problem::Token)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::Token);
    }
    let found = tokens::check(&desk.0.store, presented.trim(), Scope::Read, desk.0.clock.now()).await?;
    found.map(|_| ()).ok_or(Problem::Token)
}
