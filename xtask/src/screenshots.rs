//! The pictures in `docs/images`: taken by the test that plays the demo's story, so that they show what is. Separate
//! from the tests, which leave the pictures alone.

use crate::node;
use crate::packages::{self, DEMO};
use crate::project::{self, Project};
use crate::step::Outcome;

pub(crate) fn run(project: &Project) -> anyhow::Result<Outcome> {
    let browser = match node::chromium(project)? {
        Ok(browser) => browser,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    // The demo's server is the one that lies.
    let crates = ["--package", "keyfold-cli", "--package", "keyfold-testing", "--bins"];
    project::succeed(project.cargo().args(["build", "--quiet", "--locked"]).args(crates))?;
    if let Outcome::Skipped(reason) = packages::build(project)? {
        return Ok(Outcome::Skipped(reason));
    }
    let mut story = packages::script(project, DEMO, "test");
    story.env("KEYFOLD_SCREENSHOTS", "1").env("KEYFOLD_CHROMIUM", browser);
    story.env("KEYFOLD_BIN", project.target().join("debug/keyfold"));
    println!("    {}", project::typed(&story));
    project::succeed(&mut story)?;
    Ok(Outcome::Done("docs/images is up to date".into()))
}
