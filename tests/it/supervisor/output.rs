//! What a script prints is kept as it was printed, up to its limit.

use super::{Place, checked_log, finished, output};
use backout::executor::{Executor, RunOrder, Stream, Why};

#[tokio::test]
async fn fifty_megabytes_of_output_are_cut_at_one_and_the_script_goes_on() {
    let place = Place::new();
    let server = place.server();
    let script = "#!/bin/sh\nhead -c 50000000 /dev/zero | tr '\\0' 'a' | fold -w 99\necho done > done\nexit 4\n";
    let order = RunOrder { log_limit: 1_000_000, ..place.order("loud", script) };
    server.start(&order).await.unwrap();
    let end = finished(&server, "loud").await;
    assert_eq!((end.exit_code, &end.why, end.log_cut), (Some(4), &Why::Exited, true));
    assert_eq!(place.trace("done").as_deref(), Some("done\n"));
    let size = std::fs::metadata(place.root().join("loud/log")).unwrap().len();
    assert!((900_000..1_000_300).contains(&size), "{size}");
    let lines = checked_log(&server, &place, "loud", &end).await;
    let notes: Vec<_> = lines.iter().filter(|line| line.stream == Stream::Note).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].n, end.lines, "it is the last line");
}

#[tokio::test]
async fn output_is_kept_byte_for_byte() {
    let place = Place::new();
    let server = place.server();
    let script = "#!/bin/sh\nprintf '\\377\\376 \\033[31mred\\000\\r\\n\\n'\nhead -c 40000 /dev/zero | tr '\\0' b\n\
                  printf '\\nno line end'\nprintf 'half an error' >&2\n";
    server.start(&place.order("raw", script)).await.unwrap();
    let end = finished(&server, "raw").await;
    assert!(end.succeeded());
    let lines = checked_log(&server, &place, "raw", &end).await;
    let mut expected = b"\xff\xfe \x1b[31mred\0\r\n\n".to_vec();
    expected.extend(vec![b'b'; 40_000]);
    expected.extend_from_slice(b"\nno line end");
    assert_eq!(output(&lines, Stream::Out), expected);
    assert_eq!(output(&lines, Stream::Err), b"half an error");
    assert!(lines.iter().all(|line| line.bytes.len() <= 16 * 1024));
}
