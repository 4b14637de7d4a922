"""The stages of a strip that are set by what a track needs: each is off where it would change nothing."""
