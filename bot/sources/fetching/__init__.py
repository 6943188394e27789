"""How bodies are had: one conditional request at a time, bounded, guarded, with what opens a private page."""
