use std::{fs, os::unix::fs::PermissionsExt};

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

const KEY_A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const KEY_B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn keys(folder: &TempDir, keys: &[&str]) -> PathBuf {
    let path = folder.path().join("keys");
    fs::write(&path, keys.join("\n")).unwrap();
    path
}

fn place() -> Place {
    Place { table: "logins", organization: OrganizationId(Uuid::from_u128(1)), row: Uuid::from_u128(2) }
}

fn opened(sealer: &Sealer, place: Place, sealed: &Sealed) -> Result<Vec<u8>, OpenError> {
    sealer.open(place, &sealed.bytes).map(|opened| opened.expose_secret().to_vec())
}

#[test]
fn what_is_sealed_for_a_row_opens_there_and_nowhere_else() {
    let folder = TempDir::new().unwrap();
    let sealer = Sealer::load(&keys(&folder, &[KEY_A])).unwrap();
    let sealed = sealer.seal(place(), b"s3cret").unwrap();
    assert_eq!(opened(&sealer, place(), &sealed).unwrap(), b"s3cret");
    for other in [
        Place { table: "login", ..place() },
        Place { organization: OrganizationId(Uuid::from_u128(3)), ..place() },
        Place { row: Uuid::from_u128(3), ..place() },
    ] {
        assert_eq!(opened(&sealer, other, &sealed), Err(OpenError::Broken), "{other:?}");
    }
    assert_ne!(sealer.seal(place(), b"s3cret").unwrap(), sealed, "a nonce is never used twice");
    for at in 0..sealed.bytes.len() {
        let mut changed = sealed.clone();
        changed.bytes[at] ^= 1;
        assert!(opened(&sealer, place(), &changed).is_err(), "byte {at}");
        changed.bytes.truncate(at);
        assert!(opened(&sealer, place(), &changed).is_err(), "{at} bytes");
    }
}

#[test]
fn the_first_key_seals_and_every_key_opens() {
    let folder = TempDir::new().unwrap();
    let before = Sealer::load(&keys(&folder, &[KEY_A])).unwrap();
    let old = before.seal(place(), b"s3cret").unwrap();
    let after = Sealer::load(&keys(&folder, &["# newest first", KEY_B, "", KEY_A])).unwrap();
    let new = after.seal(place(), b"s3cret").unwrap();
    assert_eq!((old.key, new.key), (before.writes_with(), after.writes_with()));
    assert_ne!(old.key, new.key);
    assert_eq!(opened(&after, place(), &old).unwrap(), b"s3cret");
    // One that was started before the new key came looks into the file again.
    assert_eq!(opened(&before, place(), &new).unwrap(), b"s3cret");
    let alone = Sealer::load(&keys(&folder, &[KEY_B])).unwrap();
    assert_eq!(opened(&alone, place(), &old), Err(OpenError::UnknownKey(old.key)));
}

#[test]
fn a_file_that_holds_no_keys_is_refused_by_its_line_alone() {
    let folder = TempDir::new().unwrap();
    let error = |lines: &[&str]| Sealer::load(&keys(&folder, lines)).unwrap_err().to_string();
    assert!(error(&[KEY_A, "0123s3cret"]).contains("line 2 of "));
    assert!(!error(&["0123s3cret"]).contains("s3cret"));
    assert!(error(&[&KEY_A[1..]]).contains("line 1 of "));
    assert!(error(&["# nothing"]).contains("holds no key"));
    assert!(error(&[KEY_A; MAX_KEYS + 1]).contains("more than 16 keys"));
    assert!(Sealer::load(folder.path()).is_err());
    let off = Sealing::load(Some(&folder.path().join("gone")));
    assert!(off.missing().unwrap().contains("gone cannot be read"), "{off:?}");
    assert!(Sealing::load(None).missing().unwrap().contains(SETTING));
}

#[test]
fn a_key_file_is_made_once_and_for_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealing-keys");
    make(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read_to_string(&path).unwrap();
    make(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    Sealer::load(&path).unwrap();
}

#[test]
fn nothing_of_a_key_or_a_secret_is_shown() {
    let folder = TempDir::new().unwrap();
    let sealer = Sealer::load(&keys(&folder, &[KEY_A])).unwrap();
    let sealed = sealer.seal(place(), b"s3cret").unwrap();
    let shown = format!("{sealer:?} {sealed:?} {:?}", sealer.open(place(), &sealed.bytes).unwrap());
    assert!(!shown.contains("aaaa") && !shown.contains("s3cret") && !shown.contains("115, 51"), "{shown}");
}
