//! Who may depend on whom, and what the layers without I/O must not reach. A check, so that a crossing is seen in the
//! change that makes it. Three looks, because each sees what the others cannot: at the dependencies as declared
//! ([`table`]), at the crates that come along with them ([`reach`]), and at the paths that the source names
//! ([`source`]), for the standard library is a dependency that no manifest shows. npm packages have their own ([`npm`]).

mod npm;
mod reach;
mod source;
mod table;
mod tests;

use crate::project::Project;
use crate::step::Outcome;
use anyhow::bail;

pub(crate) fn run(project: &Project) -> anyhow::Result<Outcome> {
    let metadata = project.metadata()?;
    let mut violations = table::check(&metadata);
    let crates = metadata.workspace_packages().len();
    violations.extend(reach::check(project, &metadata)?);
    violations.extend(tests::check(&metadata)?);
    let (files, crossings) = source::check(project)?;
    violations.extend(crossings);
    let (modules, crossings) = npm::check(project)?;
    violations.extend(crossings);
    for violation in &violations {
        eprintln!("  {violation}");
    }
    if !violations.is_empty() {
        bail!("{} violations of the layers", violations.len());
    }
    Ok(Outcome::Done(format!("{crates} crates, {files} files of Rust and {modules} of TypeScript keep the layers")))
}
