"""What :mod:`mixbridge.presets.edit` is made of: gain moved past stages, lanes changed, differences listed."""
