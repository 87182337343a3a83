//! Little-endian numbers at offsets. Reading past the end gives 0 and writing there does nothing: a slot is
//! checked as a whole when it is read.

pub(super) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(super) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

pub(super) fn get_i64(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(array(bytes, at))
}

pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(value.len())) {
        place.copy_from_slice(value);
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..at.saturating_add(N))
        .and_then(|slice| slice.try_into().ok())
        .unwrap_or([0; N])
}

pub(super) fn get_u16(bytes: &[u8], at: usize) -> u16 {
    let mut word = [0; 2];
    if let Some(found) = at.checked_add(2).and_then(|end| bytes.get(at..end)) {
        word.copy_from_slice(found);
    }
    u16::from_le_bytes(word)
}
