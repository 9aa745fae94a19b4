"""Commands of the people who work on Kolme; the product never imports them."""
