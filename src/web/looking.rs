//! From an address to the incident it names.

use super::AppState;
use super::acting;
use super::error::WebError;
use crate::app::{Looked, summary};

/// Whether a part of an address is written exactly as incidents are: `RB-0001`.
pub fn is_incident(id: &str) -> bool {
    summary::number_of(id).is_some_and(|number| number > 0 && summary::name_of(number) == id)
}

/// The incident of an address, with the facts of this moment.
///
/// # Errors
/// The page for nothing here, for what nobody can read, or for our own fault.
pub async fn look(app: &AppState, id: &str) -> Result<Looked, WebError> {
    if !is_incident(id) {
        return Err(WebError::not_found());
    }
    app.incidents.look(id).await.map_err(acting::error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_an_incident_in_one_way_only() {
        assert!(is_incident("RB-0001") && is_incident("RB-12345"));
        for other in ["RB-1", "rb-0001", "RB-0000", "RB-00001", "RB-+001", "RB--001", "RB-0001 ", "", "../RB-0001"] {
            assert!(!is_incident(other), "{other:?}");
        }
    }
}
