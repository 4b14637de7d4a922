"""Code of others in processes of their own: it may crash, hang, print or ask for memory, and only it ends."""
