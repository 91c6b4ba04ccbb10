"""How a changed record spreads: who still serves or keeps the old value, why, and until when."""
