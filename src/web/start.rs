//! A trigger raised by hand (T5): every trigger of the playbook, the measured ones too since a detector may be dead, and
//! the cases that call for no rollback. "Check" shows, beside what is typed, what the rules say of it before anybody is
//! called; raising it opens an incident or joins the open one of its cause.

use super::AppState;
use super::acting::{self, Returned, actor};
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed, instant};
use super::layout::{Here, Layout};
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::app::gather::{self, Gathered, Wanted};
use crate::app::{Raised, SubmitError};
use crate::clock;
use crate::domain::actor::Who;
use crate::domain::authority;
use crate::domain::command::Command;
use crate::domain::event::TriggerSeen;
use crate::domain::procedure::{Decision, Procedure};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::rules::{self, Judgement};
use crate::domain::{Severity, Timestamp};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/start", Capability::SignedIn, get), Route::post("/start", Capability::SignedIn, post)]
}

/// A category with its triggers, as the form lists them.
struct Group {
    title: String,
    decision: String,
    triggers: Vec<Choice>,
}

struct Choice {
    value: String,
    text: String,
    chosen: bool,
}

/// What the rules say of what was typed.
struct Verdict {
    severity: String,
    decision: Decision,
    because: String,
    otherwise: String,
    authority: String,
    slots: Vec<(String, String)>,
    /// The release that would be proposed, with where it comes from.
    target: String,
    /// The open incident that the trigger would join.
    joins: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "start.html")]
struct View {
    layout: Layout,
    groups: Vec<Group>,
    none_required: Vec<Choice>,
    places: Vec<Choice>,
    severities: Vec<Choice>,
    saw: String,
    since: String,
    outage: bool,
    users: String,
    verdict: Option<Verdict>,
    may: Option<Refusal>,
    refused: Option<Refusal>,
    faults: Vec<Fault>,
    intent: String,
}

impl View {
    /// Both what is wrong and where are chosen.
    fn chosen(&self) -> bool {
        let mut triggers = self.groups.iter().flat_map(|group| &group.triggers).chain(&self.none_required);
        triggers.any(|choice| choice.chosen) && self.places.iter().any(|choice| choice.chosen)
    }
}

/// What was typed, read.
#[derive(Debug)]
struct Start {
    trigger: String,
    environment: String,
    component: String,
    saw: String,
    since: Option<Timestamp>,
    outage: bool,
    users_affected_ppm: Option<i64>,
    severity: Option<Severity>,
    intent: String,
    /// Only show what the rules say.
    check: bool,
}

impl Form for Start {
    const FIELDS: &'static [Field] = &[
        Field::text("trigger", "What is wrong", 100),
        Field::text("place", "Component and environment", 200),
        Field::text("saw", "Evidence", 4_000),
        Field::text("since", "Since when", 20),
        Field::text("outage", "Complete outage", 3),
        Field::text("users", "Share of users affected", 10),
        Field::text("severity", "Severity", 2),
        Field::text("intent", "Form", 64),
        Field::text("do", "What to do", 10),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Start> {
        let check = typed.text("do") == "check";
        let trigger = typed.required("trigger", faults, "Choose what is wrong from the list.");
        let place = typed.required("place", faults, "Choose an environment and a component.");
        let place = place.and_then(|place| match place.split_once('/') {
            Some((environment, component)) => Some((environment.to_owned(), component.to_owned())),
            None => {
                faults.add("place", "It names no environment and component. Choose one from the list.");
                None
            }
        });
        let saw = match check {
            // The rules can be asked before the words are found.
            true => Some(typed.text("saw").trim().to_owned()),
            false => typed.required("saw", faults, "Say what was seen: a symptom, a value, who reported it."),
        };
        let since = instant(typed.text("since")).unwrap_or_else(|fault| {
            faults.add("since", fault);
            None
        });
        let users_affected_ppm = share(typed.text("users")).unwrap_or_else(|fault| {
            faults.add("users", fault);
            None
        });
        let severity = match typed.text("severity") {
            "" => None,
            key => {
                let known = Severity::from_key(key);
                if known.is_none() {
                    faults.add("severity", "There is no such severity. Choose one from the list.");
                }
                known
            }
        };
        let (environment, component) = place?;
        Some(Start {
            trigger: trigger?,
            environment,
            component,
            saw: saw?,
            since,
            outage: typed.has("outage"),
            users_affected_ppm,
            severity,
            intent: typed.text("intent").to_owned(),
            check,
        })
    }
}

/// A share in percent with at most four decimals, as parts per million.
fn share(text: &str) -> Result<Option<i64>, &'static str> {
    const FAULT: &str = "It is no share. Write a number from 0 to 100, such as 12 or 0.5.";
    let text = text.trim().trim_end_matches('%').trim_end().replace(',', ".");
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |text: &str| !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(FAULT);
    }
    let whole: i64 = whole.parse().map_err(|_| FAULT)?;
    let part: i64 = format!("{part:0<4}").parse().map_err(|_| FAULT)?;
    let ppm = whole * 10_000 + part;
    if ppm > 1_000_000 { Err(FAULT) } else { Ok(Some(ppm)) }
}

impl Start {
    fn seen(&self, procedure: &Procedure, who: &SignedIn, now: Timestamp) -> TriggerSeen {
        let trigger = procedure.trigger(&self.trigger);
        let evidence = serde_json::json!({
            "raised": "by hand",
            "by": who.person.0,
            "saw": self.saw,
            "since": self.since.map(|at| at.to_string()),
            "complete_outage": self.outage,
            "users_affected_ppm": self.users_affected_ppm,
        });
        TriggerSeen {
            name: self.trigger.clone(),
            text: trigger.map_or_else(String::new, |trigger| trigger.text.clone()),
            category: trigger.map_or_else(String::new, |trigger| trigger.category.clone()),
            fingerprint: format!("manual/{}/{}/{}", self.trigger, self.environment, self.component),
            saw: self.saw.clone(),
            evidence: evidence.to_string(),
            seen_at: self.since.unwrap_or(now),
        }
    }
}

/// The playbook for new incidents, with what is known of the place that was chosen.
struct Ground {
    procedure: Arc<Procedure>,
    gathered: Gathered,
    open: Vec<(String, String, String)>,
    now: Timestamp,
}

async fn ground(app: &AppState, environment: &str, component: &str) -> Result<Ground, WebError> {
    let mut read = app.store.read().await?;
    let (hash, procedure) = app.incidents.playbooks.current_read(&mut read).await.map_err(|fault| match fault {
        SubmitError::Frozen(_) => WebError::new(
            StatusCode::CONFLICT,
            "No playbook is loaded",
            "Without one nothing says what a trigger means. An operator loads it on the server.",
        ),
        other => acting::error(other),
    })?;
    let now = app.clock.now();
    let wanted = Wanted { environment, component, incident: "", now };
    let site = &app.incidents.site;
    let gathered = gather::gather_to_read(&mut read, site, procedure.clone(), &hash, &wanted).await?;
    let open = read.open_in(environment, component).await?;
    let open = open.into_iter().map(|row| (row.incident, row.title, row.category)).collect();
    Ok(Ground { procedure, gathered, open, now })
}

fn judged(app: &AppState, ground: &Ground, start: &Start) -> Option<Verdict> {
    let procedure = &*ground.procedure;
    let trigger = procedure.trigger(&start.trigger)?;
    let scripts = Scripts(&app.incidents.site);
    let facts = ground.gathered.facts(&scripts);
    let case = rules::Case {
        category: trigger.category.clone(),
        triggers: vec![trigger.name.clone()],
        severity: start.severity,
        outage: start.outage,
        users_affected_ppm: start.users_affected_ppm,
        release_age: facts.running_release(&start.component).map(|release| ground.now - release.at),
        now: ground.now,
    };
    let Judgement { severity, advice, .. } = rules::judge(procedure, &case);
    let slots = advice.slots.iter().map(|slot| {
        let title = procedure.role(&slot.role).map_or_else(|| slot.role.clone(), |role| role.title.clone());
        let holders: Vec<&str> = facts.holders(slot.duty).map(|(_, fact)| fact.name.as_str()).collect();
        let holders = if holders.is_empty() { "nobody holds this role".to_owned() } else { holders.join(", ") };
        let does = match slot.kind {
            crate::domain::procedure::SlotKind::Approve => "authorises",
            crate::domain::procedure::SlotKind::Review => "judges feasibility",
            crate::domain::procedure::SlotKind::InformBefore => "is told before",
            crate::domain::procedure::SlotKind::InformAfter => "is told afterwards",
        };
        (format!("{title} {does}"), holders)
    });
    let own = |category: &str| procedure.category(category).is_some_and(|category| category.always_own_incident);
    let joins = ground.open.iter().find(|(_, _, category)| !own(category) && !own(&trigger.category));
    Some(Verdict {
        severity: severity.key().to_owned(),
        decision: advice.decision,
        because: advice.because.clone(),
        otherwise: advice.otherwise.clone(),
        authority: advice.authority.clone(),
        slots: slots.collect(),
        target: match facts.previous_stable(&start.component) {
            Some(release) => format!("{}, the previous stable release", release.name),
            None => "none known: the register has no earlier release that ran long enough".to_owned(),
        },
        joins: joins.map(|(incident, title, _)| (incident.clone(), title.clone())),
    })
}

/// The page; `start` is what a form that came back asked for, where it could be read.
async fn show(app: &AppState, who: &SignedIn, start: Option<&Start>, back: Returned) -> Result<Response, WebError> {
    let (environment, component) =
        start.map_or(("", ""), |start| (start.environment.as_str(), start.component.as_str()));
    let ground = ground(app, environment, component).await?;
    let status = back.status();
    Ok((status, page(&view(app, who, &ground, start, back))?).into_response())
}

fn view(app: &AppState, who: &SignedIn, ground: &Ground, start: Option<&Start>, back: Returned) -> View {
    let procedure = &*ground.procedure;
    let typed = &back.typed;
    let choices = |category: &str| -> Vec<Choice> {
        let of = procedure.triggers.iter().filter(|trigger| trigger.category == category);
        of.map(|trigger| Choice {
            value: trigger.name.clone(),
            text: trigger.text.clone(),
            chosen: typed.text("trigger") == trigger.name,
        })
        .collect()
    };
    let (none, some): (Vec<_>, Vec<_>) =
        procedure.categories.iter().partition(|category| category.decision == Decision::NotRequired);
    let groups = some.into_iter().map(|category| Group {
        title: category.title.clone(),
        decision: category.decision.to_string(),
        triggers: choices(&category.name),
    });
    let places = app.incidents.site.environments.iter().flat_map(|(environment, profile)| {
        profile.components.iter().map(move |component| (environment.clone(), component.clone()))
    });
    let places: Vec<(String, String)> = places.collect();
    let only = places.len() == 1;
    let scripts = Scripts(&app.incidents.site);
    let facts = ground.gathered.facts(&scripts);
    let command = Command::Join { trigger: blank() };
    let may = authority::may(&Who::Person(who.person.clone()), &command, None, &facts).err();
    let severity = |severity: Severity| Choice {
        value: severity.key().to_owned(),
        text: severity.key().to_owned(),
        chosen: typed.text("severity") == severity.key(),
    };
    View {
        layout: Layout::of(who, "Start a rollback", Here::Rollbacks, ground.now),
        groups: groups.filter(|group: &Group| !group.triggers.is_empty()).collect(),
        none_required: none.into_iter().flat_map(|category| choices(&category.name)).collect(),
        places: places
            .into_iter()
            .map(|(environment, component)| {
                let value = format!("{environment}/{component}");
                Choice {
                    chosen: only || typed.text("place") == value,
                    text: format!("{component}, {environment}"),
                    value,
                }
            })
            .collect(),
        severities: Severity::ALL.into_iter().map(severity).collect(),
        saw: typed.text("saw").to_owned(),
        since: typed.text("since").to_owned(),
        outage: typed.has("outage"),
        users: typed.text("users").to_owned(),
        verdict: start.and_then(|start| judged(app, ground, start)),
        may,
        refused: back.refused,
        faults: back.faults.0,
        intent: clock::fresh_id(),
    }
}

/// Stands in for a trigger that nobody has described yet, to ask who may raise one.
fn blank() -> TriggerSeen {
    TriggerSeen {
        name: String::new(),
        text: String::new(),
        category: String::new(),
        fingerprint: String::new(),
        saw: String::new(),
        evidence: String::new(),
        seen_at: Timestamp(0),
    }
}

/// What the page is opened for: chosen already, to be changed at will.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct For {
    trigger: String,
    place: String,
}

/// The page's address with this trigger and place chosen.
pub fn start_for(trigger: &str, environment: &str, component: &str) -> String {
    let place = format!("{environment}/{component}");
    let chosen = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("trigger", trigger)
        .append_pair("place", &place)
        .finish();
    format!("/start?{chosen}")
}

async fn get(State(app): State<AppState>, who: SignedIn, Query(opened): Query<For>) -> Result<Response, WebError> {
    let typed = Typed::of([("trigger", opened.trigger), ("place", opened.place)]);
    show(&app, &who, None, Returned { typed, ..Returned::default() }).await
}

async fn post(State(app): State<AppState>, who: SignedIn, form: Checked<Start>) -> Result<Response, WebError> {
    let typed = form.typed;
    let start = match &form.value {
        Ok(start) => start,
        Err(faults) => return show(&app, &who, None, Returned::faulty(typed, faults.clone())).await,
    };
    let ground = ground(&app, &start.environment, &start.component).await?;
    let mut faults = Faults::default();
    if ground.procedure.trigger(&start.trigger).is_none() {
        faults.add("trigger", "The playbook has no such trigger. Choose one from the list.");
    }
    if start.since.is_some_and(|since| since > ground.now) {
        faults.add("since", format_args!("It lies in the future. It is {} now.", ground.now));
    }
    if !faults.is_empty() || start.check {
        return show(&app, &who, Some(start), Returned::faulty(typed, faults.named::<Start>())).await;
    }
    let raised = Raised {
        title: String::new(),
        environment: start.environment.clone(),
        component: start.component.clone(),
        trigger: start.seen(&ground.procedure, &who, ground.now),
        severity: start.severity,
        outage: start.outage,
        users_affected_ppm: start.users_affected_ppm,
    };
    let intent = (!start.intent.is_empty()).then(|| start.intent.clone());
    match app.incidents.raise(actor(&who), raised, intent).await {
        Ok(accepted) => Ok(Redirect::to(&format!("/incidents/{}", accepted.incident.id)).into_response()),
        // Somebody was quicker by a moment: the room of the cause is where to go.
        Err(SubmitError::Refused(refusal)) if refusal.kind == RefusalKind::AlreadyDone && !ground.open.is_empty() => {
            Ok(Redirect::to(&format!("/incidents/{}", ground.open[0].0)).into_response())
        }
        Err(SubmitError::Refused(refusal)) => show(&app, &who, Some(start), Returned::refused(typed, refusal)).await,
        Err(other) => Err(acting::error(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_users_is_read_exactly() {
        for (typed, ppm) in [("12", 120_000), ("0.5", 5_000), ("0,0001", 1), ("100 %", 1_000_000), ("0", 0)] {
            assert_eq!(share(typed), Ok(Some(ppm)), "{typed}");
        }
        assert_eq!(share(" "), Ok(None));
        for wrong in ["-1", "100.1", "many", "1.23456", "1e3", ".", "99999"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    use crate::web::sample::{COMPONENT, ENVIRONMENT, World};

    fn typed<'a>(trigger: &'a str, to_do: &'a str, saw: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("trigger", trigger),
            ("place", "production/crisis-detection"),
            ("saw", saw),
            ("since", ""),
            ("users", ""),
            ("severity", ""),
            ("intent", "01890000-0000-7000-8000-000000000001"),
            ("do", to_do),
        ]
    }

    #[tokio::test]
    async fn every_trigger_of_the_playbook_can_be_raised_by_hand_and_the_four_cases_for_none_stand_beside() {
        let world = World::new().await;
        let shown = world.signed_in("sam").await.get("/start").await;
        assert_eq!(shown.status, StatusCode::OK);
        let procedure = crate::playbook::default_procedure();
        assert_eq!(shown.body.matches("name=\"trigger\"").count(), procedure.triggers.len());
        let none = procedure.triggers.iter().filter(|trigger| {
            procedure.category(&trigger.category).is_some_and(|category| category.decision == Decision::NotRequired)
        });
        assert_eq!(none.count(), 4);
        assert!(shown.body.contains(&format!("{ENVIRONMENT}/{COMPONENT}")));
    }

    #[tokio::test]
    async fn who_comes_with_trigger_and_place_is_not_told_to_choose_them() {
        let world = World::new().await;
        let mut support = world.signed_in("sam").await;
        let place = "place=production%2Fcrisis-detection";
        for (query, told) in
            [(String::new(), true), (place.to_owned(), true), (format!("trigger=crisis-detection&{place}"), false)]
        {
            let words = support.get(&format!("/start?{query}")).await.words();
            assert_eq!(words.contains("Choose what is wrong and where"), told, "{query}: {words}");
            assert!(words.contains("heck what the rules say"), "{words}");
        }
    }

    #[tokio::test]
    async fn a_check_says_what_the_rules_say_and_opens_nothing() {
        let world = World::new().await;
        let mut support = world.signed_in("sam").await;
        let shown = support.post("/start", &typed("crisis-detection", "check", "")).await;
        assert_eq!(shown.status, StatusCode::OK);
        let words = shown.words();
        assert!(words.contains("P0 Immediate rollback"), "{words}");
        assert!(words.contains("needs the incident commander alone") && words.contains("Maya Okafor"), "{words}");
        assert!(words.contains("4.11.3, the previous stable release"), "{words}");
        assert!(shown.body.contains("value=\"crisis-detection\" checked"), "what was chosen stays chosen");
        assert!(world.app.store.open_all().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn raising_leads_to_the_room_and_sent_twice_it_opens_one_incident() {
        let world = World::new().await;
        let mut support = world.signed_in("sam").await;
        let fields = typed("crisis-detection", "raise", "no message was flagged");
        for _ in 0..2 {
            let answer = support.post("/start", &fields).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/incidents/RB-0001"));
        }
        assert_eq!(world.app.store.open_all().await.unwrap().len(), 1);
        let incident = world.app.incidents.incident("RB-0001").await.unwrap();
        let seen = &incident.triggers[0];
        assert_eq!(seen.fingerprint, "manual/crisis-detection/production/crisis-detection");
        assert_eq!(seen.saw, "no message was flagged");
    }

    #[tokio::test]
    async fn raising_needs_evidence_and_a_time_that_was() {
        let world = World::new().await;
        let mut support = world.signed_in("sam").await;
        let without = support.post("/start", &typed("crisis-detection", "raise", " ")).await;
        assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(without.words().contains("Say what was seen"), "{}", without.words());
        let mut later = typed("crisis-detection", "raise", "seen");
        later[3].1 = "2099-01-01T00:00";
        let future = support.post("/start", &later).await;
        assert_eq!(future.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(future.words().contains("It lies in the future"), "{}", future.words());
        assert!(world.app.store.open_all().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_observer_sees_who_may_raise_it_and_no_button() {
        let world = World::new().await;
        let mut observer = world.signed_in("olga").await;
        let shown = observer.get("/start").await;
        assert!(shown.words().contains("anyone in the role support"), "{}", shown.words());
        assert!(!shown.body.contains("value=\"raise\""));
        let refused = observer.post("/start", &typed("crisis-detection", "raise", "seen")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}
