//! What administrators are told about the playbook while something is wrong with its file (P4): one that was refused, and a
//! server's own file that is not the one in use.

use crate::app::playbooks::FileTrouble;
use crate::domain::{Role, Timestamp};
use crate::web::AppState;
use crate::web::error::WebError;
use crate::web::session::SignedIn;

/// How many faults the page lists.
const MOST: usize = 10;

pub struct Banner {
    pub fact: String,
    pub detail: String,
    pub at: Option<Timestamp>,
    pub faults: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// Nothing for people who could do nothing about it.
pub async fn banners(app: &AppState, who: &SignedIn) -> Result<Vec<Banner>, WebError> {
    if !who.holds(Role::Administrator) {
        return Ok(Vec::new());
    }
    let playbooks = &app.incidents.playbooks;
    let mut read = app.store.read().await?;
    let refused = playbooks.refused(&mut read).await?;
    let current = playbooks.current_hash(&mut read).await?.unwrap_or_default();
    drop(read);
    let mut banners = Vec::new();
    let own = playbooks.file().map(|file| file.display().to_string()).unwrap_or_default();
    if let Some(refused) = &refused {
        let shown: Vec<String> = refused.faults.iter().take(MOST).cloned().collect();
        banners.push(Banner {
            fact: format!("The playbook file {} was not taken", refused.file),
            detail:
                "The playbook in use stays. Mend the file, then load it again: send SIGHUP, or backout playbook load."
                    .to_owned(),
            at: Some(refused.at),
            more: refused.count - shown.len(),
            faults: shown,
        });
    }
    // The text that was refused stands above with its faults; another one, by whatever name, is told here.
    let told = |hash: &str| refused.as_ref().is_some_and(|refused| refused.hash == hash);
    let (detail, faults) = match playbooks.trouble(&current).await {
        None => return Ok(banners),
        Some(FileTrouble::Differs) => {
            ("It has no faults, and nobody has loaded it: send SIGHUP, or backout playbook load.", Vec::new())
        }
        Some(FileTrouble::Faulty { hash, .. }) if told(&hash) => return Ok(banners),
        Some(FileTrouble::Faulty { faults, .. }) => ("It has faults and cannot be loaded as it is.", faults),
        Some(FileTrouble::Unreadable(_)) if refused.as_ref().is_some_and(|it| it.file == own && it.hash.is_empty()) => {
            return Ok(banners);
        }
        Some(FileTrouble::Unreadable(why)) => ("It cannot be read.", vec![why]),
    };
    banners.push(Banner {
        fact: format!("The playbook file {own} of this server is not the playbook in use"),
        detail: detail.to_owned(),
        at: None,
        more: faults.len().saturating_sub(MOST),
        faults: faults.into_iter().take(MOST).collect(),
    });
    Ok(banners)
}

#[cfg(test)]
mod tests {
    use crate::app::playbooks::{LoadError, Playbooks};
    use crate::playbook::DEFAULT;
    use crate::web::sample::World;
    use std::sync::Arc;

    #[tokio::test]
    async fn administrators_see_what_is_wrong_with_the_file_until_it_is_mended() {
        let mut world = World::new().await;
        let file = world.folder.join("playbook.toml");
        world.app.incidents.playbooks = Arc::new(Playbooks::from_file(Some(file.clone())));
        world.router = crate::web::router(world.app.clone());
        let (app, store) = (world.app.incidents.clone(), world.app.store.clone());
        std::fs::write(&file, DEFAULT).unwrap();
        let mut ada = world.signed_in("ada").await;
        assert!(!ada.get("/").await.words().contains("playbook file"), "all is well");
        std::fs::write(&file, DEFAULT.replacen("every = \"5m\"", "every = \"5 minuts\"", 1)).unwrap();
        let edited = ada.get("/").await.words();
        assert!(
            edited.contains("of this server is not the playbook in use") && edited.contains("5 minuts"),
            "{edited}"
        );
        let before = store.head().await.unwrap().seq;
        for _ in 0..2 {
            let refused = app.playbooks.load_file(&store, &file, "system", world.now()).await;
            assert!(matches!(refused, Err(LoadError::Faults(_))), "{refused:?}");
        }
        assert_eq!(store.head().await.unwrap().seq, before + 1, "the same fault twice is told once");
        let refused = ada.get("/playbook").await.words();
        assert!(refused.contains("was not taken") && refused.contains("5 minuts"), "{refused}");
        assert!(!refused.contains("of this server is not"), "the same text is not told twice: {refused}");
        std::fs::write(&file, DEFAULT.replacen("every = \"5m\"", "every = \"9 minuts\"", 1)).unwrap();
        let again = ada.get("/playbook").await.words();
        assert!(again.contains("was not taken") && again.contains("5 minuts"), "{again}");
        assert!(again.contains("of this server is not") && again.contains("9 minuts"), "another fault: {again}");
        let maya = world.signed_in("maya").await.get("/").await.words();
        assert!(!maya.contains("was not taken"), "who can do nothing about it is not disturbed: {maya}");
        let newer = DEFAULT.replacen("version = \"1.0\"", "version = \"1.1\"", 1);
        std::fs::write(&file, &newer).unwrap();
        let mended = ada.get("/").await.words();
        assert!(mended.contains("nobody has loaded it"), "{mended}");
        app.playbooks.load_file(&store, &file, "system", world.now()).await.unwrap();
        assert!(!ada.get("/").await.words().contains("playbook file"), "taken");
        assert!(ada.get("/playbook").await.words().contains("version 1.1"));
    }
}
