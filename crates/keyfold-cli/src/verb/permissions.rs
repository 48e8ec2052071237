//! `keyfold permissions`: what a member may do, shown or changed.

use super::keychain::permissions_text;
use super::share::Permission;
use crate::fault::Fault;
use crate::session::Session;
use crate::word::typed;
use clap::Args;
use keyfold_client::PartialPermissions;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The keychain
    #[arg(value_name = "KC", value_parser = typed)]
    keychain: String,
    /// A user id
    #[arg(value_name = "WHO", value_parser = typed)]
    who: String,
    /// What the member may do from now on; what is named nowhere stays
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    allow: Vec<Permission>,
    /// What the member may not do any more
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    deny: Vec<Permission>,
}

pub(crate) async fn run(session: &Session, options: Options) -> Result<(), Fault> {
    let change = change(&options.allow, &options.deny)?;
    let client = session.client()?;
    let now = match change {
        Some(change) => client.set_permissions(&options.keychain, &options.who, change).await?,
        None => client.permissions(&options.keychain, Some(&options.who)).await?,
    };
    session.output.show(&now, |now| format!("{} may: {}", options.who, permissions_text(*now)))
}

/// `None` if nothing is to be changed.
fn change(allow: &[Permission], deny: &[Permission]) -> Result<Option<PartialPermissions>, Fault> {
    let of = |permission: Permission| match (allow.contains(&permission), deny.contains(&permission)) {
        (true, true) => Err(Fault::usage(format!("`{}` is both allowed and denied", permission.name()))),
        (true, false) => Ok(Some(true)),
        (false, true) => Ok(Some(false)),
        (false, false) => Ok(None),
    };
    let change = PartialPermissions {
        allow_sharing: of(Permission::Sharing)?,
        allow_rotation: of(Permission::Rotation)?,
        allow_deletion: of(Permission::Deletion)?,
        allow_management: of(Permission::Management)?,
    };
    Ok(Some(change).filter(|change| *change != PartialPermissions::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_nowhere_stays_and_nothing_is_named_twice() {
        let change = |allow: &[Permission], deny: &[Permission]| change(allow, deny);
        assert_eq!(change(&[], &[]).unwrap(), None);
        let expected = PartialPermissions {
            allow_sharing: Some(true),
            allow_management: Some(false),
            ..PartialPermissions::default()
        };
        assert_eq!(change(&[Permission::Sharing], &[Permission::Management]).unwrap(), Some(expected));
        let fault = change(&[Permission::Rotation], &[Permission::Rotation]).unwrap_err();
        assert_eq!((fault.code(), fault.exit()), ("Usage", 2));
    }
}
