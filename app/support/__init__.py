"""What shoppers say of the checkout, and what they are told became of it."""
