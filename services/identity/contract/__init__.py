"""The one door of identity: what others may rely on."""
