//! The stages of a set-up, as data, and which of them have to run.

/// Files and trees of a prepared runtime, by their names in its store.
pub mod names {
    /// The tree of directories that the guest sees.
    pub const GUEST: &str = "guest";
    /// The rewritten module. Only there while it is needed.
    pub const MODULE: &str = "module.wasm";
    /// The module's initial memory. Only there while it is needed.
    pub const INITIAL: &str = "initial.img";
    /// The compiled code.
    pub const CODE: &str = "code.cwasm";
    /// The artifact's wheel, in the downloads.
    pub const ARTIFACT: &str = "(artifact)";
    /// The packages' wheels, in the downloads.
    pub const PACKAGES: &str = "(packages)";
}

use names::{ARTIFACT, CODE, GUEST, INITIAL, MODULE, PACKAGES};

use crate::language::Language;
use crate::language::guest::WarmImage;

/// What is removed when everything is done.
pub const INTERMEDIATE: &[&str] = &[MODULE, INITIAL];

/// One stage.
#[derive(Debug, Clone, Copy)]
pub enum Stage {
    FetchArtifact,
    FetchPackages,
    Unpack,
    Rewrite,
    Compile,
    /// Makes an image, on what the one before it left, if there is one.
    Image(&'static WarmImage, Option<&'static WarmImage>),
}

/// What there is to know of a stage without running it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Which.
    pub stage: Stage,
    /// What people are told.
    pub title: &'static str,
    /// What it reads.
    pub inputs: Vec<&'static str>,
    /// What it makes.
    pub outputs: Vec<&'static str>,
    /// Inputs of which its outputs are a continuation: made anew, they make these outputs stale.
    pub continues: Vec<&'static str>,
    /// Room on the disk that it takes, rounded up.
    pub disk: u64,
}

/// What a start needs.
pub fn final_names(language: &'static Language) -> Vec<&'static str> {
    [GUEST, CODE].into_iter().chain(language.images.iter().map(|image| image.file)).collect()
}

/// All stages of a language's set-up, in the order in which they run.
pub fn stages(language: &'static Language) -> Vec<Spec> {
    let stage = |stage, title, inputs: &[_], outputs: &[_], disk| Spec {
        stage,
        title,
        inputs: inputs.to_vec(),
        outputs: outputs.to_vec(),
        continues: Vec::new(),
        disk,
    };
    let Language { artifact, packages, disk, .. } = language;
    let mut stages = vec![
        stage(Stage::FetchArtifact, artifact.title, &[], &[ARTIFACT], disk.artifact),
        stage(Stage::FetchPackages, packages.title, &[], &[PACKAGES], disk.packages),
        stage(Stage::Unpack, "unpacking", &[ARTIFACT, PACKAGES], &[GUEST], disk.guest),
        stage(Stage::Rewrite, "parting code and memory", &[ARTIFACT], &[MODULE, INITIAL], disk.module),
        stage(Stage::Compile, "compiling", &[MODULE], &[CODE], disk.code),
    ];
    let mut before: Option<&'static WarmImage> = None;
    for image in language.images {
        let from = before.map_or(INITIAL, |image| image.file);
        let made = stage(Stage::Image(image, before), image.title, &[CODE, from, GUEST], &[image.file], image.disk);
        stages.push(Spec { continues: before.map(|image| image.file).into_iter().collect(), ..made });
        before = Some(image);
    }
    stages
}

/// The stages that have to run, in order, where `is_there` tells which files and trees are good.
pub fn plan(language: &'static Language, is_there: impl Fn(&str) -> bool) -> Vec<Spec> {
    let stages = stages(language);
    let mut wanted = final_names(language);
    let mut runs = vec![false; stages.len()];
    // Each pass can only add stages, so there are at most as many passes as stages.
    loop {
        let before = runs.clone();
        for (spec, runs) in stages.iter().zip(&mut runs).rev() {
            let missing = spec.outputs.iter().any(|output| wanted.contains(output) && !is_there(output));
            let stale = stages
                .iter()
                .zip(&before)
                .any(|(other, runs)| *runs && other.outputs.iter().any(|output| spec.continues.contains(output)));
            if !*runs && (missing || stale) {
                *runs = true;
                wanted.extend(&spec.inputs);
            }
        }
        if runs == before {
            return stages.into_iter().zip(runs).filter_map(|(spec, runs)| runs.then_some(spec)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::DEFAULT;

    const BASE: &str = "base.img";
    const SCIENCE: &str = "science.img";

    /// The stages that run, by what they make first.
    fn planned(there: &[&str]) -> Vec<&'static str> {
        plan(DEFAULT, |name| there.contains(&name)).iter().map(|spec| spec.outputs[0]).collect()
    }

    #[test]
    fn everything_runs_at_first_and_nothing_when_all_is_there() {
        assert_eq!(planned(&[]).len(), stages(DEFAULT).len());
        assert!(planned(&final_names(DEFAULT)).is_empty());
    }

    #[test]
    fn downloads_are_not_fetched_again() {
        assert_eq!(planned(&[ARTIFACT, PACKAGES]).first(), Some(&GUEST));
    }

    #[test]
    fn a_lost_code_file_needs_the_module_again_but_no_images() {
        assert_eq!(planned(&[GUEST, BASE, SCIENCE, ARTIFACT]), [MODULE, CODE]);
        assert_eq!(planned(&[GUEST, BASE, SCIENCE, MODULE]), [CODE]);
    }

    #[test]
    fn a_new_base_image_makes_what_continues_it_stale() {
        assert_eq!(planned(&[GUEST, CODE, SCIENCE, INITIAL]), [BASE, SCIENCE]);
    }

    #[test]
    fn every_input_is_made_by_an_earlier_stage() {
        let stages = stages(DEFAULT);
        for (index, spec) in stages.iter().enumerate() {
            for input in &spec.inputs {
                assert!(stages[..index].iter().any(|earlier| earlier.outputs.contains(input)), "{input}");
            }
        }
    }
}
