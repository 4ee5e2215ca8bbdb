//! The script's files.

use std::path::{Path, PathBuf};
use std::process::Command;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn idiomorph_is_the_published_file_with_its_licence_above_it() {
    let ours = std::fs::read_to_string(here("static/js/0-idiomorph.js")).unwrap();
    let package = here(".tools/npm/node_modules/idiomorph");
    let published = std::fs::read_to_string(package.join("dist/idiomorph.min.js")).unwrap();
    let licence = std::fs::read_to_string(package.join("LICENSE")).unwrap();
    let (head, code) = ours.split_at(ours.find("*/\n").unwrap() + 3);
    assert_eq!(code.trim_end(), published.trim_end(), "not one letter is changed");
    assert!(head.contains(licence.trim()), "its licence stands above it");
    let version = std::fs::read_to_string(package.join("package.json")).unwrap();
    assert!(head.contains("Idiomorph 0.8.0") && version.contains("\"version\": \"0.8.0\""));
}

#[test]
fn the_joined_script_can_be_read_and_evaluates_no_text() {
    let mut names: Vec<PathBuf> = std::fs::read_dir(here("static/js")).unwrap().map(|it| it.unwrap().path()).collect();
    names.sort();
    let parts: Vec<String> = names.iter().map(|name| std::fs::read_to_string(name).unwrap()).collect();
    let whole = std::env::temp_dir().join(format!("backout-app-{}.mjs", std::process::id()));
    std::fs::write(&whole, parts.join("\n")).unwrap();
    let checked = Command::new("node").arg("--check").arg(&whole).output().unwrap();
    std::fs::remove_file(&whole).unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    for (name, part) in names.iter().zip(&parts).skip(1) {
        for word in ["innerHTML", "outerHTML =", "insertAdjacentHTML", "eval(", "new Function", "document.write"] {
            assert!(!part.contains(word), "{} makes elements from text by {word}", name.display());
        }
    }
}
