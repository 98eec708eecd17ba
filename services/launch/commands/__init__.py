"""What the `liangxin` command does: one module for what is loaded together."""
