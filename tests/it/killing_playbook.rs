//! A playbook that changes while a real server runs (P4): a hang-up and `backout playbook load` take a good file into use,
//! a bad one changes nothing, and nothing of it ever takes the server down.

use crate::support::databases::{Database, on_both};
use crate::support::folder::TempDir;
use crate::support::process::{Backout, local_client};
use crate::support::waiting::{PATIENCE, wait_until};
use backout::playbook::{DEFAULT, content_hash};
use backout::store::Store;
use std::path::Path;
use std::sync::Arc;

const CURRENT: &str = "playbook/current";
const REFUSED: &str = "playbook/refused";

fn version(number: &str) -> String {
    DEFAULT.replacen("version = \"1.0\"", &format!("version = \"{number}\""), 1)
}

fn faulty() -> String {
    version("9.9").replacen("every = \"5m\"", "every = \"5 minuts\"", 1)
}

async fn setting(store: &Store, key: &str) -> String {
    store.setting(key).await.unwrap().unwrap_or_default()
}

async fn becomes_current(store: &Store, text: &str) {
    let hash = content_hash(text);
    wait_until(PATIENCE, "the new playbook to be in use", async || setting(store, CURRENT).await == hash).await;
}

async fn is_well(server: &mut Backout) {
    assert!(server.process().ended().is_none(), "the server goes on");
    let answer = local_client().get(server.url("/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Exit code, and what was said to either stream.
async fn load(data: &TempDir, database: &str, file: &Path) -> (i32, String) {
    let mut command = Backout::command(data.path());
    command.args(["playbook", "load"]).arg(file).env("BACKOUT_DATABASE", database);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

on_both! {
    async fn a_changed_file_is_taken_or_refused_while_the_server_goes_on(database) {
        let data = Arc::new(TempDir::new());
        let file = data.path().join("playbook.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write(DEFAULT);
        let words = [
            ("BACKOUT_DATABASE", database.address.as_str()),
            ("BACKOUT_PLAYBOOK", file.to_str().unwrap()),
            ("BACKOUT_INSECURE_COOKIES", "1"),
        ];
        let mut server = Backout::serve_over(data.clone(), &words).await;
        let store = database.open().await;
        assert_eq!(setting(&store, CURRENT).await, content_hash(DEFAULT), "an empty store takes the server's file");

        write(&version("1.1"));
        server.process().hang_up();
        becomes_current(&store, &version("1.1")).await;
        write(&faulty());
        server.process().hang_up();
        wait_until(PATIENCE, "the faults to be kept", async || setting(&store, REFUSED).await.contains("5 minuts")).await;
        assert_eq!(setting(&store, CURRENT).await, content_hash(&version("1.1")), "the old one stays");
        is_well(&mut server).await;
        std::fs::remove_file(&file).unwrap();
        server.process().hang_up();
        wait_until(PATIENCE, "a missing file to be told", async || setting(&store, REFUSED).await.contains("cannot be read")).await;
        is_well(&mut server).await;

        let other = data.path().join("other.toml");
        std::fs::write(&other, version("1.2")).unwrap();
        let (code, said) = load(&data, &database.address, &other).await;
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("version 1.2"), "{said}");
        assert_eq!(setting(&store, CURRENT).await, content_hash(&version("1.2")));
        assert_eq!(setting(&store, REFUSED).await, "", "what was refused before is settled");
        std::fs::write(&other, faulty()).unwrap();
        let (code, said) = load(&data, &database.address, &other).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("other.toml:") && said.contains("5 minuts") && said.contains("stays"), "{said}");
        assert_eq!(setting(&store, CURRENT).await, content_hash(&version("1.2")));

        // A start takes what the store has, whatever its own file holds.
        assert!(server.stop().await.success());
        for text in [faulty(), version("1.3")] {
            write(&text);
            let mut server = Backout::serve_over(data.clone(), &words).await;
            assert_eq!(setting(&store, CURRENT).await, content_hash(&version("1.2")));
            is_well(&mut server).await;
            assert!(server.stop().await.success());
        }
        store.close().await;
    }
}
