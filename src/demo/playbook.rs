//! The sample world's procedure: the default one with shorter windows and beats, so that it can be watched.

use crate::playbook::DEFAULT;

/// What is shortened, line by line: the default's words, the sample world's, and how often they stand there.
const SHORTER: [(&str, &str, usize); 8] = [
    (
        "\nstatus = \"Tested and Ready for Launch\"\n",
        "\nstatus = \"Sped up for the sample world: its conditions hold for seconds where the words say minutes, and availability counts below 50 %\"\n",
        1,
    ),
    ("\ndraft_before = \"1m\"\n", "\ndraft_before = \"15s\"\n", 1),
    ("\nevery = \"5m\"\n", "\nevery = \"1m\"\n", 1),
    (
        "series = \"error_rate\", above = \"10%\", for = \"5m\", look_back = \"60s\"",
        "series = \"error_rate\", above = \"10%\", for = \"4s\", look_back = \"5s\"",
        1,
    ),
    (
        "series = \"response_time\", above = \"10s\", for = \"5m\", look_back = \"60s\"",
        "series = \"response_time\", above = \"10s\", for = \"4s\", look_back = \"5s\"",
        1,
    ),
    (
        "series = \"availability\", below = \"90%\", for = \"10m\", look_back = \"60s\"",
        "series = \"availability\", below = \"50%\", for = \"8s\", look_back = \"5s\"",
        1,
    ),
    (
        "series = \"error_rate\", below = \"1%\", for = \"60s\", look_back = \"60s\"",
        "series = \"error_rate\", below = \"1%\", for = \"5s\", look_back = \"5s\"",
        1,
    ),
    (
        "series = \"response_time\", below = \"2s\", for = \"60s\", look_back = \"60s\"",
        "series = \"response_time\", below = \"2s\", for = \"5s\", look_back = \"5s\"",
        1,
    ),
];

/// The sample playbook's text; `beat` is the time between two updates, such as `1m`.
///
/// # Panics
/// When the default playbook no longer says what is shortened here: a test sees to it.
pub fn text(beat: &str) -> String {
    let mut text = DEFAULT.to_owned();
    for (usual, shorter, count) in SHORTER {
        assert_eq!(text.matches(usual).count(), count, "the default playbook no longer holds {usual:?}");
        text = text.replace(usual, shorter);
    }
    text.replace("\nevery = \"1m\"\n", &format!("\nevery = \"{beat}\"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_procedure_is_valid_and_shorter() {
        let procedure = crate::playbook::parse(&text("20s")).unwrap();
        assert_eq!(procedure.updates.every, crate::domain::Span::seconds(20));
    }
}
