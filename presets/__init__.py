"""What a mix is: the console table, the preset, its files. No audio, no model."""
