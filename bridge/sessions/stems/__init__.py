"""From a session to stems: what will be rendered, and rendering it."""
