//! Whether pages are valid HTML, as the W3C's own checker (vnu) sees it.

use super::folder::TempDir;
use std::path::Path;
use std::process::Command;

/// Checks pages, each a name and its whole text, in one start of the checker (about three seconds, whatever the number).
/// Returns one line for each error and warning, beginning with the page's name.
pub fn faults_in_html(pages: &[(&str, &str)]) -> Vec<String> {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/npm/node_modules/vnu-jar/build/dist/vnu.jar");
    assert!(checker.exists(), "the HTML checker is not at {}; ./test.sh installs it", checker.display());
    let folder = TempDir::new();
    for (name, text) in pages {
        std::fs::write(folder.join(&format!("{name}.html")), text).expect("pages can be written to a test's folder");
    }
    let run = Command::new("java")
        .args(["-Xss4m", "-XX:TieredStopAtLevel=1", "-jar"])
        .arg(&checker)
        .args(["--stdout", "--format", "gnu", "--exit-zero-always"])
        .arg(folder.path())
        .output()
        .unwrap_or_else(|fault| panic!("java cannot be started ({fault}); ./test.sh installs what is missing"));
    assert!(run.status.success(), "the HTML checker fails: {}", String::from_utf8_lossy(&run.stderr));
    let before = format!("file:{}/", folder.path().display());
    String::from_utf8_lossy(&run.stdout).lines().map(|line| line.replace(&before, "").replace('"', "")).collect()
}
