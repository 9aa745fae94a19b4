"""What a shopper's own choices add to an order: how it comes, what a way to pay costs or saves, an insurance."""
