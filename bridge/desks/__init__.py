"""Desks as data: one TOML file each says how a DAW or a mixer is addressed."""
