"""A push that plays: the lanes of a preset sent to a desk in time with the song of its DAW."""
