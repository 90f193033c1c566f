"""Measurements, runnable by anyone. They print figures and assert none."""
