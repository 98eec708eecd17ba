"""Alembic's environment of every service; each has its own versions folder and its own schema."""

from services.kernel.migrations import run_environment

run_environment()
