//! People, how they come in, and the tokens of machines.

use super::{T, after};
use backout::store::{NewLink, NewPerson, NewSession, NewToken, Store, StoreError};

pub async fn people(store: &Store) {
    let ada = NewPerson {
        id: "p-ada".into(),
        login: " Ada@Example.org".into(),
        name: "Ada".into(),
        password: Some("$argon2id$1".into()),
        roles: vec!["ic".into(), "admin".into()],
        created_at: T,
    };
    store.insert_person(&ada).await.unwrap();
    let bob = NewPerson { id: "p-bob".into(), login: "bob".into(), password: None, roles: vec![], ..ada.clone() };
    store.insert_person(&bob).await.unwrap();
    let same_login = NewPerson { id: "p-eve".into(), login: "ADA@example.ORG ".into(), ..ada.clone() };
    assert_eq!(store.insert_person(&same_login).await, Err(StoreError::Duplicate));
    assert_eq!(store.insert_person(&NewPerson { login: "eve".into(), ..ada }).await, Err(StoreError::Duplicate));

    let ada = store.person("p-ada").await.unwrap().unwrap();
    assert_eq!((ada.login.as_str(), ada.active, ada.epoch), ("ada@example.org", true, 0));
    assert_eq!((ada.roles.clone(), ada.password_changed_at), (vec!["ic".into(), "admin".into()], Some(T)));
    assert_eq!(store.person_by_login("ADA@example.org").await.unwrap(), Some(ada));
    assert_eq!(store.person_by_login("nobody").await.unwrap(), None);
    assert_eq!(store.person("p-nobody").await.unwrap(), None);

    assert!(store.set_roles("p-bob", &["tl".to_owned()]).await.unwrap());
    assert!(store.set_active("p-bob", false).await.unwrap());
    assert!(store.set_password("p-bob", "$argon2id$2", after(9)).await.unwrap());
    assert!(store.set_settings("p-bob", r#"{"theme":"light"}"#).await.unwrap());
    assert_eq!(store.bump_epoch("p-bob").await.unwrap(), Some(1));
    assert_eq!(store.bump_epoch("p-bob").await.unwrap(), Some(2));
    let bob = store.person("p-bob").await.unwrap().unwrap();
    assert_eq!((bob.name.as_str(), bob.roles.join(","), bob.active, bob.epoch), ("Ada", "tl".into(), false, 2));
    assert_eq!((bob.password.as_deref(), bob.password_changed_at), (Some("$argon2id$2"), Some(after(9))));
    assert_eq!((bob.created_at, bob.settings.as_str()), (T, r#"{"theme":"light"}"#));
    assert_eq!(store.people().await.unwrap().iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["p-ada", "p-bob"]);

    assert!(!store.set_roles("p-nobody", &[]).await.unwrap());
    assert!(!store.set_active("p-nobody", true).await.unwrap());
    assert!(!store.set_password("p-nobody", "x", T).await.unwrap());
    assert!(!store.set_settings("p-nobody", "{}").await.unwrap());
    assert_eq!(store.bump_epoch("p-nobody").await.unwrap(), None);
}

pub fn session(id: &str, person: Option<&str>) -> NewSession {
    NewSession {
        id_hash: id.into(),
        person: person.map(Into::into),
        data: "{}".into(),
        created_at: T,
        expires_at: after(60),
        user_agent: "Firefox".into(),
    }
}

pub async fn sessions(store: &Store) {
    assert!(store.create_session(&session("s1", None)).await.unwrap());
    assert!(!store.create_session(&session("s1", Some("p-bob"))).await.unwrap(), "a taken id is not overwritten");
    assert_eq!(store.load_session("s1", T).await.unwrap().unwrap().person, None);
    assert!(store.save_session("s1", Some("p-ada"), "{\"visits\":2}", after(120), after(10)).await.unwrap());
    let saved = store.load_session("s1", after(119)).await.unwrap().unwrap();
    assert_eq!((saved.person.as_deref(), saved.data.as_str()), (Some("p-ada"), "{\"visits\":2}"));
    assert_eq!((saved.created_at, saved.last_seen, saved.expires_at), (T, after(10), after(120)));
    let known = store.known("s1", after(119)).await.unwrap().unwrap();
    assert_eq!((known.data.as_str(), known.last_seen, known.expires_at), ("{\"visits\":2}", after(10), after(120)));
    assert_eq!(Some(known.person), store.person("p-ada").await.unwrap());
    assert_eq!(known.seq, store.head().await.unwrap().seq);
    assert_eq!(store.known("s1", after(120)).await.unwrap(), None, "past its end nobody is known by it");
    assert_eq!(store.load_session("s1", after(120)).await.unwrap(), None, "past its end it is not loaded");
    assert!(!store.save_session("s1", None, "{}", after(500), after(120)).await.unwrap(), "nor saved");
    assert!(store.touch_session("s1", after(20), after(130)).await.unwrap());
    assert!(!store.touch_session("s1", after(130), after(200)).await.unwrap());
    assert!(!store.touch_session("none", T, after(200)).await.unwrap());

    for id in ["s2", "s3"] {
        store.create_session(&session(id, Some("p-ada"))).await.unwrap();
    }
    store.create_session(&session("other", Some("p-bob"))).await.unwrap();
    store.create_session(&session("stranger", None)).await.unwrap();
    assert_eq!(store.known("stranger", T).await.unwrap(), None, "nobody's session");
    store.touch_session("s3", after(30), after(90)).await.unwrap();
    let of_ada = store.sessions_of("p-ada", after(40)).await.unwrap();
    assert_eq!(of_ada.iter().map(|s| s.id_hash.as_str()).collect::<Vec<_>>(), ["s3", "s1", "s2"]);
    assert_eq!(store.sessions_of("p-ada", after(60)).await.unwrap().len(), 2);
    let seen = store.last_seen(after(40)).await.unwrap();
    assert_eq!(seen, [("p-ada".to_owned(), after(30)), ("p-bob".to_owned(), T)]);
    assert!(store.last_seen(after(600)).await.unwrap().is_empty(), "whose session is over is not seen");
    let ids = ["s1", "s2", "s3", "none"].map(str::to_owned);
    assert_eq!(store.living_sessions(&ids, after(40)).await.unwrap().len(), 3);
    assert_eq!(store.living_sessions(&ids, after(60)).await.unwrap().len(), 2);
    let seen = store.load_session("s1", after(40)).await.unwrap().unwrap().last_seen;
    store.extend_sessions(&[("s1".into(), after(700)), ("none".into(), after(700))], after(40)).await.unwrap();
    let kept = store.load_session("s1", after(699)).await.unwrap().unwrap();
    assert_eq!((kept.last_seen, kept.expires_at), (seen, after(700)), "kept alive and not noted as used");
    store.extend_sessions(&[("s1".into(), after(50)), ("s2".into(), after(900))], after(500)).await.unwrap();
    assert_eq!(store.living_sessions(&ids, after(600)).await.unwrap(), [("s1".to_owned(), after(700))]);
    assert_eq!(store.delete_sessions_of("p-ada", Some("s3")).await.unwrap(), 2);
    assert_eq!(store.delete_sessions_of("p-ada", None).await.unwrap(), 1);
    assert!(store.delete_session("other").await.unwrap());
    assert!(!store.delete_session("other").await.unwrap());
    assert_eq!(store.delete_expired_sessions(after(59)).await.unwrap(), 0);
    assert_eq!(store.delete_expired_sessions(after(60)).await.unwrap(), 1);
}

pub async fn links_buckets_and_devices(store: &Store) {
    let link = NewLink {
        token_hash: "l1".into(),
        purpose: "invite".into(),
        person: Some("p-ada".into()),
        created_at: T,
        expires_at: after(60),
    };
    store.insert_link(&link).await.unwrap();
    assert_eq!(store.insert_link(&link).await, Err(StoreError::Duplicate));
    assert_eq!(store.link("l1", "invite", T).await.unwrap().unwrap().used_at, None);
    assert_eq!(store.link("l1", "reset", T).await.unwrap(), None);
    assert_eq!(store.take_link("l1", "reset", T).await.unwrap(), None, "a link serves its purpose only");
    assert_eq!(store.take_link("l1", "invite", after(60)).await.unwrap(), None, "at its end it is over");
    let taken = store.take_link("l1", "invite", after(59)).await.unwrap().unwrap();
    assert_eq!((taken.person.as_deref(), taken.used_at), (Some("p-ada"), Some(after(59))));
    assert_eq!(store.take_link("l1", "invite", after(59)).await.unwrap(), None, "and it is used once");
    assert_eq!(store.link("l1", "invite", T).await.unwrap(), None);
    store.insert_link(&NewLink { token_hash: "l2".into(), expires_at: after(90), ..link }).await.unwrap();
    assert_eq!(store.void_links("p-ada", "invite", T).await.unwrap(), 1);
    assert_eq!(store.take_link("l2", "invite", T).await.unwrap(), None);
    assert_eq!(store.delete_expired_links(after(60)).await.unwrap(), 1);

    assert!(!store.block_sign_in("login/ada", after(9)).await.unwrap());
    for failures in 1..=3 {
        let bucket = store.add_sign_in_failure("login/ada", after(failures), T).await.unwrap();
        assert_eq!((bucket.failures, bucket.updated_at), (failures, after(failures)));
    }
    assert!(store.block_sign_in("login/ada", after(100)).await.unwrap());
    assert!(store.block_sign_in("login/ada", after(50)).await.unwrap());
    assert_eq!(store.delete_sign_in_buckets_before(after(99)).await.unwrap(), 0, "what blocks stays");
    let anew = store.add_sign_in_failure("login/ada", after(40), after(30)).await.unwrap();
    assert_eq!(anew.failures, 1, "old failures are forgotten");
    assert_eq!(anew.blocked_until, after(100), "a shorter block does not shorten a longer one");
    store.clear_sign_in_bucket("login/ada").await.unwrap();
    assert!(!store.block_sign_in("login/ada", after(9)).await.unwrap(), "it is gone");
    store.add_sign_in_failure("address/::1", T, T).await.unwrap();
    assert_eq!(store.delete_sign_in_buckets_before(after(1)).await.unwrap(), 1);

    store.insert_device("d1", "p-ada", T).await.unwrap();
    assert_eq!(store.insert_device("d1", "p-bob", T).await, Err(StoreError::Duplicate));
    assert!(store.touch_device("d1", after(5)).await.unwrap());
    assert!(!store.touch_device("d2", after(5)).await.unwrap());
    let device = store.device("d1").await.unwrap().unwrap();
    assert_eq!((device.person.as_str(), device.created_at, device.last_used), ("p-ada", T, after(5)));
    assert_eq!(store.delete_devices_of("p-ada").await.unwrap(), 1);
    assert_eq!(store.device("d1").await.unwrap(), None);
}

pub async fn tokens(store: &Store) {
    let token = NewToken {
        id: "t1".into(),
        hash: "h1".into(),
        label: "Alertmanager".into(),
        scope: "signals".into(),
        created_by: "p-ada".into(),
        created_at: T,
        expires_at: after(60),
    };
    store.insert_token(&token).await.unwrap();
    let same_hash = NewToken { id: "t2".into(), ..token.clone() };
    assert_eq!(store.insert_token(&same_hash).await, Err(StoreError::Duplicate));
    let later = NewToken { id: "t2".into(), hash: "h2".into(), created_at: after(1), ..token };
    store.insert_token(&later).await.unwrap();
    assert!(store.touch_token("t1", after(5)).await.unwrap());
    assert!(!store.touch_token("t9", T).await.unwrap());
    let live = store.live_token("h1", after(59)).await.unwrap().unwrap();
    assert_eq!((live.id.as_str(), live.scope.as_str(), live.last_used_at), ("t1", "signals", Some(after(5))));
    assert_eq!(store.live_token("h1", after(60)).await.unwrap(), None);
    assert!(store.revoke_token("t1", after(6)).await.unwrap());
    assert!(!store.revoke_token("t1", after(7)).await.unwrap());
    assert_eq!(store.live_token("h1", after(6)).await.unwrap(), None);
    let living = async |by, at| {
        let found = store.living_tokens_of(by, at).await.unwrap();
        found.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!(living("p-ada", after(6)).await, ["t2"], "the other one has ended");
    assert!(living("p-ada", after(60)).await.is_empty() && living("p-bo", after(6)).await.is_empty());
    let all = store.tokens().await.unwrap();
    let ends: Vec<_> = all.iter().map(|token| (token.id.as_str(), token.revoked_at)).collect();
    assert_eq!(ends, [("t2", None), ("t1", Some(after(6)))]);
}
