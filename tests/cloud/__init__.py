"""The whole template in a cloud of this machine: `make test-cloud`. Not part of the suite."""
