"""Clinical diagnosis: history, examination, tests that come back later, differential, scores and safe treatment."""
