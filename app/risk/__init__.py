"""Whether an order looks right: what is known, what rules say of it, and what follows."""
