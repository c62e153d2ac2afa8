//! The way to tiny_http: a Unix socket that has no name.
//!
//! It is bound in a fresh directory only we may enter, held by its inode, and unlinked with its directory at once. From
//! then on it is reached through our own descriptor table, so that nothing is left behind however the process ends.
//!
//! A process killed in the millisecond between leaves one such directory, and so does one killed where there is no
//! `/proc` to reach the socket by. The lock on it ends with its process, which is how the next start knows whose it is
//! to clear away: its own user's, and nobody's any more.

use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags};
use rustix::fs::{flock, fstat, mkdir, openat, stat, unlinkat};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Every directory of ours begins so.
const PREFIX: &str = "depthd-http-";
const SOCKET: &str = "s";
/// Where the kernel shows a process its own descriptors.
const OWN_FDS: &str = "/proc/self/fd";
/// A start that clears away may meet ours in the moment before it is locked. Then another one is made.
const ATTEMPTS: usize = 8;
/// Names looked at for leftovers: a shared folder may hold any number.
const NAMES_MAX: usize = 10_000;

/// The socket's address, and what keeps it reachable.
#[derive(Debug)]
pub struct Door {
    path: PathBuf,
    _inode: OwnedFd,
    /// Where there is no `/proc`.
    _kept: Option<Private>,
}

/// A directory with mode 0700, locked while it lives.
#[derive(Debug)]
struct Private {
    path: PathBuf,
    folder: OwnedFd,
}

impl Door {
    /// Binds a socket below `parent`, which has to exist, and listens.
    ///
    /// # Errors
    /// No directory can be made there, or its path is too long for a Unix socket (107 bytes).
    pub fn open(parent: &Path) -> io::Result<(Door, UnixListener)> {
        Door::open_through(parent, Path::new(OWN_FDS))
    }

    fn open_through(parent: &Path, own_fds: &Path) -> io::Result<(Door, UnixListener)> {
        let mut attempts = 1;
        loop {
            match Private::make(parent).and_then(|private| private.bind(own_fds)) {
                // Somebody else's hand in a shared folder; it cannot be there every time.
                Err(Errno::EXIST | Errno::NOENT | Errno::WOULDBLOCK) if attempts < ATTEMPTS => attempts += 1,
                Err(e) => {
                    let why = format!("cannot make the private socket in {}: {e}", parent.display());
                    return Err(io::Error::new(e.kind(), why));
                }
                Ok(opened) => return Ok(opened),
            }
        }
    }

    /// A connection to whoever listens. Never blocks.
    ///
    /// # Errors
    /// `ConnectionRefused` when nobody listens any more; else no descriptor is left, or the backlog is full.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(&self.path)?)?;
        Ok(UnixStream::from(OwnedFd::from(socket)))
    }
}

impl Drop for Door {
    /// tiny_http waits in `accept` for one more connection before it sees that it shall end, and it looks for that at a
    /// path that is gone: it gets it here.
    fn drop(&mut self) {
        let _ = self.connect();
    }
}

impl Private {
    fn make(parent: &Path) -> Result<Private, Errno> {
        // Random, so that nobody can be there before us in a shared folder.
        let random = RandomState::new().build_hasher().finish();
        let path = parent.join(format!("{PREFIX}{random:016x}"));
        mkdir(&path, Mode::RWXU)?;
        let folder = open_folder(&path)?;
        lock(&folder)?;
        Ok(Private { path, folder })
    }

    fn bind(self, own_fds: &Path) -> Result<(Door, UnixListener), Errno> {
        let path = self.path.join(SOCKET);
        let listener =
            UnixListener::bind(&path).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::NAMETOOLONG))?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let inode = openat(&self.folder, SOCKET, flags, Mode::empty())?;
        let unnamed = own_fds.join(inode.as_raw_fd().to_string());
        let door = if is_same(&unnamed, &inode) {
            Door { path: unnamed, _inode: inode, _kept: None }
        } else {
            Door { path, _inode: inode, _kept: Some(self) }
        };
        Ok((door, listener))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        remove(&self.path, &self.folder);
    }
}

/// Removes what killed processes of this user left in `parent`.
pub fn clear_away(parent: &Path) {
    let Ok(names) = std::fs::read_dir(parent) else { return };
    for entry in names.take(NAMES_MAX).flatten() {
        if is_ours(&entry.file_name()) {
            // What cannot be removed is somebody else's, or in use.
            let _ = clear(&entry.path());
        }
    }
}

fn clear(path: &Path) -> Result<(), Errno> {
    let folder = open_folder(path)?;
    let owner = fstat(&folder)?.st_uid;
    if owner == rustix::process::geteuid().as_raw() {
        lock(&folder)?;
        remove(path, &folder);
    }
    Ok(())
}

fn is_ours(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    random.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Never through a symbolic link.
fn open_folder(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Ends with the last descriptor of this opening, and so with the process at the latest.
fn lock(folder: &OwnedFd) -> Result<(), Errno> {
    flock(folder, FlockOperation::NonBlockingLockExclusive)
}

/// The socket by the folder's own descriptor, then the folder, which goes only when it is empty.
fn remove(path: &Path, folder: &OwnedFd) {
    let _ = unlinkat(folder, SOCKET, AtFlags::empty());
    let _ = unlinkat(CWD, path, AtFlags::REMOVEDIR);
}

fn is_same(path: &Path, inode: &OwnedFd) -> bool {
    let (Ok(there), Ok(here)) = (stat(path), fstat(inode)) else { return false };
    FileType::from_raw_mode(there.st_mode).is_socket()
        && (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// A folder of its own that goes away with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("depthd-door-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("made");
            Scratch(path)
        }

        fn names(&self) -> Vec<String> {
            let list = std::fs::read_dir(&self.0).expect("there");
            let mut names: Vec<_> =
                list.map(|e| e.expect("an entry").file_name().into_string().expect("text")).collect();
            names.sort();
            names
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn must_pass(door: &Door, listener: &UnixListener) {
        let mut outside = door.connect().expect("a connection");
        let (mut inside, _) = listener.accept().expect("the same");
        inside.write_all(b"x").expect("sent");
        drop(inside);
        outside.set_nonblocking(false).expect("blocking");
        let mut got = String::new();
        outside.read_to_string(&mut got).expect("read");
        assert_eq!(got, "x");
    }

    #[test]
    fn it_has_no_name_and_can_be_passed() {
        let place = Scratch::new("unnamed");
        let (door, listener) = Door::open(&place.0).expect("a door");
        assert_eq!(place.names(), Vec::<String>::new());
        must_pass(&door, &listener);
        drop(listener);
        let refused = door.connect().expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn without_proc_it_has_a_name_until_it_is_closed() {
        let place = Scratch::new("named");
        let (door, listener) = Door::open_through(&place.0, Path::new("/nowhere")).expect("a door");
        assert_eq!(place.names().len(), 1);
        clear_away(&place.0);
        assert_eq!(place.names().len(), 1, "it is in use");
        must_pass(&door, &listener);
        drop((door, listener));
        assert_eq!(place.names(), Vec::<String>::new());
    }

    #[test]
    fn leftovers_of_the_dead_go_and_everything_else_stays() {
        let place = Scratch::new("leftovers");
        let of = |name: &str| place.0.join(name);
        let dead = Private::make(&place.0).expect("a directory");
        drop(UnixListener::bind(dead.path.join(SOCKET)).expect("a socket"));
        // As a kill leaves it: the lock is gone, the files are not.
        let Private { folder, path } = &dead;
        flock(folder, FlockOperation::Unlock).expect("unlocked");
        assert!(path.exists());
        let other = of("depthd-http-other");
        let link = of(&format!("{PREFIX}0123456789abcdef"));
        let full = of(&format!("{PREFIX}0000000000000000"));
        std::fs::create_dir(&other).expect("made");
        std::fs::write(of("s"), "mine").expect("written");
        std::os::unix::fs::symlink(&place.0, &link).expect("a link");
        std::fs::create_dir(&full).expect("made");
        std::fs::write(full.join("notes"), "mine").expect("written");
        clear_away(&place.0);
        assert!(!path.exists());
        assert!(of("s").exists() && other.exists() && link.exists() && full.join("notes").exists());
        assert_eq!(place.names().len(), 4);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Door::open(Path::new("/nowhere")).expect_err("no such folder");
        assert!(error.to_string().contains("/nowhere"), "{error}");
        let long = std::env::temp_dir().join("x".repeat(100));
        std::fs::create_dir_all(&long).expect("made");
        let error = Door::open(&long).expect_err("too long for a socket");
        let _ = std::fs::remove_dir(&long);
        assert_eq!(error.kind(), io::ErrorKind::InvalidFilename, "{error}");
    }
}
