"""Inpatient record: look through one patient's admissions, check what was ordered, act on it, hand over."""
