//! Planning: what is rolled back, to what, and how it starts. A draft binds nobody; submitting fixes it for approval.
//!
//! Targets come from the register. One that no register knows can be typed, by an explicit choice that stays recorded.

use super::AppState;
use super::acting::{NotDone, act};
use super::error::WebError;
use super::forms::{Checked, Faults, Field, Form, Typed};
use super::incident::{Lock, Place, Sight, look, shown};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::room::band::asked;
use super::room::orders::{Back, INTENT, NAME, TEXT};
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::domain::command::Command;
use crate::domain::decide::proposal;
use crate::domain::facts::Registered;
use crate::domain::plan::{Draft, Target, restored};
use crate::domain::procedure::{RollbackType, StartMode, TargetKind};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::running::Data;
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus};
use crate::domain::words::upper_first;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/plan", Capability::SignedIn, get),
        Route::post("/incidents/{id}/plan", Capability::SignedIn, post),
    ]
}

#[derive(Template)]
#[template(path = "plan.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    back: Back,
    /// The attempt that the form changes; 0 drafts a new one.
    attempt: AttemptNo,
    /// The revision of the plan that the form shows.
    revision: u32,
    state: String,
    /// Who asked for changes, and for which.
    asked: Option<String>,
    /// What people may be carrying out by hand at this moment.
    hands: Vec<String>,
    why: String,
    /// Saving the draft, new or changed.
    save: Place,
    /// What stands against the plan that the form begins with.
    against: Option<Lock>,
    submit: Place,
    withdraw: Place,
    /// Approvals that a change voids.
    approvals: usize,
    kinds: Vec<Choice>,
    components: Vec<Choice>,
    targets: Vec<TargetChoice>,
    free: Vec<FreeText>,
    starts: Vec<Choice>,
    scope: String,
    fallback: String,
    reason: String,
    not_covered: Vec<String>,
}

struct Choice {
    key: String,
    title: String,
    note: String,
    chosen: bool,
}

/// One registered thing to go back to.
struct TargetChoice {
    /// `release/web/4.11.3`: what the form sends.
    key: String,
    name: String,
    what: String,
    facts: Vec<String>,
    /// What speaks against it, a sentence each.
    against: Vec<String>,
    stable: bool,
    /// Why it cannot be chosen; empty when it can.
    barred: String,
    chosen: bool,
}

/// A target that no register knows, by explicit choice.
struct FreeText {
    kind: &'static str,
    name: String,
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Back::default()).await
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Back) -> Result<Response, WebError> {
    shown(app, who, id, back.status(), |sight| Ok(view(sight, back))).await
}

/// What the form begins with: the draft that is there, else what the machine proposes, else nothing but the place.
fn beginning(sight: &Sight) -> Draft {
    let incident = sight.incident;
    let current = incident.current().map(|attempt| attempt.draft.clone());
    current.or_else(|| proposal(sight.facts, incident).map(|(draft, _)| draft)).unwrap_or_else(|| Draft {
        kind: RollbackType::Full,
        environment: incident.environment.clone(),
        components: vec![incident.component.clone()],
        scope: Vec::new(),
        targets: Vec::new(),
        not_covered: Vec::new(),
        fallback: sight.facts.procedure.verification.escalation.text.clone(),
        reason: String::new(),
        start: None,
    })
}

fn view(sight: &Sight, back: Back) -> View {
    let incident = sight.incident;
    let header = IncidentHeader::of(sight, Page::Plan);
    let current = incident.current();
    let changing =
        current.filter(|attempt| matches!(attempt.status(), AttemptStatus::Draft | AttemptStatus::Submitted));
    let draft = if back.form == "plan" { typed_draft(&back.typed, sight) } else { beginning(sight) };
    let offers = sight.offers();
    // Asked with another reason, so that "the plan says this already" is not the answer.
    let sample = Draft { reason: format!("{}…", draft.reason), ..beginning(sight) };
    // Said of the plan that the form shows, where there is one.
    let shows_it = back.form != "plan" && !sample.targets.is_empty();
    let answer = offers.ask(&match changing {
        None => Command::DraftAttempt { draft: sample },
        Some(attempt) => Command::EditPlan { attempt: attempt.number, seen: None, draft: sample },
    });
    let against = answer.as_ref().err().filter(|refusal| shows_it && is_of_the_plan(refusal));
    let against = against.cloned().map(Lock::from);
    let save = Place::of(answer.or_else(|refusal| if is_of_the_plan(&refusal) { Ok(()) } else { Err(refusal) }));
    let submit = match changing {
        Some(attempt) if attempt.submitted.is_none() => Place::of(offers.submit_plan(attempt.number)),
        _ => Place::None,
    };
    let withdraw = changing.map_or(Place::None, |attempt| Place::of(offers.withdraw_plan(attempt.number)));
    View {
        layout: Layout::in_incident(sight, &header.tab("plan"), "/plan"),
        id: incident.id.clone(),
        attempt: changing.map_or(0, |attempt| attempt.number),
        revision: changing.map_or(0, |attempt| attempt.revision),
        asked: asked(sight),
        hands: changing.map_or_else(Vec::new, up_to_hands),
        state: current.map_or_else(|| "not planned yet".to_owned(), |attempt| attempt.status().to_string()),
        why: changing.map_or(String::new(), |attempt| upper_first(&attempt.why)),
        save,
        against,
        submit,
        withdraw,
        approvals: changing.map_or(0, |attempt| attempt.approvals.len()),
        kinds: kinds(sight, draft.kind),
        components: components(sight, &draft),
        targets: targets(sight, &draft),
        free: free(&draft),
        starts: starts(draft.start),
        scope: draft.scope.join("\n"),
        fallback: draft.fallback.clone(),
        reason: draft.reason.clone(),
        not_covered: draft.not_covered.clone(),
        header,
        back,
    }
}

/// It stands against the plan as it is, and keeps nobody from choosing another.
/// The titles of what it is the turn of people to carry out.
fn up_to_hands(attempt: &Attempt) -> Vec<String> {
    let actions = attempt.plan().into_iter().flat_map(|plan| &plan.actions);
    actions.filter(|action| attempt.is_up_to_hands(action)).map(|action| action.title.clone()).collect()
}

fn is_of_the_plan(refusal: &Refusal) -> bool {
    matches!(refusal.kind, RefusalKind::Input | RefusalKind::Blocked)
}

fn kinds(sight: &Sight, chosen: RollbackType) -> Vec<Choice> {
    let types = &sight.facts.procedure.types;
    types
        .iter()
        .map(|definition| Choice {
            key: definition.kind.key().to_owned(),
            title: definition.title.clone(),
            note: definition.when_used.iter().map(|when| when.text.as_str()).collect::<Vec<_>>().join("; "),
            chosen: definition.kind == chosen,
        })
        .collect()
}

fn components(sight: &Sight, draft: &Draft) -> Vec<Choice> {
    let known = sight.facts.environments.get(&sight.incident.environment);
    known
        .into_iter()
        .flatten()
        .map(|name| Choice {
            key: name.clone(),
            title: name.clone(),
            note: String::new(),
            chosen: draft.components.contains(name),
        })
        .collect()
}

fn starts(chosen: Option<StartMode>) -> Vec<Choice> {
    let choice = |key: &str, title: &str, mode: Option<StartMode>| Choice {
        key: key.to_owned(),
        title: title.to_owned(),
        note: String::new(),
        chosen: mode == chosen,
    };
    vec![
        choice("", "As the rule that applies says", None),
        choice("at-authorisation", "By itself, with the last authorisation", Some(StartMode::AtAuthorisation)),
        choice("on-command", "On the word of the incident commander or the technical lead", Some(StartMode::OnCommand)),
    ]
}

/// Everything registered for the environment's components, the newest first, the incident's own component before others.
fn targets(sight: &Sight, draft: &Draft) -> Vec<TargetChoice> {
    let mut entries: Vec<&Registered> = sight.facts.register.iter().collect();
    let own = &sight.incident.component;
    entries.sort_by_key(|entry| (entry.kind, entry.component != *own, std::cmp::Reverse(entry.at)));
    entries.into_iter().map(|entry| target(sight, draft, entry)).collect()
}

fn target(sight: &Sight, draft: &Draft, entry: &Registered) -> TargetChoice {
    let facts = sight.facts;
    let stable = entry.kind == TargetKind::Release
        && facts.previous_stable(&entry.component).is_some_and(|stable| stable.name == entry.name);
    let running = entry.kind == TargetKind::Release
        && facts.running_release(&entry.component).is_some_and(|running| running.name == entry.name);
    let barred = running && restored(facts.procedure, draft.kind, &draft.targets, &entry.component).is_none();
    let age = (sight.now - entry.at).roughly();
    let mut lines = vec![format!("{age} old, registered by {}", sight.registered_by(entry))];
    if entry.kind == TargetKind::Release {
        lines.push(between(sight, entry));
    }
    if entry.kind == TargetKind::Backup {
        lines.push(
            entry.verified_at.map_or_else(|| "never verified".to_owned(), |at| format!("verified {}", at.in_words())),
        );
    }
    if !entry.note.is_empty() {
        lines.push(entry.note.clone());
    }
    TargetChoice {
        key: format!("{}/{}/{}", entry.kind.key(), entry.component, entry.name),
        name: entry.name.clone(),
        what: format!("{} of {}", entry.kind.key(), entry.component),
        facts: lines,
        against: sight.speaks_against(entry),
        stable,
        barred: if barred { "It is what runs now.".to_owned() } else { String::new() },
        chosen: !barred
            && draft.targets.iter().any(|target| {
                target.kind == entry.kind && target.component == entry.component && target.name == entry.name
            }),
    }
}

/// The migrations that lie between a release and what runs.
fn between(sight: &Sight, entry: &Registered) -> String {
    let later: Vec<&Registered> = sight.facts.unknown_to(entry, Data::Present).collect();
    let named = |kind: &str| -> Vec<&str> {
        later.iter().filter(|release| release.migrations == kind).map(|release| release.name.as_str()).collect()
    };
    let (destructive, unknown, reversible) = (named("destructive"), named("unknown"), named("reversible"));
    if !destructive.is_empty() {
        return format!(
            "destructive migration in {}: needs a backup from before it to be restored as well",
            destructive.join(", ")
        );
    }
    match (unknown.is_empty(), reversible.is_empty()) {
        (false, _) => format!("unknown whether {} migrated data", unknown.join(", ")),
        (true, false) => format!("reversible migrations in {}", reversible.join(", ")),
        (true, true) => "no migration lies between".to_owned(),
    }
}

fn free(draft: &Draft) -> Vec<FreeText> {
    TargetKind::ALL
        .into_iter()
        .map(|kind| FreeText {
            kind: kind.key(),
            name: draft
                .targets
                .iter()
                .find(|target| target.kind == kind && target.free_text)
                .map_or(String::new(), |target| target.name.clone()),
        })
        .collect()
}

/// What was typed as a draft, as far as it goes: to be shown again, or to become a command.
fn typed_draft(typed: &Typed, sight: &Sight) -> Draft {
    draft_of(typed, &sight.incident.environment, &sight.incident.component)
}

fn draft_of(typed: &Typed, environment: &str, component: &str) -> Draft {
    let mut targets: Vec<Target> = typed.all("target").iter().filter_map(|key| registered_target(key)).collect();
    for (field, kind) in FREE {
        let name = typed.text(field).trim();
        if !name.is_empty() {
            targets.push(Target {
                kind,
                component: component.to_owned(),
                name: name.to_owned(),
                checksum: String::new(),
                from: None,
                free_text: true,
            });
        }
    }
    Draft {
        kind: RollbackType::from_key(typed.text("kind")).unwrap_or(RollbackType::Full),
        environment: environment.to_owned(),
        components: typed.all("component").to_vec(),
        scope: typed.text("scope").lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        targets,
        not_covered: Vec::new(),
        fallback: typed.text("fallback").to_owned(),
        reason: typed.text("reason").to_owned(),
        start: match typed.text("start") {
            "at-authorisation" => Some(StartMode::AtAuthorisation),
            "on-command" => Some(StartMode::OnCommand),
            _ => None,
        },
    }
}

/// `release/web/4.11.3`; the register's facts are taken anew by the decision.
fn registered_target(key: &str) -> Option<Target> {
    let (kind, rest) = key.split_once('/')?;
    let (component, name) = rest.split_once('/')?;
    Some(Target {
        kind: TargetKind::from_key(kind)?,
        component: component.to_owned(),
        name: name.to_owned(),
        checksum: String::new(),
        from: None,
        free_text: false,
    })
}

/// The fields for targets that no register knows.
const FREE: [(&str, TargetKind); 3] =
    [("free_release", TargetKind::Release), ("free_backup", TargetKind::Backup), ("free_config", TargetKind::Config)];

/// The plan's form: saves, saves and submits, or withdraws, by the button that was pressed.
struct Plan {
    attempt: AttemptNo,
    revision: Option<u32>,
    act: Act,
    intent: String,
}

enum Act {
    Save,
    Submit,
    Withdraw,
}

impl Form for Plan {
    const FIELDS: &'static [Field] = &[
        INTENT,
        Field::text("attempt", "Attempt", 9),
        Field::text("revision", "Revision", 9),
        Field::text("act", "What to do", 20),
        Field::text("kind", "Kind", 40),
        Field::many("component", "Components", NAME),
        Field::many("target", "Target", 260),
        Field::text("free_release", "Release typed by hand", NAME),
        Field::text("free_backup", "Backup typed by hand", NAME),
        Field::text("free_config", "Configuration typed by hand", NAME),
        Field::text("scope", "Scope", TEXT),
        Field::text("fallback", "If it fails", TEXT),
        Field::text("reason", "Reason", TEXT),
        Field::text("start", "Start", 40),
        Field::text("withdraw_reason", "Why it is withdrawn", TEXT),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Plan> {
        let act = match typed.text("act") {
            "save" => Act::Save,
            "submit" => Act::Submit,
            "withdraw" => Act::Withdraw,
            _ => {
                faults.add("act", "Press one of the page's buttons.");
                return None;
            }
        };
        let kind = RollbackType::from_key(typed.text("kind"));
        if kind.is_none() && !matches!(act, Act::Withdraw) {
            faults.add("kind", "Choose what kind of rollback it is.");
        }
        let attempt = typed.text("attempt").parse().ok();
        if attempt.is_none() {
            faults.add("attempt", "It is no number. Load the page again.");
        }
        let revision = typed.text("revision").parse().ok();
        Some(Plan { attempt: attempt?, revision, act, intent: typed.text("intent").to_owned() })
    }
}

async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Plan>,
) -> Result<Response, WebError> {
    let plan = match form.value {
        Ok(plan) => plan,
        Err(faults) => return show(&app, &who, &id, Back::faulty("plan", form.typed, &faults, Plan::FIELDS)).await,
    };
    match carry_out(&app, &who, &id, &plan, &form.typed).await {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Back::refused("plan", form.typed, &refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

/// Saves what was typed, and what the button asks beyond that; answers where to go on.
async fn carry_out(app: &AppState, who: &SignedIn, id: &str, plan: &Plan, typed: &Typed) -> Result<String, NotDone> {
    let incident = look(app, id).await.map_err(NotDone::Error)?.incident;
    if matches!(plan.act, Act::Withdraw) {
        let reason = typed.text("withdraw_reason").to_owned();
        act(app, who, id, Command::WithdrawPlan { attempt: plan.attempt, reason }, &plan.intent).await?;
        return Ok(format!("/incidents/{id}#decision"));
    }
    let draft = draft_of(typed, &incident.environment, &incident.component);
    let number = if plan.attempt == 0 { incident.attempts.len() as AttemptNo + 1 } else { plan.attempt };
    let save = match plan.attempt {
        0 => Command::DraftAttempt { draft },
        attempt => Command::EditPlan { attempt, seen: plan.revision, draft },
    };
    act(app, who, id, save, &plan.intent).await?;
    if !matches!(plan.act, Act::Submit) {
        return Ok(format!("/incidents/{id}/plan"));
    }
    // A key of its own: it is another command of the same press.
    let intent = if plan.intent.is_empty() { String::new() } else { format!("{}-submit", plan.intent) };
    act(app, who, id, Command::SubmitPlan { attempt: number }, &intent).await?;
    Ok(format!("/incidents/{id}/approve"))
}

#[cfg(test)]
mod tests {
    use crate::domain::state::AttemptStatus;
    use crate::web::sample::{BACKUP, BAD, OLDER, STABLE, World};
    use axum::http::StatusCode;

    const FORM: [(&str, &str); 6] = [
        ("attempt", "1"),
        ("kind", "full"),
        ("component", "crisis-detection"),
        ("scope", "Application\nDatabase"),
        ("fallback", "restore by hand"),
        ("reason", "it gets worse"),
    ];

    #[tokio::test]
    async fn the_page_marks_the_previous_stable_release_and_bars_the_running_one() {
        let world = World::new().await;
        let id = world.critical().await;
        let page = world.signed_in("tomas").await.get(&format!("/incidents/{id}/plan")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let words = page.words();
        assert!(words.contains(&format!("{STABLE} Previous stable")), "{words}");
        assert!(words.contains("It is what runs now."), "{words}");
        assert!(words.contains("no migration lies between"), "{words}");
        let running = page.body.split(&format!("value=\"release/crisis-detection/{BAD}\"")).nth(1).unwrap();
        assert!(running.split('>').next().unwrap().contains("disabled"));
        let olga = world.signed_in("olga").await.get(&format!("/incidents/{id}/plan")).await;
        assert!(olga.words().contains("No, because"), "an observer plans nothing");
        assert!(!olga.body.contains("value=\"submit\""));
    }

    #[tokio::test]
    async fn the_lead_changes_the_plan_and_submits_it_in_one_press() {
        let world = World::new().await;
        let id = world.critical().await;
        let before = world.digest(&id).await;
        let mut tomas = world.signed_in("tomas").await;
        let older = format!("release/crisis-detection/{OLDER}");
        let backup = format!("backup/crisis-detection/{BACKUP}");
        let mut fields = FORM.to_vec();
        fields.extend([("act", "submit"), ("intent", "one"), ("target", older.as_str()), ("target", backup.as_str())]);
        let done = tomas.post(&format!("/incidents/{id}/plan"), &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
        assert_eq!(done.location(), format!("/incidents/{id}/approve"));
        let incident = world.app.incidents.incident(&id).await.unwrap();
        let attempt = incident.current().unwrap();
        assert_eq!(attempt.status(), AttemptStatus::Submitted);
        assert_eq!(attempt.plan().unwrap().actions.len(), 2);
        assert_ne!(world.digest(&id).await, before);
    }

    #[tokio::test]
    async fn a_target_that_no_register_knows_is_typed_and_recorded_as_such() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut tomas = world.signed_in("tomas").await;
        let path = format!("/incidents/{id}/plan");
        let mut fields = FORM.to_vec();
        fields.extend([("act", "save"), ("target", "release/crisis-detection/9.9.9")]);
        let refused = tomas.post(&path, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("restore by hand"), "what was typed stays");
        let mut fields = FORM.to_vec();
        fields.extend([("act", "save"), ("free_release", "4.10.0-hotfix")]);
        let saved = tomas.post(&path, &fields).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.words());
        let incident = world.app.incidents.incident(&id).await.unwrap();
        assert!(incident.current().unwrap().draft.targets[0].free_text);
    }

    #[tokio::test]
    async fn a_proposal_that_may_not_stand_can_be_changed() {
        let world = World::new().await;
        world.register("release", "4.12.1", 0, "destructive").await;
        let id = world.critical().await;
        let path = format!("/incidents/{id}/plan");
        let mut tomas = world.signed_in("tomas").await;
        let because = "No, because 4.11.3 lies behind the destructive migration of 4.12.1.";
        for (says, shown) in [("the draft cannot be submitted", "1"), ("the plan is refused", "0")] {
            let page = tomas.get(&path).await;
            assert!(page.words().contains(&format!("As it stands, {says}: {because}")), "{}", page.words());
            assert!(page.body.contains("value=\"save\""), "{}", page.words());
            assert!(page.body.contains(&format!("name=\"attempt\" value=\"{shown}\"")));
            let olga = world.signed_in("olga").await.get(&path).await;
            assert!(!olga.body.contains("value=\"save\""), "an observer plans nothing");
            let withdraw = [("attempt", "1"), ("act", "withdraw"), ("withdraw_reason", "another way")];
            tomas.post(&path, &withdraw).await;
        }
    }

    #[tokio::test]
    async fn a_withdrawn_plan_makes_room_for_another_attempt() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut tomas = world.signed_in("tomas").await;
        let path = format!("/incidents/{id}/plan");
        let withdraw = [("attempt", "1"), ("act", "withdraw"), ("withdraw_reason", "another cause")];
        assert_eq!(tomas.post(&path, &withdraw).await.status, StatusCode::SEE_OTHER);
        let page = tomas.get(&path).await;
        assert!(page.body.contains("name=\"attempt\" value=\"0\""), "{}", page.words());
        let mut fields = FORM[1..].to_vec();
        let stable = format!("release/crisis-detection/{STABLE}");
        fields.extend([("attempt", "0"), ("act", "save"), ("target", stable.as_str())]);
        let drafted = tomas.post(&path, &fields).await;
        assert_eq!(drafted.status, StatusCode::SEE_OTHER, "{}", drafted.words());
        assert_eq!(world.app.incidents.incident(&id).await.unwrap().attempts.len(), 2);
    }
}
