"""The one door of enterprise: what others may rely on."""
