"""One module a modality; `medgym_core.imaging` says what each has."""
