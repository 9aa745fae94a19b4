"""Runs the whole product on one machine: the embedded database, the web process and the worker."""
