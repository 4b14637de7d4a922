"""What the page has done that takes a while: predicting, rendering, desks."""
