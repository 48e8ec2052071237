//! A disk small enough to be filled: a file system in memory, mounted for one test. Only what may mount can use it, on
//! Linux that is root; `/dev/full` serves everybody for plain outputs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Mounted until it is dropped.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// In a new folder at `path`. `None` if this process may not mount.
    ///
    /// # Panics
    /// If the folder cannot be made, and in continuous integration, where nothing may be left out, if it cannot be
    /// mounted.
    pub fn of_kilobytes(path: PathBuf, size: u32) -> Option<Self> {
        fs::create_dir(&path).expect("a folder of the test");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}k"), "tmpfs"]).arg(&path);
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self { path });
        }
        assert!(std::env::var_os("CI").is_none(), "a small disk could not be mounted");
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes until nothing more fits.
    ///
    /// # Panics
    /// If the file cannot be made.
    pub fn fill(&self) {
        let mut file = fs::File::create(self.path.join("filler")).expect("a file on the disk");
        while file.write_all(&[0; 1024]).is_ok() {}
    }

    /// Frees what [`Disk::fill`] took.
    ///
    /// # Panics
    /// If there is nothing to free.
    pub fn free(&self) {
        fs::remove_file(self.path.join("filler")).expect("a file on the disk");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, for what may still be open; a failure leaves an empty mount in a folder that goes away.
        Command::new("umount").arg("-l").arg(&self.path).status().ok();
    }
}
