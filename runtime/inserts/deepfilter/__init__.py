"""DeepFilterNet3: speech and singing without the noise around it, at 48 kHz."""
