"""A preset in plug-ins of the user's: chosen, fitted, rendered, saved."""
