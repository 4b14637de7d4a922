"""A preset's settings in the terms of a desk that has fewer bands, other ranges and a grid."""
