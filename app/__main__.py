"""`python -m app` is the `kolme` command."""

import sys

from app.cli import main

sys.exit(main())
