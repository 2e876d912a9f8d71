//! A disk that is full until there is room: a small tmpfs where the system lets us mount one, else a
//! limit on the size of files.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command, sync::Arc};

use tempfile::TempDir;

use crate::fleet::{Start, voxloop};

/// More than there is room for at first.
pub(crate) const TOO_LARGE: usize = 12 << 20;

/// Of the tmpfs, and what takes up room on it.
const SIZE: &str = "size=64m";
const BALLAST: usize = 54 << 20;

/// In the shell's blocks of 512 bytes, or of 1024 in some shells: less than `TOO_LARGE` in both.
const LIMITED: &str = r#"trap '' XFSZ; ulimit -S -f 8192; exec "$0" "$@""#;

pub(crate) struct SmallDisk {
    folder: TempDir,
    is_mounted: bool,
}

impl SmallDisk {
    pub(crate) fn new() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "tmpfs"])
            .arg(folder.path())
            .output();
        let is_mounted = mount.is_ok_and(|it| it.status.success());
        let disk = Self { folder, is_mounted };
        if is_mounted {
            fs::write(disk.ballast(), vec![0; BALLAST]).unwrap();
        }
        Arc::new(disk)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    /// Starts `voxloop` with this disk as the folder `name`.
    pub(crate) fn under(self: &Arc<Self>, name: &'static str) -> Start {
        let disk = Arc::clone(self);
        Box::new(move |home| {
            let link = home.join(name);
            if !link.is_symlink() {
                symlink(disk.folder.path(), link).unwrap();
            }
            if disk.is_mounted {
                return voxloop();
            }
            let mut command = Command::new("sh");
            command.args(["-c", LIMITED]).arg(voxloop().get_program());
            command
        })
    }

    /// Makes room for several times `TOO_LARGE` bytes.
    pub(crate) fn make_room(&self, pid: u32) {
        if self.is_mounted {
            return fs::remove_file(self.ballast()).unwrap();
        }
        let lifted =
            Command::new("prlimit").args(["--pid", &pid.to_string(), "--fsize=unlimited"]).status();
        assert!(lifted.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.is_mounted {
            // A test that failed may have left something on it that is still in use.
            Command::new("umount").arg("-l").arg(self.folder.path()).status().ok();
        }
    }
}
