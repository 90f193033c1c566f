"""The floor of the bench: what Django itself costs on this machine. No part of the product."""
