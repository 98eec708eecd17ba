"""The one door of finance: what others may rely on."""
