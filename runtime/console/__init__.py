"""The console as it sounds: each stage, a strip, all strips running side by side."""
