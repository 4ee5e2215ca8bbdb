use crate::access::accounts::change_roles;
use crate::domain::Role;
use crate::domain::command::{Approve, Command};
use crate::domain::event::Mark;
use crate::domain::plan::digest;
use crate::domain::procedure::{RollbackType, TargetKind};
use crate::domain::state::AttemptStatus;
use crate::web::sample::{Answer, BACKUP, BAD, OLDER, STABLE, World};
use axum::http::StatusCode;

/// The value of a hidden field of the page, the first of its name in the form of this action.
pub fn hidden(page: &Answer, action: &str, name: &str) -> String {
    let form = page.body.split(&format!("action=\"{action}\"")).nth(1).expect("the page has this form");
    let field = form.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("the form has this field");
    field.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_shows_the_whole_plan_and_the_red_button_says_what_it_does() {
    let world = World::new().await;
    let id = world.critical().await;
    let page = world.signed_in("maya").await.get(&format!("/incidents/{id}/approve")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let words = page.words();
    let digest = world.digest(&id).await;
    for part in [
        BAD,
        STABLE,
        "scripts/deploy/rollback.sh --version 4.11.3 --environment production",
        "Time limit 10 min",
        "Granted variables none",
        "Not part of this plan Restore the database from a backup",
        "Changes since none",
        digest.as_str(),
        "Authorise and start rollback to 4.11.3",
    ] {
        assert!(words.contains(part), "{part} is missing: {words}");
    }
}

#[tokio::test]
async fn what_nobody_knows_of_a_backup_typed_by_hand_is_said_to_those_who_judge_it() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut tomas = world.signed_in("tomas").await;
    let older = format!("release/crisis-detection/{OLDER}");
    let says = "4.11.2 lies behind the destructive migration of 4.11.2-hotfix; whether weekly-tape is from before it is not \
                known.";
    for destructive in [false, true] {
        if destructive {
            world.register("release", "4.11.2-hotfix", 600, "destructive").await;
        }
        let form = [
            ("attempt", "1"),
            ("act", "submit"),
            ("kind", "full"),
            ("component", "crisis-detection"),
            ("reason", if destructive { "it is all that there is" } else { "it is safe" }),
            ("target", older.as_str()),
            ("free_backup", "weekly-tape"),
        ];
        let done = tomas.post(&format!("/incidents/{id}/plan"), &form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
        for page in ["approve", "impact"] {
            let words = world.signed_in("maya").await.get(&format!("/incidents/{id}/{page}")).await.words();
            assert_eq!(words.contains(says), destructive, "{page}: {words}");
        }
    }
}

/// A name is no proof: what was registered under it since may be another backup.
#[tokio::test]
async fn a_backup_typed_by_hand_stays_unknown_when_one_of_its_name_is_registered_since() {
    let world = World::new().await;
    let id = world.critical().await;
    world.register("release", "4.11.2-hotfix", 600, "destructive").await;
    let older = format!("release/crisis-detection/{OLDER}");
    let form = [
        ("attempt", "1"),
        ("act", "submit"),
        ("kind", "full"),
        ("component", "crisis-detection"),
        ("reason", "it is all that there is"),
        ("target", older.as_str()),
        ("free_backup", "weekly-tape"),
    ];
    let done = world.signed_in("tomas").await.post(&format!("/incidents/{id}/plan"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    world.register("backup", "weekly-tape", 700, "none").await;
    let words = world.signed_in("maya").await.get(&format!("/incidents/{id}/approve")).await.words();
    assert!(words.contains("whether weekly-tape is from before it is not known."), "{words}");
    assert!(!words.contains("Verified 20"), "the proof of its namesake: {words}");
    let impact = world.signed_in("maya").await.get(&format!("/incidents/{id}/impact")).await.words();
    assert!(impact.contains("What was written since the backup was taken is lost."), "{impact}");
    let incident = world.authorised(&id).await;
    assert!(incident.current().unwrap().start_ordered.is_none(), "one that is known would do: it has to be chosen");
}

#[tokio::test]
async fn the_commander_authorises_and_waives_in_one_act_and_the_start_is_ordered() {
    let world = World::new().await;
    let id = world.critical().await;
    let path = format!("/incidents/{id}/approve");
    let mut maya = world.confirmed("maya").await;
    let page = maya.get(&path).await;
    let digest = hidden(&page, &path, "digest");
    let waive: Vec<&str> =
        page.body.split("name=\"waive\" value=\"").skip(1).map(|it| it.split('"').next().unwrap()).collect();
    let intent = hidden(&page, &path, "intent");
    let mut fields = vec![
        ("intent", intent.as_str()),
        ("attempt", "1"),
        ("digest", digest.as_str()),
        ("slot", "incident_commander"),
        ("starts", "yes"),
        ("phrase", " 4.11.3 "),
        ("comment", "go"),
        ("waive_reason", "people are in danger"),
    ];
    fields.extend(waive.iter().map(|item| ("waive", *item)));
    let done = maya.post(&path, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert_eq!(done.location(), format!("/incidents/{id}#decision"));
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let attempt = incident.current().unwrap();
    assert_eq!(attempt.approvals.len(), 1);
    assert!(attempt.start_ordered.is_some());
    let again = maya.post(&path, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "a repeated post answers as the first");
}

#[tokio::test]
async fn a_wrong_phrase_is_told_beside_the_field_and_nothing_typed_is_lost() {
    let world = World::new().await;
    let id = world.critical().await;
    let path = format!("/incidents/{id}/approve");
    let mut maya = world.confirmed("maya").await;
    let digest = world.digest(&id).await;
    let fields = [
        ("intent", ""),
        ("starts", "yes"),
        ("attempt", "1"),
        ("digest", digest.as_str()),
        ("slot", "incident_commander"),
        ("phrase", "4.11"),
        ("comment", "I read it"),
        ("waive_reason", "urgent"),
    ];
    let refused = maya.post(&path, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.words().contains("“4.11” is not the phrase of this plan"), "{}", refused.words());
    assert!(refused.body.contains("value=\"I read it\""));
    assert!(refused.body.contains("role=\"alert\""));
    let incident = world.app.incidents.incident(&id).await.unwrap();
    assert!(incident.current().unwrap().approvals.is_empty());
}

#[tokio::test]
async fn a_plan_that_changed_after_it_was_read_is_not_approved() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut maya = world.confirmed("maya").await;
    let fields = [("attempt", "1"), ("digest", &"0".repeat(64)), ("slot", "incident_commander"), ("phrase", STABLE)];
    let refused = maya.post(&format!("/incidents/{id}/approve"), &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.words().contains("the plan was changed after you opened this page"));
}

#[tokio::test]
async fn who_may_not_authorise_sees_why_and_no_button() {
    let world = World::new().await;
    let id = world.critical().await;
    for login in ["helen", "sam", "olga", "noor", "ada"] {
        let page = world.signed_in(login).await.get(&format!("/incidents/{id}/approve")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("button-destructive"), "{login} sees the red button");
        assert!(page.words().contains("No, because"), "{login}: {}", page.words());
    }
}

#[tokio::test]
async fn authorising_asks_for_a_fresh_confirmation_and_declining_does_not() {
    let world = World::new().await;
    let id = world.critical().await;
    let digest = world.digest(&id).await;
    let mut maya = world.signed_in("maya").await;
    let page = maya.get(&format!("/incidents/{id}/approve")).await.body;
    let open = page.split("name=\"waive\" value=\"").skip(1).map(|it| it.split('"').next().unwrap());
    let mut fields = vec![("attempt", "1"), ("digest", &digest), ("slot", "incident_commander"), ("phrase", STABLE)];
    fields.extend([("starts", "yes"), ("waive_reason", "people are in danger")]);
    fields.extend(open.map(|item| ("waive", item)));
    let asked = maya.post(&format!("/incidents/{id}/approve"), &fields).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    let answer = [("attempt", "1"), ("digest", digest.as_str()), ("act", "decline"), ("reason", "")];
    let empty = maya.post(&format!("/incidents/{id}/answer"), &answer).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "declining needs a reason");
    let answer = [("attempt", "1"), ("digest", digest.as_str()), ("act", "decline"), ("reason", "a hotfix is out")];
    let declined = maya.post(&format!("/incidents/{id}/answer"), &answer).await;
    assert_eq!(declined.status, StatusCode::SEE_OTHER);
    let incident = world.app.incidents.incident(&id).await.unwrap();
    assert_eq!(incident.current().unwrap().status(), AttemptStatus::Rejected);
}

/// A plan that starts with the last of two authorisations, Maya's and Tomás's.
async fn two_gates(world: &World) -> String {
    world.playbook(&[TWO_GATES]).await;
    world.critical().await
}

const TWO_GATES: (&str, &str) = (
    "slots = [{ role = \"incident_commander\", kind = \"approve\" }]",
    "slots = [{ role = \"incident_commander\", kind = \"approve\" }, { role = \"technical_lead\", kind = \"approve\" }]",
);

async fn tomas_authorises(world: &World, id: &str) {
    let mut tomas = world.confirmed("tomas").await;
    let path = format!("/incidents/{id}/approve");
    let page = tomas.get(&path).await;
    let [digest, starts] = ["digest", "starts"].map(|name| hidden(&page, &path, name));
    let fields =
        [("attempt", "1"), ("digest", &digest), ("slot", "technical_lead"), ("starts", &starts), ("phrase", STABLE)];
    let done = tomas.post(&path, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
}

/// What Maya's page sends, waiving what is open.
fn mayas_form(page: &Answer, path: &str) -> Vec<(&'static str, String)> {
    let waive = page.body.split("name=\"waive\" value=\"").skip(1).map(|it| it.split('"').next().unwrap().to_owned());
    let mut fields: Vec<(&str, String)> =
        ["attempt", "digest", "slot", "starts"].map(|name| (name, hidden(page, path, name))).into();
    fields.extend([("phrase", STABLE.to_owned()), ("waive_reason", "urgent".to_owned())]);
    fields.extend(waive.map(|item| ("waive", item)));
    fields
}

fn lent<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// How many approvals stand, and whether the start is ordered.
async fn stands(world: &World, id: &str) -> (usize, bool) {
    let incident = world.app.incidents.incident(id).await.unwrap();
    let attempt = incident.current().unwrap();
    (attempt.approvals.len(), attempt.start_ordered.is_some())
}

#[tokio::test]
async fn an_authorisation_whose_button_named_no_start_never_starts() {
    for confirmed_before in [false, true] {
        let world = World::new().await;
        let id = two_gates(&world).await;
        let path = format!("/incidents/{id}/approve");
        let mut maya = if confirmed_before { world.confirmed("maya").await } else { world.signed_in("maya").await };
        let page = maya.get(&path).await;
        let sent = mayas_form(&page, &path);
        assert!(page.words().contains("Authorise rollback to 4.11.3"), "{}", page.words());
        if !confirmed_before {
            let asked = maya.post(&path, &lent(&sent)).await;
            assert!(asked.words().contains("one press remains: Authorise rollback to 4.11.3"), "{}", asked.words());
        }
        tomas_authorises(&world, &id).await;
        if !confirmed_before {
            // From here on the form is rehearsed in vain too.
            let refused = maya.post(&path, &lent(&sent)).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.words());
            assert!(!refused.body.contains("type=\"password\""), "no password for nothing");
            maya = world.confirmed("maya").await;
        }
        let refused = maya.post(&path, &lent(&sent)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.words());
        let told = "Nothing else is waited for by now: this would start it. Read the button again.";
        assert!(refused.words().contains(told), "{}", refused.words());
        assert_eq!(stands(&world, &id).await, (1, false), "nothing is stored");
        assert!(refused.words().contains("Authorise and start rollback to 4.11.3"), "{}", refused.words());
        let done = maya.post(&path, &lent(&mayas_form(&refused, &path))).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
        assert_eq!(stands(&world, &id).await, (2, true));
    }
}

#[tokio::test]
async fn an_authorisation_whose_button_named_the_start_is_none_without_it() {
    let world = World::new().await;
    let id = two_gates(&world).await;
    let path = format!("/incidents/{id}/approve");
    tomas_authorises(&world, &id).await;
    let mut maya = world.confirmed("maya").await;
    let sent = mayas_form(&maya.get(&path).await, &path);
    let digest = world.digest(&id).await;
    world.acts("tomas", &id, Command::WithdrawApproval { attempt: 1, digest }).await;
    let refused = maya.post(&path, &lent(&sent)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.words());
    assert!(refused.words().contains("this would not start it. Read the button again."), "{}", refused.words());
    assert_eq!(stands(&world, &id).await, (0, false), "nothing is stored");
}

/// Whose role is gone has authorised nothing any more: no button counts on it, and somebody else fills the slot.
#[tokio::test]
async fn the_approval_of_one_who_lost_the_role_is_no_approval_for_the_button_either() {
    let world = World::new().await;
    let id = two_gates(&world).await;
    let path = format!("/incidents/{id}/approve");
    tomas_authorises(&world, &id).await;
    let (store, now) = (&world.app.store, world.now());
    change_roles(store, "system", &world.id("tomas").0, &[Role::Observer], now).await.unwrap();
    let mut maya = world.confirmed("maya").await;
    let page = maya.get(&path).await;
    assert_eq!(hidden(&page, &path, "starts"), "", "{}", page.words());
    let done = maya.post(&path, &lent(&mayas_form(&page, &path))).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert_eq!(stands(&world, &id).await, (2, false));
    change_roles(store, "system", &world.id("sam").0, &[Role::TechnicalLead], now).await.unwrap();
    world.acts("sam", &id, Command::TakeRole { role: Role::TechnicalLead }).await;
    let page = world.signed_in("sam").await.get(&path).await;
    assert_eq!(hidden(&page, &path, "slot"), "technical_lead");
    assert_eq!(hidden(&page, &path, "starts"), "yes", "{}", page.words());
}

#[tokio::test]
async fn a_form_that_says_nothing_of_the_start_starts_nothing() {
    let world = World::new().await;
    let id = world.critical().await;
    let path = format!("/incidents/{id}/approve");
    let mut maya = world.confirmed("maya").await;
    let mut sent = mayas_form(&maya.get(&path).await, &path);
    sent.retain(|(name, _)| *name != "starts");
    assert_eq!(maya.post(&path, &lent(&sent)).await.status, StatusCode::CONFLICT);
    assert_eq!(stands(&world, &id).await, (0, false));
}

#[tokio::test]
async fn the_plan_downloads_as_the_very_bytes_that_were_hashed() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut olga = world.signed_in("olga").await;
    let plan = olga.get(&format!("/incidents/{id}/attempts/1/plan.json")).await;
    assert_eq!(digest(&plan.body), world.digest(&id).await);
    for missing in ["/incidents/RB-1/attempts/1/plan.json", "/incidents/RB-0001/attempts/7/plan.json"] {
        assert_eq!(olga.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn the_technical_lead_writes_the_feasibility_and_every_approver_reads_it() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut tomas = world.signed_in("tomas").await;
    let fields = [
        ("attempt", "1"),
        ("name", "feasibility"),
        ("section", "feasible"),
        ("text", "Yes, <b>the image is present</b>"),
        ("section", "risk"),
        ("text", "Each replica drains for 40 s"),
    ];
    let kept = tomas.post(&format!("/incidents/{id}/assess"), &fields).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.words());
    let page = world.signed_in("maya").await.get(&format!("/incidents/{id}/approve")).await;
    assert!(
        page.body.contains("Yes, &#60;b&#62;the image is present") || page.body.contains("Yes, &lt;b&gt;the image")
    );
    let mut sam = world.signed_in("sam").await;
    assert_eq!(sam.post(&format!("/incidents/{id}/assess"), &fields).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_authorises_a_restoration_reads_what_is_lost_by_it() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut tomas = world.signed_in("tomas").await;
    let (stable, backup) = (format!("release/crisis-detection/{STABLE}"), format!("backup/crisis-detection/{BACKUP}"));
    let form = [
        ("attempt", "1"),
        ("act", "submit"),
        ("kind", "full"),
        ("component", "crisis-detection"),
        ("reason", "the data is broken"),
        ("target", stable.as_str()),
        ("target", backup.as_str()),
    ];
    let done = tomas.post(&format!("/incidents/{id}/plan"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    let words = world.signed_in("maya").await.get(&format!("/incidents/{id}/approve")).await.words();
    assert!(
        words.contains(&format!("Everything written to the data of crisis-detection since {BACKUP} was taken ")),
        "{words}"
    );
    assert!(words.contains(" ago, is lost."), "{words}");
    assert!(words.contains(&format!("Authorise and start rollback to {STABLE}, restoring {BACKUP}")), "{words}");
}

/// A backup may be named as the release from before which it is.
#[tokio::test]
async fn the_button_names_the_restoration_of_a_backup_that_is_named_as_the_release() {
    let world = World::new().await;
    world.register("backup", STABLE, 300, "none").await;
    let id = world.critical().await;
    let targets = [format!("release/crisis-detection/{STABLE}"), format!("backup/crisis-detection/{STABLE}")];
    let mut form =
        vec![("attempt", "1"), ("act", "submit"), ("kind", "full"), ("component", "crisis-detection"), ("reason", "x")];
    form.extend(targets.iter().map(|target| ("target", target.as_str())));
    let done = world.signed_in("tomas").await.post(&format!("/incidents/{id}/plan"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    let words = world.signed_in("maya").await.get(&format!("/incidents/{id}/approve")).await.words();
    assert!(words.contains(&format!("Authorise and start rollback to {STABLE}, restoring {STABLE}")), "{words}");
}

/// No register tells whether it lies behind the point of no return, so nothing can refuse it.
#[tokio::test]
async fn a_release_typed_by_hand_upon_a_destructive_migration_is_for_the_approvers_to_judge() {
    let world = World::new().await;
    let says =
        "No register knows 4.10.0: nothing proves that it knows the destructive migration of 4.12.1, if it meets it.";
    world.register("release", "4.12.1", 0, "destructive").await;
    let id = world.critical().await;
    let form = [
        ("attempt", "1"),
        ("act", "submit"),
        ("kind", "partial"),
        ("component", "crisis-detection"),
        ("reason", "it worked then"),
        ("free_release", "4.10.0"),
    ];
    let done = world.signed_in("tomas").await.post(&format!("/incidents/{id}/plan"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    for page in ["approve", "impact"] {
        let words = world.signed_in("maya").await.get(&format!("/incidents/{id}/{page}")).await.words();
        assert!(words.contains(says), "{page}: {words}");
    }
}

/// An item of the checklist before the rollback, ticked by Tomás.
async fn ticked(world: &World, id: &str, item: &str) {
    let mark = Mark::Done { note: String::new() };
    world.acts("tomas", id, Command::Tick { attempt: 1, item: item.to_owned(), mark }).await;
}

/// Who signs last and may waive nothing starts nothing while required items are open, and reads so before pressing.
#[tokio::test]
async fn the_button_names_no_start_that_open_items_would_refuse() {
    let world = World::new().await;
    let item = "text = \"Assess data migration needs\"\nowner = \"technical_lead\"\n";
    world.playbook(&[(&format!("{item}required = false\n"), item), TWO_GATES]).await;
    let id = world.critical().await;
    let path = format!("/incidents/{id}/approve");
    let order = Approve {
        attempt: 1,
        digest: world.digest(&id).await,
        slot: "incident_commander".to_owned(),
        starts: Some(false),
        phrase: STABLE.to_owned(),
        comment: String::new(),
        waive: Vec::new(),
        waive_reason: String::new(),
    };
    world.acts("maya", &id, Command::Approve(order)).await;
    let mut tomas = world.confirmed("tomas").await;
    let page = tomas.get(&path).await;
    let words = page.words();
    assert!(words.contains("Authorise rollback to 4.11.3") && !words.contains("Authorise and start"), "{words}");
    let waits =
        "This is the last signature, but the start waits: required items are open: Assess data migration needs.";
    assert!(words.contains(waits) && words.contains("Starts not by itself"), "{words}");
    let sent: Vec<(&str, String)> = mayas_form(&page, &path);
    assert_eq!(hidden(&page, &path, "starts"), "");
    // What its button does not name does not happen, though the last item is ticked before it is pressed.
    ticked(&world, &id, "assess-data-migration").await;
    let refused = tomas.post(&path, &lent(&sent)).await;
    assert!(refused.words().contains("Nothing else is waited for by now: this would start it"), "{}", refused.words());
    assert_eq!(stands(&world, &id).await, (1, false));
    assert!(refused.words().contains("Authorise and start rollback to 4.11.3"), "{}", refused.words());
    // Nor is a start promised that is refused by then.
    let sent = mayas_form(&refused, &path);
    world.acts("tomas", &id, Command::Untick { attempt: 1, item: "assess-data-migration".to_owned() }).await;
    let refused = tomas.post(&path, &lent(&sent)).await;
    assert!(refused.words().contains("This was not done: required items are open: Assess data"), "{}", refused.words());
    assert_eq!(stands(&world, &id).await, (1, false));
    let done = tomas.post(&path, &lent(&mayas_form(&refused, &path))).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert_eq!(stands(&world, &id).await, (2, false));
}

/// The first thing that would run waits for items of its own.
#[tokio::test]
async fn the_button_names_no_start_while_the_first_action_waits_for_items() {
    let world = World::new().await;
    let id = world.restoring(None).await;
    let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
    draft.kind = RollbackType::Database;
    draft.targets.retain(|target| target.kind == TargetKind::Backup);
    world.acts("maya", &id, Command::EditPlan { attempt: 1, seen: None, draft }).await;
    world.acts("maya", &id, Command::SubmitPlan { attempt: 1 }).await;
    let path = format!("/incidents/{id}/approve");
    let words = world.signed_in("maya").await.get(&path).await.words();
    assert!(words.contains("Authorise rollback to bk-20260305") && !words.contains("Authorise and start"), "{words}");
    let waits = "the start waits: these items must be ticked first: Stop application writes, Backup current database";
    assert!(words.contains(waits), "{words}");
    let incident = world.authorised(&id).await;
    let attempt = incident.current().unwrap();
    assert!(attempt.start_ordered.is_none() && attempt.start_refused.is_some(), "nothing is left that could begin");
    let words = world.signed_in("tomas").await.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("Tick first: Stop application writes, Backup current database state"), "{words}");
}
