"""The master of a mix fitted to a reference: tone and width by a match curve, density by a compressor."""
