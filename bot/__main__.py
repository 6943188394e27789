"""`python -m bot` is `fogbell`."""

import sys

from bot.cli import main

sys.exit(main())
