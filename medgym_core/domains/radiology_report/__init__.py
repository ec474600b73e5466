"""Radiology: measure a study on its pixels, classify, compare with priors, report, and pass on what cannot wait."""
