"""Many sessions in one go: items, their keys, the ledger, and the processes that do the work."""
