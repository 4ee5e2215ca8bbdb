//! What people do in a rollback, page by page.

use super::demo::Demo;
use super::person::Person;
use serde_json::Value;

/// The success criteria that nothing measures: whoever leads has looked.
pub const JUDGED: [(&str, &str); 4] = [
    ("application-functional", "Signed in and bought something"),
    ("user-impact-resolved", "No new complaints"),
    ("safety-systems", "The alarm rang in the test"),
    ("data-integrity", "Three records, all readable"),
];

/// What is measured, beside its tick.
pub const MEASURED: [&str; 2] = ["error-rate-low", "response-time-low"];

fn room(incident: &str) -> String {
    format!("/incidents/{incident}")
}

/// Whoever is there before anybody signed in.
impl Person {
    /// One click at the target service, as a deployment pipeline would do it.
    pub async fn deploys_the_bad_release(&self, demo: &Demo) {
        self.page.visit(&demo.control()).await;
        self.presses("Deploy 4.12.0").await;
        self.sees("In service: 4.12.0").await;
    }
}

/// The room.
impl Person {
    pub async fn enters(&self, incident: &str) {
        self.goes_to(&room(incident)).await;
    }

    /// The band at the top of the room offers it.
    pub async fn takes_command(&self, incident: &str) {
        self.enters(incident).await;
        self.presses_in("next", "Take command").await;
        self.waits_at(&room(incident), "#place-incident_commander", &format!("{} (you)", self.name)).await;
    }

    pub async fn takes_the_lead(&self, incident: &str) {
        let mine = format!("{} (you)", self.name);
        // A live page may move under the press: whoever sees that nothing came of it presses again.
        for _ in 0..3 {
            self.enters(incident).await;
            if self.text_of("#place-technical_lead").await.contains(&mine) {
                return;
            }
            self.presses_in("place-technical_lead", "Take").await;
        }
        self.waits_at(&room(incident), "#place-technical_lead", &mine).await;
    }

    /// Waits until the head of the room says so.
    pub async fn finds_the_state(&self, incident: &str, state: &str) {
        self.waits_at(&room(incident), "#state", state).await;
    }

    pub async fn ticks(&self, incident: &str, list: &str, item: &str, note: &str) {
        self.enters(incident).await;
        let row = format!("item-{item}");
        if !self.page.the(&format!("#{row}")).await.is_displayed().await.unwrap() {
            self.page.click(&format!("#list-{list} > summary")).await;
        }
        self.presses_in(&row, "More").await;
        self.fills_in(&row, "Note, link or reason", note).await;
        self.presses_in(&row, "Tick with this note").await;
        let said = self.text_of(&format!("#{row}")).await;
        assert!(said.contains(self.name) && said.contains(note), "the tick has a name and its note: {said}");
    }

    pub async fn starts_it(&self, incident: &str) {
        self.enters(incident).await;
        self.presses_in("start", "Start rollback to").await;
        self.confirms_identity_if_asked().await;
    }

    pub async fn stops_it(&self, incident: &str, reason: &str) {
        self.goes_to(&format!("{}/stop", room(incident))).await;
        self.sees("Stopping does not undo").await;
        self.fills("Reason", reason).await;
        self.presses("Stop rollback to").await;
    }
}

/// The approve page.
impl Person {
    /// Reads everything that will be done, and finds that the digest is that of exactly these bytes.
    pub async fn reads_the_plan(&self, incident: &str, attempt: u32, demo: &Demo) -> Value {
        self.goes_to(&format!("{}/approve", room(incident))).await;
        let bytes = self.downloads(&format!("{}/attempts/{attempt}/plan.json", room(incident))).await;
        let plan: Value = serde_json::from_str(&bytes).expect("the plan is JSON");
        let file = demo.keep(&format!("{incident}-{attempt}-plan.json"), &bytes);
        let digest = demo.backout(&["plan", "digest", file.to_str().unwrap()]);
        self.presses("Everything that is fixed").await;
        self.sees(digest.trim()).await;
        self.presses("Exactly this, argument by argument").await;
        let shown = self.page.all_words().await;
        for action in plan["actions"].as_array().unwrap() {
            let arguments: Vec<&str> =
                action["argv"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            assert!(shown.contains(&arguments.join(" ")), "the command line of {action}:\n{shown}");
            for (place, argument) in arguments.iter().enumerate() {
                let line = format!("Argument {place} {argument}");
                let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(shown.contains(&line), "{line:?} of {action}:\n{shown}");
            }
        }
        plan
    }

    /// Types the phrase and presses the red button, in the slot that is theirs. Tells whether the password was asked
    /// for: it is not within five minutes.
    pub async fn authorises(&self, incident: &str, phrase: &str) -> bool {
        self.goes_to(&format!("{}/approve", room(incident))).await;
        self.fills("2. Type the target", phrase).await;
        self.presses("Authorise").await;
        self.confirms_identity_if_asked().await
    }

    /// Writes the first section of an assessment that is theirs to write.
    pub async fn assesses(&self, incident: &str, form: &str, section: &str, text: &str) {
        self.goes_to(&format!("{}/approve", room(incident))).await;
        let card = format!("//section[@aria-labelledby='assess-{form}']");
        self.presses_within(&card, "Write it").await;
        self.fills_within(&card, section, text).await;
        self.presses_within(&card, "Keep the assessment").await;
        self.sees(text).await;
    }
}

/// The plan, the registers, a trigger by hand.
impl Person {
    /// What was deployed a moment ago may have to be read back first; until then the page says what stands against the plan.
    pub async fn submits_the_plan(&self, incident: &str) {
        self.waits_without(&format!("{}/plan", room(incident)), "main", "As it stands").await;
        self.presses("Submit for approval").await;
        self.finds_the_state(incident, "Waiting for approval").await;
    }

    pub async fn withdraws_the_plan(&self, incident: &str, reason: &str) {
        self.goes_to(&format!("{}/plan", room(incident))).await;
        self.presses("Withdraw the plan").await;
        self.fills("Why it is withdrawn", reason).await;
        self.presses_the("button[value=withdraw]").await;
        self.finds_the_state(incident, "Withdrawn").await;
    }

    pub async fn registers(&self, kind: &str, name: &str) {
        self.goes_to("/registers").await;
        self.takes_from("Kind", kind).await;
        self.fills("Version or name", name).await;
        self.presses("Register").await;
        self.waits_at("/registers", "main", name).await;
    }

    /// Raises a trigger by hand; tells the incident that it opened.
    pub async fn raises(&self, trigger: &str, saw: &str) -> String {
        self.goes_to("/start").await;
        self.chooses(trigger).await;
        self.presses("Check").await;
        self.sees("Who decides").await;
        self.looks_at("start").await;
        self.fills("Evidence", saw).await;
        self.presses("Raise this trigger").await;
        self.sees("What triggered it").await;
        let place = self.place().await;
        place.trim_start_matches("/incidents/").split('#').next().unwrap_or_default().to_owned()
    }
}

/// The verify page.
impl Person {
    /// Waits until a criterion is met by its measurement.
    pub async fn finds_it_met(&self, incident: &str, criterion: &str) {
        self.waits_at(&format!("{}/verify", room(incident)), &format!("#trend-{criterion}"), "Met ").await;
    }

    /// A tick against what is measured needs a reason.
    pub async fn ticks_against_the_measurement(&self, incident: &str, criterion: &str, reason: &str) {
        self.waits_at(&format!("{}/verify", room(incident)), &format!("#criterion-{criterion}"), "Not met").await;
        let row = format!("criterion-{criterion}");
        // The browser itself refuses to send the form.
        self.page.click(&format!("#{row} button[value=done]")).await;
        let said = self.text_of(&format!("#{row}")).await;
        assert!(said.contains("so a tick needs a reason") && !said.contains("Confirmed"), "no reason, no tick: {said}");
        self.page.fill(&format!("#{row} input[name=note]"), reason).await;
        self.presses_in(&row, "Tick").await;
        let said = self.text_of(&format!("#{row}")).await;
        assert!(said.contains("Confirmed") && said.contains(reason), "{criterion} is ticked with its reason: {said}");
    }

    pub async fn ticks_the_criterion(&self, incident: &str, criterion: &str, note: &str) {
        self.goes_to(&format!("{}/verify", room(incident))).await;
        let row = format!("criterion-{criterion}");
        if !note.is_empty() {
            if self.counts(&format!("#{row} details")).await > 0 {
                self.presses_in(&row, "Add a note").await;
            }
            self.page.fill(&format!("#{row} input[name=note]"), note).await;
        }
        self.presses_in(&row, "Tick").await;
        let said = self.text_of(&format!("#{row}")).await;
        assert!(said.contains("Confirmed") && said.contains(self.name), "{criterion} is ticked: {said}");
    }

    /// A check of step 4, on the same page.
    pub async fn ticks_the_check(&self, incident: &str, check: &str) {
        self.goes_to(&format!("{}/verify", room(incident))).await;
        self.presses_in(&format!("item-{check}"), "Tick").await;
        let said = self.text_of(&format!("#item-{check}")).await;
        assert!(said.contains(self.name), "{check} is ticked: {said}");
    }

    pub async fn confirms_success(&self, incident: &str) {
        self.goes_to(&format!("{}/verify", room(incident))).await;
        self.presses("Confirm rollback succeeded").await;
        self.finds_the_state(incident, "Succeeded").await;
    }

    /// Ticks all that must be ticked, the measured ones once their measurement confirms them.
    pub async fn verifies(&self, incident: &str) {
        self.finds_the_state(incident, "Verifying").await;
        for criterion in MEASURED {
            self.finds_it_met(incident, criterion).await;
            self.ticks_the_criterion(incident, criterion, "").await;
        }
        for (criterion, note) in JUDGED {
            self.ticks_the_criterion(incident, criterion, note).await;
        }
        self.confirms_success(incident).await;
    }

    pub async fn sees_the_failure(&self, incident: &str, indicator: &str, note: &str) {
        self.goes_to(&format!("{}/verify", room(incident))).await;
        let row = format!("indicator-{indicator}");
        self.presses_the(&format!("#{row} summary")).await;
        self.page.click(&format!("#{row} input[value=seen]")).await;
        self.fills_in(&row, "What was seen", note).await;
        self.presses_in(&row, "Record").await;
        self.sees("1 failure indicator is seen").await;
    }

    pub async fn declares_the_failure(&self, incident: &str, reason: &str) {
        self.goes_to(&format!("{}/verify", room(incident))).await;
        self.fills_in("fail", "What shows that it failed", reason).await;
        self.presses_in("fail", "Declare rollback failed").await;
        self.finds_the_state(incident, "Failed").await;
    }
}

/// For machines.
impl Person {
    /// An administrator makes a token that reads, and copies it while it is shown.
    pub async fn makes_a_token(&self, machine: &str) -> String {
        self.goes_to("/tokens").await;
        self.fills("Which machine uses it", machine).await;
        self.presses("Make token").await;
        self.confirms_identity_if_asked().await;
        self.sees("This token is shown once").await;
        self.page.the("#token").await.prop("value").await.unwrap().expect("the token stands in its field")
    }
}

/// Afterwards.
impl Person {
    pub async fn writes(&self, incident: &str, section: &str, text: &str) {
        self.goes_to(&format!("{}/report", room(incident))).await;
        self.page.fill(&format!("#text-{section}"), text).await;
        self.presses_in(&format!("write-{section}"), "Save").await;
    }

    pub async fn closes(&self, incident: &str, outcome: &str, reason: &str) {
        self.goes_to(&format!("{}/close", room(incident))).await;
        self.looks_at(&format!("close-{}", outcome.to_lowercase().replace(' ', "-"))).await;
        self.chooses(outcome).await;
        self.fills("Reason", reason).await;
        self.presses("Close RB-").await;
        self.finds_the_state(incident, "Closed").await;
    }

    /// The summary that management reads: nothing is guessed until somebody says it, and then it stands there.
    pub async fn reads_the_summary(&self, incident: &str) {
        self.presses("Impact summary").await;
        self.sees("nobody has said yet what they feel").await;
        self.sees(&format!("{} (you)", self.name)).await;
        self.fills("What people feel", "One in three requests fails").await;
        self.fills("How many people", "12000").await;
        self.presses_the("#describe button[type=submit]").await;
        self.sees("12,000").await;
        self.sees("One in three requests fails, for").await;
        self.looks_at("impact").await;
        assert_eq!(self.place().await, format!("/incidents/{incident}/impact"));
    }

    /// The version that the incident keeps, and the list of all.
    pub async fn reads_the_playbook(&self) {
        self.goes_to("/playbook").await;
        self.sees("Error rate >10% for >5 minutes").await;
        self.looks_at("playbook").await;
        self.goes_to("/playbook/versions").await;
        self.sees("In use").await;
        self.looks_at("playbook-versions").await;
    }
}
