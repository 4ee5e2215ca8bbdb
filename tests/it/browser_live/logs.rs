//! The log of a run, line by line as the script writes it.

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
    assert_eq!(foot().await, "61 lines");

    tomas.page.value_of("document.querySelector('.log').scrollTop = 0").await;
    stage.demo.places("two-more", "");
    tomas.page.until("two lines below", async || tomas.text_of(".log-more").await == "2 new lines").await;
    assert_eq!(tomas.page.value_of("document.querySelector('.log').scrollTop").await, 0, "it stays where he reads");
    assert_eq!(foot().await, "63 lines");
    tomas.presses("2 new lines").await;
    tomas.page.until("him to be at the end", async || stands_at_its_end(&tomas).await).await;
    assert_eq!(tomas.counts(".log-more").await, 0);
    stage.demo.places("end", "");
    tomas.waits_at(ROOM, "main", "Succeeded").await;
    tomas.page.has_a_clean_console().await;
}
