"""What all domains share about patients: reference ranges, physiology, codes, FHIR."""
