//! The log of a run, line by line as the script writes it.

use super::keys::types;
use super::{INCIDENT, MAYA, ROOM, Stage, TOMAS, a_release_fails};
use crate::browser_journey::person::Person;

/// Writes sixty lines, more as it is told to, and ends when it is told to.
const SCRIPT: &str = "#!/bin/sh
count=1
say() { echo \"line $count\"; count=$((count + 1)); }
told() { while [ ! -e \"$1\" ]; do sleep 0.05; done; }
while [ $count -le 60 ]; do say; done
told one-more; say
told two-more; say; say
told last; say
told end
";

async fn stands_at_its_end(person: &Person) -> bool {
    let script = "(log => log.scrollHeight > log.clientHeight + 100 \
                  && log.scrollHeight - log.scrollTop - log.clientHeight < 24)(document.querySelector('.log'))";
    person.page.value_of(script).await.as_bool().unwrap()
}

#[tokio::test]
async fn a_log_follows_its_end_unless_somebody_reads_further_up() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    stage.demo.places("scripts/deploy/rollback.sh", SCRIPT);
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    tomas.goes_to(ROOM).await;
    maya.authorises(INCIDENT, "4.11.3").await;
    let has = async |words: &str| tomas.text_of(".log").await.contains(words);
    let foot = async || tomas.text_of("[id^=count-]").await;

    tomas.page.until("the log to come", async || has("line 60").await).await;
    tomas.page.until("it to stand at its end", async || stands_at_its_end(&tomas).await).await;
    stage.demo.places("one-more", "");
    tomas.page.until("one more line", async || has("line 61").await).await;
    tomas.page.until("the log to follow", async || stands_at_its_end(&tomas).await).await;
    tomas.page.until("the foot to count it", async || foot().await == "61 lines").await;

    tomas.page.value_of("document.querySelector('.log').scrollTop = 0").await;
    stage.demo.places("two-more", "");
    tomas.page.until("two lines below", async || tomas.text_of(".log-more").await == "2 new lines").await;
    assert_eq!(tomas.page.value_of("document.querySelector('.log').scrollTop").await, 0, "it stays where he reads");
    tomas.page.until("the foot to count them", async || foot().await == "63 lines").await;
    tomas.presses("2 new lines").await;
    tomas.page.until("him to be at the end", async || stands_at_its_end(&tomas).await).await;
    assert_eq!(tomas.counts(".log-more").await, 0);

    tomas.page.value_of("document.querySelector('.log').scrollTop = 0").await;
    stage.demo.places("last", "");
    tomas.page.until("a line below", async || tomas.text_of(".log-more").await == "1 new line").await;
    types(&tomas, "l").await;
    tomas.page.until("the key to lead to the end", async || stands_at_its_end(&tomas).await).await;
    assert_eq!(tomas.counts(".log-more").await, 0);
    stage.demo.places("end", "");
    tomas.waits_at(ROOM, "main", "Succeeded").await;
    tomas.page.has_a_clean_console().await;
}

#[tokio::test]
async fn a_run_that_failed_is_announced_at_once() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    stage.demo.places("scripts/deploy/rollback.sh", "#!/bin/sh\nwhile [ ! -e end ]; do sleep 0.05; done\nexit 3\n");
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.authorises(INCIDENT, "4.11.3").await;
    maya.waits_at(ROOM, "#runs", "Running").await;
    maya.sees("Live").await;
    // What is announced is gone again soon.
    let hears = "(() => { window.heard = []; new MutationObserver(() => { for (const it of document.querySelectorAll('#say-now p')) \
                 if (!window.heard.includes(it.textContent)) window.heard.push(it.textContent) }) \
                 .observe(document.getElementById('say-now'), { subtree: true, childList: true, characterData: true }) })()";
    maya.page.value_of(hears).await;
    stage.demo.places("end", "");
    let heard = "window.heard.filter(it => /^Run RB-0001-1-1: .*failed/i.test(it)).length";
    maya.page.until("it to be said", async || maya.page.value_of(heard).await == 1).await;
}
