//! Requests of the control plane: believed for a minute, by one product's gateways, from who knows its secret.

use tallygate_core::id::ProductId;
use tallygate_core::probe::{LIFETIME_SECS, answer, is_signed, sign};

const NOW: u64 = 1_800_000_000;
const MAIL: ProductId = ProductId(7);

#[test]
fn a_signature_is_good_for_one_product_and_a_while() {
    let value = sign(b"secret", MAIL, NOW + 30);
    let good = |value: &str, secret: &str, product, now| {
        is_signed(value.as_bytes(), secret.as_bytes(), product, now)
    };
    assert!(good(&value, "secret", MAIL, NOW));
    assert!(good(&value, "secret", MAIL, NOW + 30));
    assert!(!good(&value, "secret", MAIL, NOW + 31), "it has expired");
    assert!(
        !good(&value, "secret", MAIL, NOW - LIFETIME_SECS),
        "it lasts too long"
    );
    assert!(!good(&value, "Secret", MAIL, NOW));
    assert!(!good(&value, "secret", ProductId(8), NOW));
    let later = value.replace(&(NOW + 30).to_string(), &(NOW + 40).to_string());
    assert!(
        !good(&later, "secret", MAIL, NOW),
        "the time is signed as well"
    );
    for forged in [
        "",
        "probe.",
        "probe..",
        "probe.x.y",
        &value[..value.len() - 1],
        &format!("{value}0"),
        "secret",
    ] {
        assert!(!good(forged, "secret", MAIL, NOW), "{forged}");
    }
    assert!(!is_signed(b"probe.\xff", b"secret", MAIL, NOW));
    let unsecret = sign(b"", MAIL, NOW);
    assert!(
        !good(&unsecret, "", MAIL, NOW),
        "nobody has a secret that is empty"
    );
}

#[test]
fn only_who_knows_the_secret_answers() {
    let value = sign(b"secret", MAIL, NOW);
    let right = answer(b"secret", value.as_bytes());
    assert_eq!(right, answer(b"secret", value.as_bytes()));
    assert_ne!(right, answer(b"other", value.as_bytes()));
    assert_ne!(right, answer(b"secret", b"another request"));
    assert!(!value.contains(&right));
}
