"""The one door of policy: what others may rely on."""
