"""What commands print: results for people and for machines, progress, and how paths and lists are worded."""
