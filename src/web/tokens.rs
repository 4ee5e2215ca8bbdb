//! Tokens for machines: made and revoked by administrators, freshly confirmed; shown once.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::layout::{Here, Layout};
use super::people::Names;
use super::rehearsal::Waits;
use super::routes::Route;
use super::session::SignedIn;
use super::sign_in::Button;
use crate::access::capability::Capability;
use crate::access::tokens::{self, LONGEST_DAYS, NotMade, Scope};
use crate::domain::Timestamp;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/tokens", Capability::Administrator, get),
        Route::confirmed("/tokens", Capability::FreshAdministrator, post, rehearse),
        Route::confirmed("/tokens/{id}/revoke", Capability::FreshAdministrator, post_revoke, rehearse_revoke),
    ]
}

struct Line {
    id: String,
    label: String,
    scope: String,
    by: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used_at: Option<Timestamp>,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct View {
    layout: Layout,
    lines: Vec<Line>,
    /// A token that was just made, this once.
    fresh: Option<String>,
    label: String,
    days: String,
    longest: i64,
    faults: Vec<Fault>,
}

async fn show(
    app: &AppState,
    who: &SignedIn,
    fresh: Option<String>,
    typed: &Typed,
    faults: Faults,
) -> Result<Response, WebError> {
    let now = app.clock.now();
    let names = Names::read(&app.store).await?;
    let lines = app.store.tokens().await?.into_iter().map(|token| Line {
        state: match () {
            () if token.revoked_at.is_some() => "Revoked",
            () if token.expires_at <= now => "Expired",
            () => "Valid",
        },
        by: names.actor(&token.created_by),
        id: token.id,
        label: token.label,
        scope: token.scope,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    });
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let view = View {
        layout: Layout::of(who, "Tokens", Here::Elsewhere, now),
        lines: lines.collect(),
        fresh,
        label: typed.text("label").to_owned(),
        days: if typed.has("days") { typed.text("days").to_owned() } else { LONGEST_DAYS.to_string() },
        longest: LONGEST_DAYS,
        faults: faults.0,
    };
    Ok((status, page(&view)?).into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Response, WebError> {
    show(&app, &who, None, &Typed::default(), Faults::default()).await
}

struct Make {
    label: String,
    days: i64,
}

impl Form for Make {
    const FIELDS: &'static [Field] =
        &[Field::text("label", "Which machine uses it", 100), Field::text("days", "Days until it ends", 3)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Make> {
        let label = typed.required("label", faults, "Say which machine uses it.");
        let days = typed.text("days").trim().parse().ok();
        if days.is_none() {
            faults.add("days", NotMade::Days);
        }
        Some(Make { label: label?, days: days? })
    }
}

async fn post(State(app): State<AppState>, who: SignedIn, form: Checked<Make>) -> Result<Response, WebError> {
    let made = match form.value {
        Ok(make) => {
            tokens::create(&app.store, &who.actor(), &make.label, Scope::Read, make.days, app.clock.now()).await
        }
        Err(faults) => return show(&app, &who, None, &form.typed, faults).await,
    };
    match made {
        Ok(token) => show(&app, &who, Some(token), &Typed::default(), Faults::default()).await,
        Err(fault) => not_made(&app, &who, &form.typed, fault).await,
    }
}

/// The page with what is wrong.
async fn not_made(app: &AppState, who: &SignedIn, typed: &Typed, fault: NotMade) -> Result<Response, WebError> {
    match fault {
        NotMade::Store(fault) => Err(fault.into()),
        NotMade::Label => show(app, who, None, typed, Faults::one::<Make>("label", fault)).await,
        NotMade::Days => show(app, who, None, typed, Faults::one::<Make>("days", fault)).await,
    }
}

async fn rehearse(State(app): State<AppState>, who: SignedIn, form: Checked<Make>) -> Result<Response, WebError> {
    let make = match form.value {
        Ok(make) => make,
        Err(faults) => return show(&app, &who, None, &form.typed, faults).await,
    };
    match tokens::wished(&make.label, make.days) {
        Ok(label) => Ok(Waits::new(format!("Make the token “{label}”"), "/tokens").into_response()),
        Err(fault) => not_made(&app, &who, &form.typed, fault).await,
    }
}

async fn post_revoke(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    let known = app.store.tokens().await?.iter().any(|token| token.id == id);
    if !known {
        return Err(WebError::not_found());
    }
    // One that has ended already is as it should be.
    tokens::revoke(&app.store, &who.actor(), &id, app.clock.now()).await?;
    Ok(Redirect::to("/tokens").into_response())
}

async fn rehearse_revoke(
    State(app): State<AppState>,
    _: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Waits, WebError> {
    let known = app.store.tokens().await?.into_iter().find(|token| token.id == id);
    let token = known.ok_or_else(WebError::not_found)?;
    Ok(Waits::new(format!("Revoke the token “{}”", token.label), "/tokens"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;

    #[tokio::test]
    async fn a_token_is_shown_once_and_can_be_revoked() {
        let world = World::new().await;
        let mut root = world.confirmed("ada").await;
        let made = root.post("/tokens", &[("label", "pipeline"), ("days", "30")]).await;
        let at = made.body.find("bko_").expect("the token is shown");
        let secret: String = made.body[at..].chars().take(47).collect();
        let now = world.now();
        assert!(tokens::check(&world.app.store, &secret, Scope::Read, now).await.unwrap().is_some());
        let listed = root.get("/tokens").await;
        assert!(listed.words().contains("pipeline") && !listed.body.contains("bko_"), "{}", listed.words());
        let id = world.app.store.tokens().await.unwrap()[0].id.clone();
        assert_eq!(root.post(&format!("/tokens/{id}/revoke"), &[]).await.status, StatusCode::SEE_OTHER);
        assert!(tokens::check(&world.app.store, &secret, Scope::Read, now).await.unwrap().is_none());
        assert!(root.get("/tokens").await.words().contains("Revoked"));
        assert_eq!(root.post("/tokens/none/revoke", &[]).await.status, StatusCode::NOT_FOUND);
        let too_long = root.post("/tokens", &[("label", "x"), ("days", "91")]).await;
        assert_eq!(too_long.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn making_one_wants_an_administrator_who_has_just_confirmed() {
        let world = World::new().await;
        let form = [("label", "pipeline"), ("days", "30")];
        assert_eq!(world.signed_in("ada").await.post("/tokens", &form).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(world.confirmed("maya").await.post("/tokens", &form).await.status, StatusCode::FORBIDDEN);
        assert!(world.app.store.tokens().await.unwrap().is_empty());
    }
}
