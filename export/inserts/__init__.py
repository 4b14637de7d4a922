"""TorchScript models as inserts: the process that runs one."""
