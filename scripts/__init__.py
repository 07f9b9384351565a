"""What `make` runs besides the product: locks, vendored modules of the console, linters, system packages."""
