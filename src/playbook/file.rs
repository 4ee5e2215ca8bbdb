//! A playbook's file, read as far as a playbook may go.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The largest playbook, in bytes. The default one has 60 KiB.
const LARGEST: u64 = 1 << 20;

/// The text of a playbook's file.
///
/// # Errors
/// Those of the file system; `IsADirectory` for a folder; `FileTooLarge` for one of more than 1 MiB, of which no more is
/// read than shows
/// that; `InvalidData` for one that is not written in UTF-8.
pub fn read_file(path: &Path) -> Result<String> {
    if path.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "it is a folder: name the file in it"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(ErrorKind::FileTooLarge, "it is larger than 1 MiB, the most that a playbook may have"));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not written in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit_and_not_beyond() {
        let path = std::env::temp_dir().join(format!("backout-playbook-size-{}", std::process::id()));
        let limit = usize::try_from(LARGEST).unwrap();
        std::fs::write(&path, "#".repeat(limit)).unwrap();
        assert_eq!(read_file(&path).unwrap().len(), limit);
        std::fs::write(&path, "#".repeat(limit + 1)).unwrap();
        let fault = read_file(&path).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::FileTooLarge);
        assert!(fault.to_string().contains("1 MiB"), "{fault}");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read_file(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        std::fs::remove_file(&path).unwrap();
        // What has no end is not read to it.
        assert_eq!(read_file(Path::new("/dev/zero")).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
