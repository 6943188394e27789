"""Exit statuses of `fogbell`; 64 and 66 as in BSD's sysexits.h."""

OK = 0
FAILED = 1  # the command did its work and found something wrong
BAD_CONFIG = 2  # the configuration is wrong: every mistake is on stderr
BROKEN = 3  # a feed's body is broken
USAGE = 64  # unknown word, option or format
NO_INPUT = 66  # a file or URL cannot be read
