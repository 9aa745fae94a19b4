"""The verbs of loyalty; the only writers of its tables."""

from app.loyalty.actions.programmes import save_programme

__all__ = ["save_programme"]
