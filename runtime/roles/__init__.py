"""What each track is: from its name, from its sound, as it is told; and which two tracks are one pair."""
