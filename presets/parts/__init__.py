"""Parts of the console that are tables of their own, and what a table is made of."""
