//! The four permissions as flags, whole and in part: what calls take and answer, beside the set that ledgers have.

use keyfold_format::Permissions;
use serde::Serialize;

/// The four permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionFlags {
    /// May share keys on.
    pub allow_sharing: bool,
    /// May make a new key.
    pub allow_rotation: bool,
    /// May ban, and end shares.
    pub allow_deletion: bool,
    /// May set permissions.
    pub allow_management: bool,
}

impl From<Permissions> for PermissionFlags {
    fn from(set: Permissions) -> Self {
        Self {
            allow_sharing: set.contains(Permissions::SHARING),
            allow_rotation: set.contains(Permissions::ROTATION),
            allow_deletion: set.contains(Permissions::DELETION),
            allow_management: set.contains(Permissions::MANAGEMENT),
        }
    }
}

impl From<PermissionFlags> for Permissions {
    fn from(flags: PermissionFlags) -> Self {
        [
            (flags.allow_sharing, Self::SHARING),
            (flags.allow_rotation, Self::ROTATION),
            (flags.allow_deletion, Self::DELETION),
            (flags.allow_management, Self::MANAGEMENT),
        ]
        .into_iter()
        .filter(|(allowed, _)| *allowed)
        .fold(Self::NONE, |set, (_, flag)| set | flag)
    }
}

/// A change of somebody's permissions; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PartialPermissions {
    /// May share keys on.
    pub allow_sharing: Option<bool>,
    /// May make a new key.
    pub allow_rotation: Option<bool>,
    /// May ban, and end shares.
    pub allow_deletion: Option<bool>,
    /// May set permissions.
    pub allow_management: Option<bool>,
}

impl PartialPermissions {
    /// What is granted.
    pub(crate) fn granted(self) -> Permissions {
        self.that_are(true)
    }

    /// What is withdrawn.
    pub(crate) fn withdrawn(self) -> Permissions {
        self.that_are(false)
    }

    fn that_are(self, wanted: bool) -> Permissions {
        let is = |flag: Option<bool>| flag == Some(wanted);
        PermissionFlags {
            allow_sharing: is(self.allow_sharing),
            allow_rotation: is(self.allow_rotation),
            allow_deletion: is(self.allow_deletion),
            allow_management: is(self.allow_management),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_come_back_in_every_combination() {
        for bits in 0..16 {
            let set = Permissions::from_bits(bits).unwrap();
            assert_eq!(Permissions::from(PermissionFlags::from(set)), set);
        }
    }

    #[test]
    fn a_change_names_each_permission_once_or_not_at_all() {
        let change = PartialPermissions {
            allow_sharing: Some(true),
            allow_management: Some(false),
            ..PartialPermissions::default()
        };
        assert_eq!((change.granted(), change.withdrawn()), (Permissions::SHARING, Permissions::MANAGEMENT));
        let nothing = PartialPermissions::default();
        assert!(nothing.granted().is_empty() && nothing.withdrawn().is_empty());
    }
}
