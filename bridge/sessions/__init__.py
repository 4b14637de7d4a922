"""DAW sessions: what is on their tracks, as audio; and a mix put back into them."""
