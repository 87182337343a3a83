//! Numbers as text without the formatting machinery: keys and headers are written for every request.

use alloc::string::String;

/// Digits of the largest number.
const MOST: usize = 20;

/// Appends a number in decimal.
pub(crate) fn push_decimal(text: &mut String, mut number: u64) {
    let mut digits = [b'0'; MOST];
    let mut from = MOST;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        from -= 1;
        if number == 0 {
            break;
        }
    }
    let written = digits.get(from..).unwrap_or_default();
    text.push_str(core::str::from_utf8(written).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn as_the_formatting_machinery_writes_them() {
        for number in [0, 9, 10, 1_234_567_890, u64::MAX - 1, u64::MAX] {
            let mut text = String::new();
            push_decimal(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }
}
