"""Notices to customers: `draft` writes them from templates that a user may replace one by one."""
