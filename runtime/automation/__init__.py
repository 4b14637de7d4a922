"""Settings predicted over time, drawn as lanes: a mix that follows the song."""
