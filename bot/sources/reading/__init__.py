"""What parsers share: bytes to text, feeds to entries, words and times to ours. No format is known here."""
