"""The effect buses: reverb and delay, what feeds them and what comes back."""
