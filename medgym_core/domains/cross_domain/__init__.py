"""Clinical pathways: one patient carried through three to five phases, with time targets on the simulated clock."""
