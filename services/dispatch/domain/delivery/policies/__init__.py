"""The limits of a delivery, by jurisdiction and date."""
