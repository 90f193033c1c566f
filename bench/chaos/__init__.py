"""Kills every part of an installation while candidates answer, and then holds the database against
what the candidates were told."""
