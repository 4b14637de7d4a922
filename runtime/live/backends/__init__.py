"""What calls the engine for each block of audio: a clock, JACK, PortAudio."""
