//! Values of the command line.

use jiff::SignedDuration;

/// Reads an age of whole hours or days: `36h`, `2d`.
///
/// # Errors
/// It has another form, or is not positive.
pub fn age(text: &str) -> Result<SignedDuration, String> {
    let hours = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "h")) => number.parse().ok(),
        Some((number, "d")) => number.parse::<u16>().ok().and_then(|days| days.checked_mul(24)),
        _ => None,
    };
    match hours {
        Some(hours) if hours > 0 => Ok(SignedDuration::from_hours(hours.into())),
        _ => Err("use whole hours or days, such as 36h or 2d".to_owned()),
    }
}

/// Reads `Key=Value`.
///
/// # Errors
/// There is no `=`, or nothing before it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it must have the form Key=Value".to_owned()),
    }
}

/// Reads a device name from the command line: `/dev/sdf`, `/dev/xvdf`, Windows' `xvdf`.
///
/// # Errors
/// EC2 takes no such name (EC2 user guide, "Device names for volumes on Amazon EC2 instances").
pub fn device(text: &str) -> Result<String, String> {
    let is_name = || {
        let bare = text.strip_prefix("/dev/").unwrap_or(text);
        let (letters, number) = bare.split_at(bare.find(|one: char| one.is_ascii_digit()).unwrap_or(bare.len()));
        let letters =
            letters.strip_prefix("xvd").or(letters.strip_prefix("sd").filter(|_| text.starts_with("/dev/")))?;
        let is_disk = matches!(letters.len(), 1 | 2) && letters.chars().all(|one| one.is_ascii_lowercase());
        let is_number = number.is_empty() || number.parse().is_ok_and(|number: u8| (1..=15).contains(&number));
        Some(is_disk && is_number)
    };
    match is_name() {
        Some(true) => Ok(text.to_owned()),
        _ => Err("use a name from /dev/sdf to /dev/sdp, or xvdf to xvdp on Windows; EC2 does not use names like /dev/nvme1n1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_of_whole_hours_or_days() {
        assert_eq!(age("36h"), Ok(SignedDuration::from_hours(36)));
        assert_eq!(age("2d"), Ok(SignedDuration::from_hours(48)));
        for bad in ["", "h", "36", "0h", "-1h", "1.5d", "36m", "9999d", "é"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_ec2_does_not_take_is_refused() {
        for good in ["/dev/sdf", "/dev/sda1", "/dev/xvda", "/dev/xvdba", "xvdf", "/dev/sdh15"] {
            assert_eq!(device(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "foo bar",
            "sdf",
            "/dev/nvme1n1",
            "/dev/sd",
            "/dev/sdF",
            "/dev/sdf16",
            "/dev/sdabc",
            "/dev/sd1",
            "/dev/sdf 1",
        ] {
            assert!(device(bad).is_err(), "{bad}");
        }
    }
}
