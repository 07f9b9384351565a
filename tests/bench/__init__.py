"""What is fast, measured against peers side by side; never part of the test suite. `make bench` runs it."""
