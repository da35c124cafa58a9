//! What a guest was asked by raising its flag, until it has been told: each reason once. A flag, or a note of one in
//! the guest, that outlives what it was raised for must not become an interrupt of something else.

use crate::sandbox::{Asked, Reason};

/// What there is to tell a guest that asks why.
#[derive(Debug, Default)]
pub struct Asking {
    /// What it has not been told yet, and the fuel that it had used by then.
    asked: Option<(Reason, u64)>,
    /// How often it will still notice a flag of ours, and ask.
    noticing: u32,
}

/// Why a guest was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// For this reason, with so much fuel used.
    Asked(Reason, u64),
    /// It has been told already.
    Told,
    /// Not by us: a cell raised the signal itself.
    Itself,
}

impl Asking {
    /// The guest is asked something. A wish to know where it is does not take the place of what it was not told yet.
    pub fn note(&mut self, asked: Asked) {
        if asked.reason != Reason::Sample || self.asked.is_none() {
            self.asked = Some((asked.reason, asked.fuel));
        }
        self.noticing = self.noticing.saturating_add(u32::from(asked.afresh));
    }

    /// The guest asks why.
    pub fn tell(&mut self) -> Why {
        let ours = self.noticing > 0;
        self.noticing = self.noticing.saturating_sub(1);
        match self.asked.take() {
            Some((reason, fuel)) => Why::Asked(reason, fuel),
            None if ours => Why::Told,
            None => Why::Itself,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(reason: Reason) -> Asked {
        Asked { reason, fuel: 7, afresh: true }
    }

    #[test]
    fn a_reason_is_told_once() {
        let mut asking = Asking::default();
        asking.note(asked(Reason::Fuel));
        assert_eq!([asking.tell(), asking.tell()], [Why::Asked(Reason::Fuel, 7), Why::Itself]);
    }

    #[test]
    fn a_sample_neither_hides_an_interrupt_nor_becomes_one() {
        let mut asking = Asking::default();
        asking.note(asked(Reason::Interrupt));
        asking.note(asked(Reason::Sample));
        assert_eq!([asking.tell(), asking.tell()], [Why::Asked(Reason::Interrupt, 7), Why::Told]);
        // The interrupt came while the guest was about to ask for the sample's sake: it notices twice.
        asking.note(asked(Reason::Sample));
        asking.note(asked(Reason::Interrupt));
        assert_eq!([asking.tell(), asking.tell()], [Why::Asked(Reason::Interrupt, 7), Why::Told]);
    }

    #[test]
    fn a_flag_that_was_still_up_is_noticed_once() {
        let mut asking = Asking::default();
        asking.note(asked(Reason::Sample));
        asking.note(Asked { afresh: false, ..asked(Reason::Interrupt) });
        assert_eq!([asking.tell(), asking.tell()], [Why::Asked(Reason::Interrupt, 7), Why::Itself]);
    }

    #[test]
    fn a_cell_may_raise_the_signal_itself() {
        assert_eq!(Asking::default().tell(), Why::Itself);
    }
}
