"""Speed and size, measured as ratios within one run: `make bench`. The tables stand in docs/bench.md."""
