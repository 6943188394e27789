"""Programs for whoever works on Fogbell: they make files that are kept in the repository."""
