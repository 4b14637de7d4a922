"""Audio in and out: reading, writing, the folder of results, loudness, peaks."""
