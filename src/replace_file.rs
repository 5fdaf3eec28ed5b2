//! Files that are replaced as a whole, so that a kill leaves the old one or the new one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Number of links that lead to the file, at most.
const MOST_LINKS: usize = 40;

/// Replaces a file as a whole. Creates its folder, and writes through links.
///
/// # Errors
///
/// Fails when the folder or the file cannot be written, or the file may not be.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let target = behind_links(file)?;
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    check_writable(&target)?;
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = target.with_file_name(name);
    let written = write(&new, &target, text).and_then(|()| fs::rename(&new, &target));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Returns the file that links lead to, whether it exists or not.
fn behind_links(file: &Path) -> io::Result<PathBuf> {
    if let Ok(target) = fs::canonicalize(file) {
        return Ok(target);
    }
    let mut target = file.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            // A place in a link counts from the link's folder.
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many links"))
}

/// Checks that a file that exists may be written. Replacing it would only ask its folder.
fn check_writable(target: &Path) -> io::Result<()> {
    match fs::metadata(target) {
        Ok(known) if known.permissions().readonly() => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"))
        }
        Ok(_) => fs::OpenOptions::new().write(true).open(target).map(drop),
        Err(_) => Ok(()),
    }
}

fn write(new: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(new)?;
    if let Ok(known) = fs::metadata(target) {
        file.set_permissions(known.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn file_behind_a_link_is_replaced_and_the_link_stays() {
        let folder = std::env::temp_dir().join(format!("meterbridge-place-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, link) = (folder.join("dotfiles.toml"), folder.join("settings.toml"));
        fs::write(&file, "a").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "b").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let names = fs::read_dir(&folder).unwrap().count();
        assert_eq!(names, 2, "nothing is left behind");
        let (deep, dangling) = (folder.join("deep"), folder.join("dangling.toml"));
        std::os::unix::fs::symlink("deep/new.toml", &dangling).unwrap();
        replace(&dangling, "c").unwrap();
        assert_eq!(fs::read_to_string(deep.join("new.toml")).unwrap(), "c");
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
        let ring = folder.join("ring.toml");
        std::os::unix::fs::symlink("ring.toml", &ring).unwrap();
        assert!(replace(&ring, "d").is_err());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn read_only_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let name = format!("meterbridge-read-only-{}.toml", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "a").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        assert_eq!(replace(&file, "b").unwrap_err().to_string(), "it is read-only");
        assert_eq!(fs::read_to_string(&file).unwrap(), "a");
        fs::remove_file(&file).unwrap();
    }
}
