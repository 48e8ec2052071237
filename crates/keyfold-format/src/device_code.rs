//! The code of a device that asks to be let in: `keyfold:device/DEVICE/USER`. It holds nothing that is secret. The
//! device's id is a hash of its keys, so whoever lets in what the code names lets in that device and no other.
//!
//! Spec: `docs/spec/devices.md`, "Asking to be let in".

use crate::{
    HolderId, Malformed, UserId,
    uri::{escaped, unescaped},
};
use core::{fmt, str::FromStr};

const PREFIX: &str = "keyfold:device/";

/// Which device asks, and whose it says to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// The device.
    pub device: HolderId,
    /// The application's name of the person.
    pub user_id: UserId,
}

impl fmt::Display for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/{}", self.device, escaped(self.user_id.as_str()))
    }
}

impl FromStr for DeviceCode {
    type Err = Malformed;

    /// Only what [`Display`](fmt::Display) writes: there is one code for one device.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (device, user) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or(Malformed::Encoding)?;
        let user_id = UserId::new(unescaped(user).ok_or(Malformed::Encoding)?)?;
        if escaped(user_id.as_str()) != user {
            return Err(Malformed::Encoding);
        }
        Ok(Self { device: device.parse()?, user_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_code_comes_back_and_no_other_text_is_one() {
        let code = DeviceCode { device: HolderId([5; 32]), user_id: UserId::new("alice@x").unwrap() };
        let text = code.to_string();
        assert_eq!(text, alloc::format!("keyfold:device/{}/alice%40x", HolderId([5; 32])));
        assert_eq!(text.parse(), Ok(code));
        for bad in ["", "keyfold:device/", &text[1..], &text.replace("%40", "@"), &text.replace("device", "identity")] {
            assert!(bad.parse::<DeviceCode>().is_err(), "{bad}");
        }
    }
}
