"""Guard rails: what would ruin a track or a mix is put right, and said."""
