"""Studies: several arms from one start, over seeds, resumable arm by arm. `stages` makes them, `report` tells them."""
