"""Awards: what finance grants of what was proposed, from the reservation to payment or recovery."""
