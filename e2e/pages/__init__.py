"""Pages as people meet them: what can be found on each by its accessible name, and what a hand does there."""
