"""What tests stand on: the test database, ports and processes."""
