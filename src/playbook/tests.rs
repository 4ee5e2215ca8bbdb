//! The default playbook and planted faults.

use super::*;

#[test]
fn the_default_playbook_is_read_without_a_fault() {
    if let Err(faults) = parse(DEFAULT) {
        panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>());
    }
}
