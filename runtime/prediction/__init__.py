"""From audio to a preset: prediction, guard rails, confidence."""
