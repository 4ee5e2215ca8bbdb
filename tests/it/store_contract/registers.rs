//! What a rollback can go back to, and the playbooks it goes by.

use super::{T, after};
use backout::domain::Timestamp;
use backout::store::{Registered, Store, StoreError, StoredPlaybook};

pub async fn what_can_be_gone_back_to(store: &Store) {
    let release = Registered {
        checksum: "sha256:1".into(),
        added_by: "p-ada".into(),
        migrations: "reversible".into(),
        ..Registered::fresh("release", "production", "checkout", "2.4.1", T)
    };
    store.register(&release).await.unwrap();
    assert_eq!(store.register(&release).await, Err(StoreError::Duplicate));
    let backup = Registered { kind: "backup".into(), at: after(5), verified_at: Some(after(6)), ..release.clone() };
    store.register(&backup).await.unwrap();
    let elsewhere = Registered { environment: "staging".into(), at: after(9), ..release.clone() };
    store.register(&elsewhere).await.unwrap();
    let unheard_of = Registered { kind: "rumour".into(), ..release.clone() };
    assert!(matches!(store.register(&unheard_of).await, Err(StoreError::Corrupt(_))));
    assert!(store.mark_verified("release", "production", "checkout", "2.4.1", after(7)).await.unwrap());
    assert!(!store.mark_verified("config", "production", "checkout", "2.4.1", after(7)).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    assert!(tx.runs_again("production", "checkout", "2.4.1", after(8)).await.unwrap());
    assert!(!tx.runs_again("production", "checkout", "9.9.9", after(8)).await.unwrap());
    assert!(tx.rolled_back_from("production", "checkout", "2.4.1", after(7), "RB-0001").await.unwrap());
    assert!(!tx.rolled_back_from("staging", "basket", "2.4.1", after(7), "RB-0001").await.unwrap());
    tx.commit().await.unwrap();
    let release = Registered {
        verified_at: Some(after(7)),
        again_at: Some(after(8)),
        left_at: Some(after(7)),
        left_in: "RB-0001".into(),
        ..release
    };
    assert_eq!(store.registered("production", "checkout").await.unwrap(), [backup.clone(), release.clone()]);
    assert_eq!(store.registered_all().await.unwrap(), [elsewhere, backup, release]);
    what_was_undone(store).await;
}

/// The marks of the releases 1, 2 and 3 of one component, which first ran so many seconds after `T`.
pub async fn what_was_undone(store: &Store) {
    let line = |kind: &str, environment: &str, component: &str, second: i64| {
        Registered::fresh(kind, environment, component, &second.to_string(), after(second))
    };
    for second in [1, 2, 3] {
        store.register(&line("release", "production", "mail", second)).await.unwrap();
    }
    for (kind, environment, component) in
        [("backup", "production", "mail"), ("release", "staging", "mail"), ("release", "production", "queue")]
    {
        store.register(&line(kind, environment, component, 2)).await.unwrap();
    }
    let marks = async || -> [Option<Timestamp>; 3] {
        let known = store.registered_all().await.unwrap();
        let (mail, others): (Vec<_>, Vec<_>) = known
            .into_iter()
            .partition(|line| line.kind == "release" && line.environment == "production" && line.component == "mail");
        assert!(others.iter().all(|line| line.undone_at.is_none()), "{others:?}");
        ["1", "2", "3"].map(|name| mail.iter().find(|line| line.name == name).unwrap().undone_at)
    };
    let brought_back = async |to: Timestamp, undone: Timestamp| {
        let mut tx = store.begin().await.unwrap();
        tx.data_brought_back("production", "mail", to, undone).await.unwrap();
        tx.commit().await.unwrap();
    };
    // What first ran at the very moment of the backup is in it, and what began with the restoring is not undone by it.
    brought_back(after(1), after(3)).await;
    assert_eq!(marks().await, [None, Some(after(3)), None]);
    brought_back(after(2), after(9)).await;
    assert_eq!(marks().await, [None, Some(after(3)), Some(after(9))]);
    brought_back(after(0), after(8)).await;
    assert_eq!(marks().await, [Some(after(8)); 3], "the newest bringing back counts");
    let reverted = async |kept: Option<Timestamp>| {
        let mut tx = store.begin().await.unwrap();
        tx.undoing_reverted("production", "mail", kept).await.unwrap();
        tx.commit().await.unwrap();
    };
    reverted(Some(after(8))).await;
    assert_eq!(marks().await, [Some(after(8)); 3], "undone when the backup was taken");
    reverted(Some(after(2))).await;
    assert_eq!(marks().await, [None, None, Some(after(8))], "the third did not run yet");
    reverted(Some(after(7))).await;
    assert_eq!(marks().await, [None; 3], "the backup is from before the undoing");
    brought_back(after(0), after(9)).await;
    reverted(None).await;
    assert_eq!(marks().await, [None; 3], "nobody knows what the data holds");
    let restored = async |at: Timestamp| {
        let mut tx = store.begin().await.unwrap();
        tx.data_restored("production", "mail", at).await.unwrap();
        tx.commit().await.unwrap();
        let known = store.registered_all().await.unwrap();
        let marked = known.iter().filter(|line| line.restored_at == Some(at));
        marked.map(|line| (line.component.clone(), line.kind.clone(), line.name.clone())).collect::<Vec<_>>()
    };
    let release = |name: &str| ("mail".to_owned(), "release".to_owned(), name.to_owned());
    assert_eq!(restored(after(2)).await, [release("2"), release("1")], "the third did not run yet");
    assert_eq!(restored(after(9)).await, ["3", "2", "1"].map(release));
}

pub async fn playbooks_and_settings(store: &Store) {
    let first = StoredPlaybook {
        hash: "b1".into(),
        text: "title = \"Rollback\"\n".into(),
        title: "Rollback".into(),
        version: "1".into(),
        used_at: T,
        used_by: "p-ada".into(),
    };
    let second = StoredPlaybook { hash: "b2".into(), used_at: after(1), ..first.clone() };
    assert!(store.add_playbook(&first).await.unwrap());
    assert!(!store.add_playbook(&first).await.unwrap(), "its text is known");
    assert!(store.add_playbook(&second).await.unwrap());
    assert_eq!(store.playbook("b1").await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.playbook("b9").await.unwrap(), None);
    assert_eq!(store.playbooks().await.unwrap(), [second.clone(), first.clone()]);
    let again = StoredPlaybook { used_at: after(2), used_by: "p-bo".into(), ..first };
    assert!(!store.add_playbook(&again).await.unwrap());
    assert_eq!(store.playbooks().await.unwrap(), [again, second], "the one last taken into use is first");
    assert_eq!(store.setting("playbook/current").await.unwrap(), None);
    store.put_setting("playbook/current", "b1").await.unwrap();
    store.put_setting("playbook/current", "b2").await.unwrap();
    assert_eq!(store.setting("playbook/current").await.unwrap().as_deref(), Some("b2"));
}
