//! The `Authorization` header: schemes, and the user and password of HTTP Basic (RFC 7617).

use alloc::vec::Vec;
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Clients leave the padding out, or set bits that no byte uses; neither makes the credentials ambiguous.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What follows the scheme, which is compared regardless of case; none for another scheme.
pub(super) fn after_scheme<'h>(credentials: &'h [u8], scheme: &str) -> Option<&'h [u8]> {
    let credentials = credentials.trim_ascii();
    let (sent, rest) = credentials.split_at_checked(scheme.len())?;
    if !sent.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    let token = rest.trim_ascii_start();
    // Without a space between them it is some longer scheme.
    (token.len() < rest.len()).then_some(token)
}

/// User and password, split at the first colon. Broken base64, or no colon, is nothing.
pub(super) fn user_and_password(token: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut user = TOLERANT.decode(token).ok()?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.get(colon + 1..)?.to_vec();
    user.truncate(colon);
    Some((user, password))
}
