"""The built-in page: Fogbell's console in a browser. No build step, no outside resources; reading works without JavaScript."""
