"""What the tests of tenancy are made from: statements, people and values."""
