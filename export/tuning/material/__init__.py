"""The material of a training: which files are pairs, what is wrong with them, which settings made them."""
