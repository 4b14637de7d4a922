"""The page of figures that an evaluation writes."""
