//! Sealing, digests, passwords.

use tallygate::secrets::{self, PROXY_DEBUG_SECRET, PROXY_SECRET_TOKEN, Secret, Secrets};

#[test]
fn what_is_sealed_opens_only_with_the_same_key_and_place() {
    let ours = Secrets::new(&[1; 32]);
    let sealed = ours.seal(PROXY_SECRET_TOKEN, &Secret::new("shh")).unwrap();
    assert!(!sealed.windows(3).any(|part| part == b"shh"));
    assert_ne!(
        sealed,
        ours.seal(PROXY_SECRET_TOKEN, &Secret::new("shh")).unwrap()
    );
    assert_eq!(
        ours.open(PROXY_SECRET_TOKEN, &sealed).unwrap().reveal(),
        "shh"
    );
    assert!(ours.open(PROXY_DEBUG_SECRET, &sealed).is_err());
    assert!(
        Secrets::new(&[2; 32])
            .open(PROXY_SECRET_TOKEN, &sealed)
            .is_err()
    );
    for broken in 0..sealed.len() {
        let mut bytes = sealed.clone();
        bytes[broken] ^= 1;
        assert!(
            ours.open(PROXY_SECRET_TOKEN, &bytes).is_err(),
            "byte {broken}"
        );
        assert!(ours.open(PROXY_SECRET_TOKEN, &sealed[..broken]).is_err());
    }
}

#[test]
fn secrets_do_not_show_themselves() {
    let secret = Secret::new("hunter2");
    assert!(!format!("{secret:?} {:?}", Secrets::new(&[1; 32])).contains("hunter2"));
}

#[test]
fn tokens_are_long_and_differ() {
    assert_eq!(secrets::new_access_token().reveal().len(), 96);
    assert_eq!(secrets::new_application_key().reveal().len(), 32);
    assert!(secrets::new_gateway_token().reveal().starts_with("tgg_"));
    assert_ne!(secrets::new_access_token(), secrets::new_access_token());
}

#[tokio::test]
async fn passwords_verify() {
    let secrets = Secrets::new(&[1; 32]);
    let hash = secrets
        .hash_password(Secret::new("correct horse"))
        .await
        .unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert!(
        secrets
            .verify_password(Secret::new("correct horse"), hash.clone())
            .await
            .unwrap()
    );
    assert!(
        !secrets
            .verify_password(Secret::new("wrong horse"), hash)
            .await
            .unwrap()
    );
}

#[test]
fn the_key_file_is_made_once_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tallygate.key");
    assert!(Secrets::load(&file, false).is_err());
    let first = Secrets::load(&file, true).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let sealed = first.seal(PROXY_SECRET_TOKEN, &Secret::new("shh")).unwrap();
    let second = Secrets::load(&file, true).unwrap();
    assert_eq!(
        second.open(PROXY_SECRET_TOKEN, &sealed).unwrap().reveal(),
        "shh"
    );
    std::fs::write(&file, "no key").unwrap();
    let error = Secrets::load(&file, true).unwrap_err().to_string();
    assert!(error.contains("TALLYGATE_SECRET_KEY_FILE"), "{error}");
}
