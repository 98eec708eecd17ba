"""One event for many cases (批量办理): each under its own rules, each with its own answer."""
