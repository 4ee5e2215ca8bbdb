//! Files of a run, reached from an open folder and never through a link.
//!
//! The root folder of runs belongs to Backout alone (owner only). Everything in it is opened relative to a handle of the
//! folder, so that swapping a path under our feet changes nothing, and a symbolic link is refused wherever it stands.

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A folder that belongs to us alone, held open.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

/// Owner reads and writes.
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const ALWAYS: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied`, with a sentence that names the mend, when it is a link, no folder, another user's,
    /// or open to others.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | ALWAYS;
        let handle = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|e| link_or(e, path))?;
        Folder { handle, path: path.to_owned() }.checked()
    }

    /// Makes a folder, if it is not there, and opens it. Parents are made too, all for the owner alone.
    ///
    /// # Errors
    /// As for [`Folder::open`].
    pub fn make(path: &Path) -> io::Result<Folder> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Folder::open(path)
    }

    /// Opens a folder inside; `None` when it is not there.
    ///
    /// # Errors
    /// As for [`Folder::open`].
    pub fn child(&self, name: &str) -> io::Result<Option<Folder>> {
        let path = self.path.join(name);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | ALWAYS;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Folder { handle, path }.checked().map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(link_or(error, &path)),
        }
    }

    /// Opens a folder inside, made if it is not there. Its entry outlasts a power failure from [`Folder::settle`] on.
    ///
    /// # Errors
    /// As for [`Folder::open`].
    pub fn make_child(&self, name: &str) -> io::Result<Folder> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.child(name)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn checked(self) -> io::Result<Folder> {
        let stat = rustix::fs::fstat(&self.handle)?;
        let mode = Mode::from_raw_mode(stat.st_mode);
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(untrusted(&self.path, "belongs to another user: give it to the user that Backout runs as"));
        }
        if mode.intersects(Mode::RWXG | Mode::RWXO) {
            return Err(untrusted(&self.path, "is open to other users: take their rights away (chmod 700)"));
        }
        Ok(self)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file that must not be there yet.
    ///
    /// # Errors
    /// `AlreadyExists`, or whatever the disk says.
    pub fn create(&self, name: &str, append: bool, mode: Mode) -> io::Result<File> {
        let append = if append { OFlags::APPEND } else { OFlags::empty() };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | append | ALWAYS;
        Ok(File::from(rustix::fs::openat(&self.handle, name, flags, mode)?))
    }

    /// Opens a file for the owner to read and write; made if it is not there and `make` is set.
    ///
    /// # Errors
    /// `NotFound`, or whatever the disk says.
    pub fn open_file(&self, name: &str, make: bool) -> io::Result<File> {
        let make = if make { OFlags::CREATE } else { OFlags::empty() };
        Ok(File::from(rustix::fs::openat(&self.handle, name, OFlags::RDWR | make | ALWAYS, PRIVATE_FILE)?))
    }

    /// A whole file; `None` when it is not there.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = self.open_to_read(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// A file opened to be read; `None` when it is not there.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn open_to_read(&self, name: &str) -> io::Result<Option<File>> {
        match rustix::fs::openat(&self.handle, name, OFlags::RDONLY | ALWAYS, Mode::empty()) {
            Ok(handle) => Ok(Some(File::from(handle))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// # Errors
    /// Whatever the disk says, except that the file is not there.
    pub fn exists(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a whole file in place, exclusively: false when the name is taken. Of any number of callers in any number of
    /// processes exactly one gets true, and nobody ever sees half a file. After a power failure it may be gone, or empty,
    /// unless [`Folder::settle`] came before.
    ///
    /// # Errors
    /// Whatever the disk says; the name may be taken then.
    pub fn place_first(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let (draft, _) = self.draft(name, bytes)?;
        self.link(&draft, name)
    }

    /// The same, durably, and only once `before` has succeeded: whoever finds this file finds what came before it. The
    /// file is on its way to the disk meanwhile, so `before` may wait for something that is on its way too.
    ///
    /// # Errors
    /// Whatever `before` or the disk says; the name may be taken then.
    pub fn place_after(&self, name: &str, bytes: &[u8], before: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
        let (draft, file) = self.draft(name, bytes)?;
        if let Err(fault) = file.sync_all().and_then(|()| before()) {
            rustix::fs::unlinkat(&self.handle, draft.as_str(), AtFlags::empty())?;
            return Err(fault);
        }
        let placed = self.link(&draft, name);
        self.sync()?;
        placed
    }

    fn draft(&self, name: &str, bytes: &[u8]) -> io::Result<(String, File)> {
        let draft = format!(".{name}.{}", crate::clock::fresh_id());
        let mut file = self.create(&draft, false, PRIVATE_FILE)?;
        file.write_all(bytes)?;
        Ok((draft, file))
    }

    /// Making a link fails when the name is taken, which makes it the exclusive step.
    fn link(&self, draft: &str, name: &str) -> io::Result<bool> {
        let linked = rustix::fs::linkat(&self.handle, draft, &self.handle, name, AtFlags::empty());
        rustix::fs::unlinkat(&self.handle, draft, AtFlags::empty())?;
        match linked {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes safe on the disk a file that is here already, the folder's entries, and its own entry in the folder above: all
    /// three at once, since a disk takes wishes that come together as one.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn settle(&self, name: &str) -> io::Result<()> {
        let file = self.open_to_read(name)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | ALWAYS;
        let above = rustix::fs::openat(&self.handle, "..", flags, Mode::empty())?;
        std::thread::scope(|scope| {
            let file = scope.spawn(move || file.sync_all());
            let above = scope.spawn(move || io::Result::Ok(rustix::fs::fsync(above)?));
            let own = self.sync();
            let lost = |_| Err(io::Error::other("a thread that writes to the disk ended"));
            own.and(file.join().unwrap_or_else(lost)).and(above.join().unwrap_or_else(lost))
        })
    }

    /// Puts a whole file in place of whatever has the name. For the only writer of that name, and for what matters only to
    /// processes of this boot: it outlives every process, but perhaps not a power failure, and takes no time.
    ///
    /// # Errors
    /// Whatever the disk says; the old file is there unharmed.
    pub fn place(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let draft = format!("{name}.next");
        let mut file = self.open_file(&draft, true)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        Ok(rustix::fs::renameat(&self.handle, draft.as_str(), &self.handle, name)?)
    }

    /// Sets room aside for [`Folder::place_reserved`], so that a disk that fills up in between does not matter.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn reserve(&self, name: &str, bytes: usize) -> io::Result<()> {
        let mut file = self.create(&format!("{name}.next"), false, PRIVATE_FILE)?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes as u64) {
            Ok(()) => file.write_all(&vec![b' '; bytes]),
            // Then only what was written for good is surely there.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                file.write_all(&vec![b' '; bytes])?;
                file.sync_all()
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts JSON in place through the room set aside, durably; what is left of the room stays as trailing blanks.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn place_reserved(&self, name: &str, json: &[u8]) -> io::Result<()> {
        let draft = format!("{name}.next");
        let mut file = self.open_file(&draft, true)?;
        file.write_all(json)?;
        file.sync_all()?;
        rustix::fs::renameat(&self.handle, draft.as_str(), &self.handle, name)?;
        self.sync()
    }

    /// Makes the folder's entries safe on the disk.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }
}

fn link_or(error: Errno, path: &Path) -> io::Error {
    match error {
        Errno::LOOP | Errno::NOTDIR => untrusted(path, "is not a folder of its own, but a link or a file: remove it"),
        other => other.into(),
    }
}

fn untrusted(path: &Path, fault: &str) -> io::Error {
    let name = path.file_name().unwrap_or(OsStr::new("/")).to_string_lossy();
    io::Error::new(io::ErrorKind::PermissionDenied, format!("the folder {name} {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Folder {
        Folder::make(&std::env::temp_dir().join(format!("backout-folder-{}", crate::clock::fresh_id()))).unwrap()
    }

    #[test]
    fn a_file_is_placed_once_and_only_after_what_comes_before_it() {
        let folder = empty();
        let refused = folder.place_after("meta", b"1", || Err(io::Error::other("the disk is full")));
        assert_eq!(refused.unwrap_err().to_string(), "the disk is full");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "not even a draft is left");
        assert!(folder.place_first("claim", b"{}").unwrap());
        let before = || {
            assert!(!folder.exists("meta")?);
            folder.settle("claim")
        };
        assert!(folder.place_after("meta", b"1", before).unwrap());
        assert!(!folder.place_after("meta", b"2", || Ok(())).unwrap());
        assert_eq!(folder.read("meta").unwrap().unwrap(), b"1");
        assert!(folder.settle("nothing").is_err(), "what is not there cannot be made safe");
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn the_room_that_was_set_aside_is_taken_up_on_the_disk() {
        use std::os::unix::fs::MetadataExt;
        let folder = empty();
        folder.reserve("exit", 4_096).unwrap();
        let draft = std::fs::metadata(folder.path().join("exit.next")).unwrap();
        assert!(draft.len() == 4_096 && draft.blocks() * 512 >= 4_096, "{draft:?}");
        folder.place_reserved("exit", b"{}").unwrap();
        assert_eq!(folder.read("exit").unwrap().unwrap().trim_ascii_end(), b"{}");
        std::fs::remove_dir_all(folder.path()).unwrap();
    }
}
