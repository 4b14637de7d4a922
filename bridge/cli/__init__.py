"""The command line. One file for each group of commands; nothing heavy is imported before a command runs."""
